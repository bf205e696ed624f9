"""Claims about plans: the same from the same, nothing given out twice, and every name fits the kernel."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, ip_interface, ip_network

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from testbed.builder import Topology
from testbed.errors import InputError
from testbed.load import load
from testbed.plan import addresses
from testbed.plan.compile import compile_plan
from testbed.plan.nat import moved
from testbed.plan.plan import FABRIC, Plan
from testbed.plan.schema import plan_json
from testbed.plan.steps import steps
from testbed.plan.validate import validate
from tests.daemons.sample import check_golden
from tests.plan.shipped import ROOT, SHIPPED, plan_of

NAME_MAX = 15
"""IFNAMSIZ less the final zero."""


@pytest.mark.parametrize("name", [name for name in SHIPPED if name.endswith(".py")])
def test_the_plan_of_a_shipped_topology_is_the_golden_one(name: str) -> None:
    check_golden(f"plans/{name.removesuffix('.py')}.json", plan_json(plan_of(name)))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_same_topology_and_lab_give_the_same_plan(name: str) -> None:
    again = load(str(ROOT / "topologies" / name), {}, "golden").plan
    assert plan_json(again) == plan_json(plan_of(name))


@pytest.mark.parametrize("name", SHIPPED)
def test_another_lab_changes_macs_and_secrets_only(name: str) -> None:
    mine, other = plan_of(name), plan_of(name, "other")
    assert all(a.mac != b.mac for a, b in zip(mine.cables, other.cables, strict=True))
    assert all(a.secret != b.secret for a, b in zip(mine.tunnels, other.tunnels, strict=True))
    assert blank(mine) == blank(other)


def blank(plan: Plan) -> Plan:
    """A plan without what comes from the lab's id."""
    return replace(
        plan, lab="", cables=tuple(replace(cable, mac="") for cable in plan.cables),
        tunnels=tuple(replace(tunnel, secret="") for tunnel in plan.tunnels),
    )  # fmt: skip


OTHER_PARAMETERS = "stretched_cluster.yaml"
"""Chooses among networks for pods by their parts, which Python does by name."""


@pytest.mark.parametrize("name", [name for name in SHIPPED if name.endswith(".yaml") and name != OTHER_PARAMETERS])
def test_yaml_and_python_make_the_same_plan_byte_for_byte(name: str) -> None:
    assert plan_json(plan_of(name)) == plan_json(plan_of(name.replace(".yaml", ".py")))


