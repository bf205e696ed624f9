"""Claims about clusters on this machine's own kernel: what comes up there, and what its receipt says.

They are for root, on a machine that can do it; doctor's lines ``clusters.*`` say which can. A kernel that cannot delay
and drop is used as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.job import NO_IMPAIRMENTS
from testbed.kernel import detect
from testbed.kubernetes import host_kernel
from testbed.kubernetes.cgroups_v2 import PREFIX, ROOT
from tests.lab.user import User

pytestmark = pytest.mark.cluster
FILE, HERE = ("topologies/stretched_cluster.py", "--set", "vpn=no"), ("--kernel", "host", NO_IMPAIRMENTS)
WITHIN_S = 900.0
"""A cluster is made here if none is kept; arbitrary, several times what it takes."""


def lacking() -> list[str]:
    """What keeps clusters from this machine's kernel."""
    found = {each.name: each for each in (*detect.capabilities(), *host_kernel.capabilities())}
    names = [f"host.{name}" for name in detect.PLAIN_LABS_NEED]
    names += [name for name in found if name.startswith(host_kernel.PREFIX)]
    return [name for name in names if not found[name].available]


@pytest.fixture(scope="module", autouse=True)
def _able() -> None:
    if names := lacking():
        pytest.skip(f"this machine's own kernel, or this user, lacks {', '.join(names)}")


@pytest.fixture
def unchanged() -> Iterator[None]:
    """Control groups and interfaces of the machine are as they were afterwards."""

    def seen() -> dict[str, list[str]]:
        groups = [path.name for place in (ROOT, *ROOT.glob("*/")) for path in place.glob(f"{PREFIX}*")]
        return {"groups": groups, "interfaces": sorted(path.name for path in Path("/sys/class/net").iterdir())}

    before = seen()
    yield
    assert seen() == before


@pytest.mark.usefixtures("unchanged")
def test_nodes_reach_each_other_and_the_receipt_says_what_the_links_did_not_do(user: User) -> None:
    found: dict[str, Any] = json.loads(user.run("run", *FILE, *HERE, "--json", expect=3, within_s=WITHIN_S))
    assert found["why"][0].startswith("the lab was brought up without impairments"), found["why"]
    assert all(why.startswith("link dx, ") for why in found["why"][1:]), found["why"]
    values = {each["name"]: each["value"] for each in found["measurements"]}
    assert values == {"pairs_reached": 12, "packets_past_the_lab": 0}


@pytest.mark.usefixtures("unchanged")
def test_a_cluster_that_is_kept_up_is_spoken_to_and_gone_when_it_is_down(user: User) -> None:
    user.run("up", *FILE, *HERE, within_s=WITHIN_S)
    try:
        nodes = user.run("kubectl", "--", "get", "nodes", "--no-headers")
        assert [line.split()[:2] for line in nodes.splitlines()] == [
            ["aws-1", "Ready"], ["aws-cp", "Ready"], ["onprem-1", "Ready"],
        ]  # fmt: skip
        assert "coredns" in user.run("exec", "aws-cp", "--", "crictl", "ps")
    finally:
        user.run("down", within_s=WITHIN_S)
    assert not user.left()
