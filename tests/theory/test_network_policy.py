"""Claims about what network policies leave, against the examples of Kubernetes' documentation."""

from __future__ import annotations

from typing import Any

import pytest

from testbed.kubernetes.policies import policy
from testbed.theory.network_policy import End, admits

WEB, CLIENT = End("a", {"app": "web", "site": "x"}), End("b", {"app": "client", "site": "y"})
NEIGHBOUR = End("c", {"app": "other", "site": "x"})
DNS = End(None, {"app": "web"}, namespace="kube-system")
HOST_A, HOST_B = End("a"), End("b")
DENY = policy("deny", {}, ingress_from=())
SITE = policy("site", {"site": "x"}, ingress_from=({"site": "x"},))
EGRESS = policy("egress", {}, egress_to=({"app": "web"},), port=80)


def test_without_a_policy_everything_passes() -> None:
    assert all(admits((), source, WEB, "TCP", 80) for source in (CLIENT, HOST_A, HOST_B))


@pytest.mark.parametrize(
    ("policies", "source", "target", "passes"),
    [
        ((DENY,), CLIENT, WEB, False),
        ((DENY,), HOST_B, WEB, False),
        ((DENY,), HOST_A, WEB, True),  # its own node: kubelet's probes
        ((DENY,), WEB, HOST_B, True),  # who asks is not isolated, and a node is nobody's to isolate
        ((SITE,), NEIGHBOUR, WEB, True),
        ((SITE,), CLIENT, WEB, False),
        ((SITE,), WEB, CLIENT, True),  # no policy selects it
        ((DENY, SITE), NEIGHBOUR, WEB, True),  # policies add up
        ((EGRESS,), CLIENT, WEB, True),
        ((EGRESS,), CLIENT, NEIGHBOUR, False),
        ((EGRESS,), CLIENT, DNS, False),  # a selector means pods of its own namespace, whatever their labels
        ((EGRESS,), HOST_B, WEB, True),
    ],
)
def test_what_policies_leave(policies: tuple[Any, ...], source: End, target: End, passes: bool) -> None:
    assert admits(policies, source, target, "TCP", 80) is passes


def test_a_rule_is_for_its_port_alone() -> None:
    assert admits((EGRESS,), CLIENT, WEB, "UDP", 80)
    assert not admits((EGRESS,), CLIENT, WEB, "TCP", 443)


def test_a_policy_says_which_directions_it_is_for() -> None:
    assert DENY["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": []}
    assert EGRESS["spec"]["policyTypes"] == ["Egress"]
    assert EGRESS["spec"]["egress"][0]["to"] == [{"podSelector": {"matchLabels": {"app": "web"}}}]
