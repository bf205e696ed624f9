"""Claims about clusters whose nodes speak BGP: each node with the routers of its site, in its own subnet."""

from __future__ import annotations

from typing import Any

import pytest

from testbed import Calico, Topology
from testbed.cni import AnyCni, Flannel
from testbed.plan.clusters import Peering
from testbed.plan.compile import compile_plan
from testbed.plan.steps import steps
from testbed.plan.validate import validate

BGP = Calico(mode="bgp", asn=64513)


def topology(cni: AnyCni = BGP, routers: int = 1, **vpn: Any) -> Topology:
    """A VPC with nodes in two zones and a data centre, over a link and, with ``vpn``, a VPN as well."""
    t = Topology("two")
    aws, dc = t.vpc("aws", "10.0.0.0/16"), t.lan("dc", "192.168.0.0/16")
    vgw = aws.router("vgw", asn=64512)
    cgws = [dc.router(f"cgw-{number + 1}", asn=65000) for number in range(routers)]
    for number, cgw in enumerate(cgws):
        t.link(f"dx-{number + 1}", vgw, cgw, bgp=t.bgp())
    if vpn:
        inet = t.internet("inet")
        t.attach(vgw, inet)
        t.attach(cgws[0], inet)
        t.vpn("vpn", vgw, cgws[0], over=inet, **vpn)
    t.cluster("prod", cni=cni, control_plane=aws, workers={aws: 2, dc: 1})
    return t


def test_each_node_speaks_with_every_router_of_its_site_in_its_own_subnet() -> None:
    plan = compile_plan(topology(routers=2).build(), "lab")
    (cluster,) = plan.clusters
    owners = {address.partition("/")[0]: cable for cable in plan.cables for address in cable.addresses}
    spoken = [(peering.node, owners[peering.peer].node, peering.peer_as) for peering in cluster.peerings]
    assert spoken == [
        ("aws-cp", "vgw", 64512), ("aws-1", "vgw", 64512), ("aws-2", "vgw", 64512),
        ("dc-1", "cgw-1", 65000), ("dc-1", "cgw-2", 65000),
    ]  # fmt: skip
    for peering in cluster.peerings:
        node = next(cable for cable in plan.cables if cable.node == peering.node)
        assert owners[peering.peer].bridge == node.bridge


def test_both_sides_of_a_session_fit() -> None:
    plan = compile_plan(topology().build(), "lab")
    (cluster,) = plan.clusters
    known = {(session.local, session.peer): session for each in plan.routing for session in each.node_sessions}
    assert len(known) == len(cluster.peerings)
    for peering in cluster.peerings:
        session = known[peering.peer, cluster.node(peering.node).address]
        assert (session.local_as, session.peer_as) == (peering.peer_as, 64513)
        assert session.name == f"node_{peering.node}"


def test_what_routers_must_have_learned_before_a_cluster_is_up_has_no_pods_in_it() -> None:
    wrapped, plain = (compile_plan(topology(cni).build(), "lab") for cni in (Calico(), BGP))
    assert wrapped.reach == plain.reach
    assert [each.sessions for each in wrapped.routing] == [each.sessions for each in plain.routing]


def test_where_packets_are_wrapped_routers_know_nothing_of_nodes() -> None:
    for cni in (Calico(), Flannel()):
        plan = compile_plan(topology(cni).build(), "lab")
        assert plan.clusters[0].peerings == ()
        assert not any(routing.pods for routing in plan.routing)


def test_the_plan_says_how_many_nodes_a_router_speaks_with() -> None:
    said = [step.what for step in steps(compile_plan(topology().build(), "lab")) if step.action == "daemons"]
    assert "vgw: bird, AS 64512, 2 BGP, 3 BGP with nodes" in said[0]


def test_pods_may_be_as_large_as_the_way() -> None:
    (cluster,) = compile_plan(topology().build(), "lab").clusters
    assert cluster.mtu == cluster.path_mtu == 1500


@pytest.mark.parametrize(
    ("cni", "words"),
    [
        (Calico(mode="bgp"), "Calico bgp: its nodes are in AS 64512, as vgw is, which would refuse what they announce"),
        (Calico(mode="bgp", asn=65000),
         "Calico bgp: its nodes are in AS 65000, as cgw-1 is, which would refuse what they announce"),
        (Calico(mode="bgp", asn=23456), "Calico bgp: AS number 23456 cannot be used"),
        (Calico(asn=64513), "Calico: asn 64513 with mode vxlan, whose nodes speak no BGP"),
    ],
)  # fmt: skip
def test_as_numbers_that_cannot_be_are_refused(cni: Calico, words: str) -> None:
    (problem,) = validate(topology(cni).build())
    assert (problem.where, problem.what) == ("cluster prod", words)


def test_a_static_vpn_knows_nothing_of_pods() -> None:
    assert validate(topology(routing="bgp").build()) == []
    (problem,) = validate(topology(routing="static").build())
    assert problem.what == "Calico bgp: VPN vpn has static routes, and those know nothing of pods"


def test_a_peering_is_what_calico_is_told() -> None:
    (cluster,) = compile_plan(topology().build(), "lab").clusters
    assert Peering(node="dc-1", peer="192.168.1.1", peer_as=65000) in cluster.peerings


def test_reflectors_alone_speak_with_routers_and_every_node_with_those_of_its_site() -> None:
    plan = compile_plan(topology(Calico(mode="bgp", asn=64513, reflectors=1)).build(), "lab")
    (cluster,) = plan.clusters
    assert cluster.reflectors == ("aws-1", "dc-1")
    assert {session.name for routing in plan.routing for session in routing.node_sessions} == {
        "node_aws-1",
        "node_dc-1",
    }
    names = {node.address: node.name for node in cluster.nodes}
    among = {(each.node, names[each.peer]) for each in cluster.peerings if each.peer_as == 64513}
    assert among == {("aws-cp", "aws-1"), ("aws-1", "aws-cp"), ("aws-2", "aws-1"), ("aws-1", "aws-2")}


def test_a_site_has_at_least_as_many_nodes_as_reflectors() -> None:
    (problem,) = validate(topology(Calico(mode="bgp", asn=64513, reflectors=2)).build())
    assert problem.what == "Calico bgp: 2 reflectors in site dc, which has 1 nodes"


def test_reflectors_without_bgp_are_refused() -> None:
    (problem,) = validate(topology(Calico(reflectors=1)).build())
    assert problem.what == "Calico: reflectors with mode vxlan, whose nodes speak no BGP"