@pytest.mark.parametrize(
    ("python", "yaml"),
    [
        ({}, {}),
        ({"workers": "3", "dx.bfd": "off"}, {"workers": "3", "dx.bfd": "off"}),
        ({"cni": "calico-vxlan-cross-subnet"}, {"cni.mode": "vxlan-cross-subnet"}),
        ({"cni": "calico-bgp"}, {"cni.mode": "bgp", "cni.asn": "64513"}),
        ({"cni": "calico-wireguard"}, {"cni.wireguard": "yes"}),
        ({"pods.mtu": "8951 B"}, {"pods.mtu": "8951"}),
    ],
)
def test_a_cluster_in_yaml_and_in_python_makes_the_same_plan_byte_for_byte(
    python: dict[str, str], yaml: dict[str, str]
) -> None:
    files = {"stretched_cluster.py": python, OTHER_PARAMETERS: yaml}
    first, other = (load(str(ROOT / "topologies" / name), given_).plan for name, given_ in files.items())
    assert plan_json(replace(first, parameters={})) == plan_json(replace(other, parameters={}))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "dx.delay": st.integers(0, 10**9).map(lambda ns: f"{ns} ns"), "dx.hosted": st.sampled_from(["yes", "no"]),
            "dx.loss": st.integers(0, 100).map(lambda n: f"{n} %"), "dx.bfd": st.sampled_from(["off", "50 ms"]),
            "dx.rate": st.sampled_from(["50 Mbit/s", "10 Gbit/s"]), "dx.hold": st.sampled_from(["3 s", "30 s"]),
            "vpn.kind": st.sampled_from(["ipsec", "wireguard"]), "vpn.routing": st.sampled_from(["bgp", "static"]),
            "routing.daemon": st.sampled_from(["bird", "frr"]),
        },
    )
)  # fmt: skip
@settings(max_examples=20, deadline=None)
def test_yaml_and_python_make_the_same_plan_with_any_settings(given_: dict[str, str]) -> None:
    first, other = (load(str(ROOT / "topologies" / f"hybrid.{kind}"), given_).plan for kind in ("py", "yaml"))
    assert plan_json(first) == plan_json(other)


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """Sites of any kind and size, joined anyhow, some mapped, some with a NAT gateway, with VPNs over an Internet."""
    t = Topology("random")
    gateways: list[str] = []
    for number in range(draw(st.integers(1, 5))):
        make = draw(st.sampled_from([t.vpc, t.lan]))
        routers = draw(st.integers(0, 2 if make == t.lan else 1))
        mapped = routers == 1 and draw(st.booleans())
        site = make(f"site-{number}", f"10.{number}.0.0/16", seen_as=f"100.{64 + number}.0.0/16" if mapped else "")
        for zone in draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3)):
            site.hosts(f"h{number}{zone}-", draw(st.integers(1, 40)), zone=zone)
        site.host(f"h{number}-x", rate=draw(st.sampled_from([None, "1 Gbit/s"])))
        if make == t.vpc and routers and draw(st.booleans()):
            subnet = site.subnet(f"nat-{number}", f"10.{number}.200.0/24")
            t.nat_gateway(f"nat-{number}", site, subnet=subnet, serves=[f"site-{number}"])
        for router in range(routers):
            ecmp, transits = draw(st.sampled_from([1, 2, 8])), draw(st.booleans())
            gateways.append(site.router(f"gw{number}-{router}", asn=65000 + number, ecmp=ecmp, transits=transits))
    pairs = [(a, b) for a, b in itertools.combinations(gateways, 2) if a[:3] != b[:3]]
    joined = draw(st.lists(st.sampled_from(pairs), max_size=6)) if pairs else []
    for number, (a, b) in enumerate(joined):
        delay = f"{draw(st.integers(0, 50))} ms"
        if draw(st.booleans()):
            t.direct_connect(f"dx-{number}", a, b, delay=delay, hosted=draw(st.booleans()))
        else:
            t.link(f"link-{number}", a, b, delay=delay, bgp=draw(st.sampled_from([None, t.bgp()])))
    if len(pairs) > 0 and draw(st.booleans()):
        ends = draw(st.sampled_from(pairs))
        t.internet("inet")
        for end in ends:
            t.attach(end)
        t.vpn("vpn", *ends, tunnels=draw(st.integers(1, 4)), routing=draw(st.sampled_from(["bgp", "static"])))
    return t


def interfaces(plan: Plan) -> Iterator[tuple[str, str, int]]:
    """(namespace, name, index) of every interface."""
    for cable in plan.cables:
        yield cable.node, cable.interface, cable.index
        yield FABRIC, cable.port, cable.port_index
    for bridge in plan.bridges:
        yield FABRIC, bridge.name, bridge.index
        if bridge.trunk:
            yield FABRIC, bridge.trunk[0], bridge.trunk[1]
            yield FABRIC, bridge.trunk[2], bridge.trunk[3]
    for tunnel in plan.tunnels:
        for end in (tunnel.a, tunnel.b):
            yield end.node, end.interface, end.index


def given_out(plan: Plan) -> Iterator[str]:
    """Every address of an interface, without its length, and as other sites see it."""
    mapped = {mapping.site: mapping for mapping in plan.mappings}
    for cable in plan.cables:
        mapping = mapped.get(plan.node(cable.node).site)
        for address in (str(ip_interface(address).ip) for address in cable.addresses):
            yield moved(address, mapping.real, mapping.seen_as) if mapping else address
    for tunnel in plan.tunnels:
        yield from (tunnel.a.address, tunnel.a.address6, tunnel.b.address, tunnel.b.address6)
    yield from (str(ip_interface(address).ip) for _, address in plan.loopbacks)


