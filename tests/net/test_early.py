"""Claims about what is refused before a node's kube-proxy has rules."""

from __future__ import annotations

import json
from typing import Any

from testbed.net import early
from tests.plan.shipped import plan_of

(CLUSTER,) = plan_of("stretched_cluster.py").clusters


def test_only_what_goes_on_to_a_services_own_address_is_refused_at_once() -> None:
    rules: list[Any] = [
        command["add"]["rule"]
        for command in json.loads(early.rules(CLUSTER))["nftables"]
        if "rule" in command["add"]
    ]  # fmt: skip
    address, _, length = CLUSTER.services.partition("/")
    for rule in rules:
        assert rule["chain"] == "forward"
        assert rule["expr"][1]["match"]["right"] == {"prefix": {"addr": address, "len": int(length)}}
    answers = [rule["expr"][2]["reject"]["type"] for rule in rules]
    assert answers == ["tcp reset", "icmp"]
