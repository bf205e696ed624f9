"""Claims about what joins pods: each kind keeps to the same interface, and what it cannot do is said beforehand."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from testbed import Calico, Flannel, Topology
from testbed.cni import AnyCni, Cni
from testbed.plan.compile import compile_plan
from testbed.plan.schema import plan_from_json, plan_json
from testbed.plan.steps import steps
from testbed.plan.validate import validate
from testbed.theory.mtu import MIN_MTU

KINDS: list[AnyCni] = [*(Calico(mode=mode) for mode in ("vxlan", "vxlan-cross-subnet")),
         Calico(wireguard=True), Calico(dataplane="nftables"),
         *(Flannel(mode=mode) for mode in ("vxlan", "host-gw", "ipip", "wireguard"))]  # fmt: skip
IDS = [kind.title for kind in KINDS]


def one_site(cni: AnyCni, workers: int = 1, **options: Any) -> Topology:
    """A cluster in a VPC."""
    t = Topology("one")
    aws = t.vpc("aws", "10.0.0.0/16")
    aws.router("vgw", asn=64512)
    t.cluster("prod", cni=cni, control_plane=aws, workers={aws: workers}, **options)
    return t


def two_sites(cni: AnyCni) -> Topology:
    """A cluster over a link of 1500 bytes."""
    t = Topology("two")
    aws, dc = t.vpc("aws", "10.0.0.0/16"), t.lan("dc", "192.168.0.0/16")
    t.link("dx", aws.router("vgw", asn=64512), dc.router("cgw", asn=65000), bgp=t.bgp())
    t.cluster("prod", cni=cni, control_plane=aws, workers={dc: 1})
    return t


def test_wireguard_counts_where_it_adds_more_than_what_it_replaces() -> None:
    assert Calico(wireguard=True).overhead == 60
    assert Calico(mode="bgp", wireguard=True).overhead == 60
    assert Flannel(mode="wireguard").overhead == 80


def test_a_packet_grows_by_what_is_around_it_though_more_may_be_left_for_it() -> None:
    assert Flannel(mode="wireguard").wrapping == Calico(mode="vxlan", wireguard=True).wrapping == 60
    assert (Flannel(mode="ipip").wrapping, Calico(mode="bgp").wrapping) == (20, 0)
    assert all(kind.wrapping <= kind.overhead for kind in KINDS)


@pytest.mark.parametrize("cni", [Calico, Flannel])
def test_a_data_plane_that_there_is_not_is_refused(cni: Any) -> None:
    (problem,) = validate(two_sites(cni(dataplane="ebpf")).build())
    assert problem.what == f"{cni.__name__}: no dataplane is called 'ebpf'"
    assert problem.hint == "known: iptables, nftables"


@pytest.mark.parametrize("cni", KINDS, ids=IDS)
def test_every_kind_says_what_a_plan_asks(cni: Cni) -> None:
    assert cni.title.lower().startswith(cni.name)
    assert list(cni.unfit()) == []
    assert 0 <= cni.overhead < 1500 - MIN_MTU[6]
    assert 20 < cni.node_block < 32


def test_there_is_an_example_of_every_kind() -> None:
    assert {type(cni) for cni in KINDS} == set(get_args(AnyCni))


@pytest.mark.parametrize("cni", KINDS, ids=IDS)
def test_pods_get_what_it_leaves_of_the_way_and_the_plan_says_so(cni: AnyCni) -> None:
    plan = compile_plan(one_site(cni).build(), "lab")
    (cluster,) = plan.clusters
    assert cluster.mtu == 9001 - cni.overhead
    said = next(step for step in steps(plan) if step.action == "clusters").what[0]
    assert f"{cni.title}, " in said
    assert f"with MTU {cluster.mtu}" in said


@pytest.mark.parametrize("cni", KINDS, ids=IDS)
def test_a_plan_is_read_back_with_the_same_kind(cni: AnyCni) -> None:
    plan = compile_plan(one_site(cni).build(), "lab")
    assert plan_from_json(plan_json(plan)) == plan


def test_host_gateways_need_all_nodes_in_one_subnet() -> None:
    assert validate(one_site(Flannel(mode="host-gw")).build()) == []
    (problem,) = validate(two_sites(Flannel(mode="host-gw")).build())
    assert problem.what == "Flannel host-gw needs all nodes in one subnet, and they are in 2: aws-a, dc"
    assert "vxlan" in problem.hint


def test_two_zones_of_a_site_are_two_subnets() -> None:
    (problem,) = validate(one_site(Flannel(mode="host-gw"), workers=2).build())
    assert problem.what == "Flannel host-gw needs all nodes in one subnet, and they are in 2: aws-a, aws-b"


@pytest.mark.parametrize("cni", [Calico, Flannel])
def test_a_mode_that_there_is_not_is_refused_with_those_there_are(cni: Any) -> None:
    (problem,) = validate(two_sites(cni(mode="vxlam")).build())
    assert problem.where == "cluster prod"
    assert problem.what == f"{cni.__name__}: no mode is called 'vxlam'"
    assert "did you mean 'vxlan'?" in problem.hint


def test_calico_without_its_own_bird_has_no_ipip() -> None:
    asked: Any = "ipip"
    (problem,) = validate(two_sites(Calico(mode=asked)).build())
    assert problem.what.startswith("Calico: no IPIP: its routes are made by Calico's own BIRD")
    assert "Flannel(mode='ipip')" in problem.hint
    assert validate(two_sites(Flannel(mode="ipip")).build()) == []


@pytest.mark.parametrize(("cni", "block"), [(Calico(), 26), (Flannel(), 24)])
def test_the_pods_range_has_a_block_for_each_node(cni: AnyCni, block: int) -> None:
    assert validate(one_site(cni, pods=f"10.244.0.0/{block - 1}").build()) == []
    (problem,) = validate(one_site(cni, pods=f"10.244.0.0/{block}").build())
    assert problem.hint == f"a /{block} for each node"