def check(plan: Plan) -> None:
    """What holds of every plan."""
    found = list(interfaces(plan))
    assert max(len(name) for _, name, _ in found) <= NAME_MAX
    assert max(Counter((node, name) for node, name, _ in found).values()) == 1
    assert max(Counter((node, index) for node, _, index in found).values()) == 1
    assert max(Counter(given_out(plan)).values()) == 1
    assert max(Counter(cable.mac for cable in plan.cables).values()) == 1
    # Never the same index at both ends of a cable: see addresses.FIRST_FABRIC_INDEX.
    assert all(cable.index != cable.port_index for cable in plan.cables)
    segments: dict[str, set[str]] = {}
    for cable in plan.cables:
        for address in cable.addresses:
            segments.setdefault(str(ip_interface(address).network), set()).add(cable.port if not cable.bridge else "")
    networks = sorted(map(ip_network, segments), key=lambda network: (network.version, network))
    assert not any(addresses.overlap(a, b) for a, b in itertools.pairwise(networks))
    # Every node that has an address is reached by it.
    assert all(node.address for node in plan.nodes if node.kind == "host")
    assert {route.node for route in plan.routes} <= {node.name for node in plan.nodes}
    sessions = {(s.local, s.peer): s for routing in plan.routing for s in routing.sessions}
    for session in sessions.values():
        back = sessions[session.peer, session.local]
        assert (back.local_as, back.peer_as, back.hold) == (session.peer_as, session.local_as, session.hold)
    for routing in plan.routing:
        assert max(Counter(s.name for s in routing.sessions).values(), default=1) == 1
    for wanted in plan.reach:
        assert set(wanted.best) <= set(wanted.via)
        assert 1 <= wanted.paths <= len(wanted.best)


@given(topologies())
@settings(max_examples=150, deadline=None)
def test_any_topology_makes_a_plan_in_which_nothing_is_given_out_twice(t: Topology) -> None:
    assert t.parameters.problems == []
    model = t.build()
    assert validate(model) == []
    try:
        plan = compile_plan(model, "lab")
    except InputError as error:
        # Preferences in a ring can have no stable state: refused in words, as test_reach.py claims.
        assert "never settle" in str(error)
        reject()
    check(plan)
    assert steps(plan)[0].action == "namespaces"
    assert json.loads(plan_json(plan))["lab"] == "lab"


@pytest.mark.parametrize("name", SHIPPED)
def test_what_holds_of_every_plan_holds_of_the_shipped_ones(name: str) -> None:
    check(plan_of(name))


def test_two_thousand_hosts_get_more_than_one_bridge_and_all_an_address() -> None:
    t = Topology("large")
    lan = t.lan("dc", "10.0.0.0/16")
    lan.hosts("h-", 2500)
    lan.router("gw", asn=65000)
    model = t.build()
    assert validate(model) == []
    plan = compile_plan(model, "lab")
    check(plan)
    ports = Counter(cable.bridge for cable in plan.cables)
    assert len(plan.bridges) == 3
    assert max(ports.values()) <= addresses.PORTS_PER_BRIDGE
    # All in one subnet that is large enough.
    assert {ip_interface(cable.addresses[0]).network for cable in plan.cables} == {ip_network("10.0.16.0/20")}


def test_a_long_queue_of_links_gets_addresses_without_end() -> None:
    """Every number that is given out by counting is known to last for as long as validation allows."""
    last = addresses.pair(addresses.PAIRS_MAX)
    assert last.b[0] == "169.254.255.254"
    public = addresses.pair(addresses.PAIRS_MAX, public=True)
    assert IPv4Address(public.b[0]) in addresses.UNDERLAY
    assert int(ip_interface(public.b[0]).ip) < int(ip_interface(addresses.tunnel_endpoint(1)).ip)
    assert addresses.router_id(addresses.ROUTERS_MAX) == "203.0.113.254"
