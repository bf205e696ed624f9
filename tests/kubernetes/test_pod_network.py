"""Claims about what joins pods, each on a real cluster: packets of full size arrive, wrapped as the mode says."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

import pytest

from testbed.boot.kept import forget
from testbed.boot.runner import Outcome
from testbed.boot.states import States
from testbed.check.wrapped import Wrap, seen
from testbed.cluster.build import ImageBuild
from testbed.history import History
from testbed.load import load
from testbed.plan.schema import plan_from_json
from testbed.probe import capture
from testbed.verdict import Verdict
from tests.conftest import ROOT, RunScenario

FILE = "scenarios/pod_network.py"
ONE_SUBNET = (f"topology={ROOT / 'tests/kubernetes/one_subnet.py'}", "source=lab-1", "target=lab-2")
REFLECTED = (f"topology={ROOT / 'tests/kubernetes/reflected.py'}", "source=aws-2", "target=dc-1")
pytestmark = pytest.mark.cluster


@pytest.fixture
def run_scenario(run_scenario: RunScenario) -> Iterator[RunScenario]:
    """The same; but what was made for it alone is not kept, some 5 GB for each kind of network."""
    image = ImageBuild()
    states, made = States(image), set[str]()
    engine = states.engine(lambda message: None)
    usual = states.key(load(str(ROOT / FILE), {}).plan, engine)

    def call(file: str, *settings: str, seed: int = 7, again: int = 0) -> Outcome:
        plan = load(str(ROOT / file), dict(word.split("=", 1) for word in settings)).plan
        was_there = states.kept(plan, engine)
        try:
            return run_scenario(file, *settings, seed=seed, again=again)
        finally:
            if not was_there and states.kept(plan, engine):
                made.add(states.key(plan, engine))

    yield call
    forget(image.cache, sorted(made - {usual}))


@pytest.mark.parametrize(
    ("settings", "wrap"),
    [
        (("cni=calico-vxlan",), "vxlan"),
        (("cni=calico-vxlan-cross-subnet",), "vxlan"),
        (("cni=calico-bgp",), "none"),
        (("cni=calico-wireguard",), "wireguard"),
        (("cni=calico-nftables",), "vxlan"),
        (("cni=flannel-vxlan",), "vxlan"),
        (("cni=flannel-ipip",), "ipip"),
        (("cni=flannel-wireguard",), "wireguard"),
        (ONE_SUBNET, "none"),
        (REFLECTED, "none"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0].rpartition("/")[2],
)
def test_pods_reach_each_other_with_packets_of_full_size_wrapped_as_the_mode_says(
    run_scenario: RunScenario, settings: tuple[str, ...], wrap: Wrap
) -> None:
    outcome = run_scenario(FILE, *settings)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    record = outcome.directory / "record"
    found = seen(capture.read(record / "captures" / "leaving.pcap"), pods(outcome), b"")
    assert set(found.wraps) == {wrap}


def pods(outcome: Outcome) -> str:
    """The range of a run's pods."""
    plan = plan_from_json((outcome.directory / "plan.json").read_text(encoding="utf-8"))
    return plan.clusters[0].pods


def ways(outcome: Outcome) -> dict[str, set[tuple[str, ...]]]:
    """By router: the interfaces over which it knew pods at the end."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for event in History(outcome.directory / "record").of("route"):
        prefix = event.fields["prefix"]
        if ":" not in prefix and IPv4Network(prefix).subnet_of(IPv4Network(pods(outcome))):
            found[event.fields["node"], prefix] = tuple(event.fields["via"])
    return {router: {via for (node, _), via in found.items() if node == router} for router, _ in found}


def test_with_bgp_routers_know_their_own_nodes_pods_and_those_of_the_other_site(run_scenario: RunScenario) -> None:
    known = ways(run_scenario(FILE, "cni=calico-bgp"))
    assert known == {"vgw": {("lan0",), ("dx",)}, "cgw": {("lan0",), ("dx",)}}


def test_reflectors_tell_routers_of_each_node_by_its_own_subnet(run_scenario: RunScenario) -> None:
    known = ways(run_scenario(FILE, *REFLECTED))
    assert known == {"vgw": {("lan0",), ("lan1",), ("dx",)}, "cgw": {("lan0",), ("dx",)}}


def test_packets_of_pods_whose_mtu_is_their_interfaces_are_cut_on_the_way(
    run_scenario: RunScenario,
) -> None:
    """8951 bytes are what a VPC's interface leaves of VXLAN; Direct Connect takes 1500."""
    outcome = run_scenario(FILE, "cni=flannel-vxlan", "pods.mtu=8951B")
    found = {each.name: each for each in outcome.judgement.measurements}
    assert found["largest_on_the_wire"].value == 9001
    assert found["largest_on_the_wire"].verdict is Verdict.FAIL
    assert found["fragments"].verdict is Verdict.FAIL


def test_without_bgp_routers_know_nothing_of_pods(run_scenario: RunScenario) -> None:
    assert ways(run_scenario(FILE, "cni=flannel-vxlan")) == {}
