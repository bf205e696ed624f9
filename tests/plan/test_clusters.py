"""Claims about planned clusters: nodes are hosts of their sites, and pods get the MTU that every way leaves."""

from __future__ import annotations

from typing import Any

import pytest

from testbed import Calico, Flannel, Taint, Topology
from testbed.cni import AnyCni
from testbed.plan.compile import compile_plan
from testbed.plan.validate import validate
from tests.plan.shipped import plan_of


def topology() -> Topology:
    """Two sites with a link and a cluster."""
    t = Topology("two")
    aws, dc = t.vpc("aws", "10.0.0.0/16"), t.lan("dc", "192.168.0.0/16")
    t.link("dx", aws.router("vgw", asn=64512), dc.router("cgw", asn=65000), bgp=t.bgp())
    t.cluster("prod", control_plane=aws, workers={aws: 2, dc: 1})
    return t


def test_nodes_are_hosts_of_their_sites_and_called_after_them() -> None:
    (cluster,) = plan_of("stretched_cluster.py").clusters
    assert [(node.name, node.container, node.role, node.site) for node in cluster.nodes] == [
        ("aws-cp", "prod-control-plane", "control-plane", "aws"),
        ("aws-1", "prod-worker", "worker", "aws"),
        ("onprem-1", "prod-worker2", "worker", "onprem"),
    ]
    plan = plan_of("stretched_cluster.py")
    assert [plan.node(node.name).address for node in cluster.nodes] == [node.address for node in cluster.nodes]
    assert all(plan.node(node.name).forwards for node in cluster.nodes)
    assert cluster.endpoint == f"{cluster.control_plane.address}:6443"


def test_no_interface_of_a_node_has_the_name_that_docker_gives_its_own() -> None:
    plan = plan_of("stretched_cluster.py")
    nodes = {node.name for cluster in plan.clusters for node in cluster.nodes}
    assert {cable.interface for cable in plan.cables if cable.node in nodes} == {"lan0"}


def test_pods_get_what_the_narrowest_way_leaves_less_vxlan() -> None:
    (cluster,) = plan_of("stretched_cluster.py").clusters
    tunnels = plan_of("stretched_cluster.py").tunnels
    assert cluster.path_mtu == min(tunnel.mtu for tunnel in tunnels) == 1446
    assert cluster.mtu == 1446 - 50


def test_within_one_site_it_is_the_sites_mtu_that_counts() -> None:
    t = Topology("one")
    aws = t.vpc("aws", "10.0.0.0/16")
    t.cluster("prod", control_plane=aws, workers={aws: 1})
    (cluster,) = compile_plan(t.build(), "lab").clusters
    assert cluster.mtu == 9001 - 50


def test_labels_say_site_and_zone_and_which_nodes_are_hybrid() -> None:
    (cluster,) = plan_of("stretched_cluster.py").clusters
    assert dict(cluster.node("aws-1").labels) == {
        "testbed.site": "aws", "topology.kubernetes.io/region": "aws", "topology.kubernetes.io/zone": "aws-a",
    }  # fmt: skip
    assert dict(cluster.node("onprem-1").labels)["eks.amazonaws.com/compute-type"] == "hybrid"


def test_workers_are_spread_over_the_zones_of_their_site() -> None:
    (cluster,) = compile_plan(topology().build(), "lab").clusters
    zones = [dict(node.labels)["topology.kubernetes.io/zone"] for node in cluster.nodes if node.site == "aws"]
    assert zones == ["aws-a", "aws-a", "aws-b"]


def test_a_taint_is_of_the_workers_of_its_site_alone() -> None:
    t = Topology("tainted")
    aws, dc = t.vpc("aws", "10.0.0.0/16"), t.lan("dc", "192.168.0.0/16")
    t.link("dx", aws.router("vgw", asn=64512), dc.router("cgw", asn=65000), bgp=t.bgp())
    taint = Taint(key="where", value="here", effect="NoSchedule")
    t.cluster("prod", control_plane=aws, workers={aws: 1, dc: 1}, taints={dc: taint})
    (cluster,) = compile_plan(t.build(), "lab").clusters
    assert [node.taint for node in cluster.nodes] == [None, None, taint]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pods": "10.0.0.0/14"}, "pods: 10.0.0.0/14 overlaps 10.0.0.0/16 of site aws"),
        ({"services": "192.168.128.0/20"}, "services: 192.168.128.0/20 overlaps 192.168.0.0/16 of site dc"),
        ({"pods": "192.0.2.0/24"}, "pods: 192.0.2.0/24 overlaps 192.0.2.0/24 of Docker's own network"),
        ({"services": "10.244.4.0/24"}, "pods: 10.244.0.0/16 overlaps 10.244.4.0/24 of services"),
        ({"pods": "10.244.0.1/16"}, "pods: '10.244.0.1/16' is no range of IPv4 addresses"),
        ({"pods": "10.244.0.0/26"}, "pods: 10.244.0.0/26 is too small"),
        ({"services": "11.0.0.0/8"}, "services: 11.0.0.0/8 is too large"),
        ({"version": "1.20"}, "Kubernetes 1.20 cannot be had"),
        ({"cni": Calico(mtu=500)}, "an MTU of 500 for pods is too small"),
    ],
)
def test_what_cannot_be_is_said_before_anything_starts(options: dict[str, Any], words: str) -> None:
    t = Topology("two")
    aws, dc = t.vpc("aws", "10.0.0.0/16"), t.lan("dc", "192.168.0.0/16")
    t.link("dx", aws.router("vgw", asn=64512), dc.router("cgw", asn=65000), bgp=t.bgp())
    t.cluster("prod", control_plane=aws, workers={dc: 1}, **options)
    (problem, *_) = validate(t.build())
    assert problem.where == "cluster prod"
    assert problem.what == words


def test_nodes_need_a_router_in_their_site() -> None:
    t = Topology("two")
    aws, dc = t.vpc("aws", "10.0.0.0/16"), t.lan("dc", "192.168.0.0/16")
    aws.router("vgw", asn=64512)
    t.cluster("prod", control_plane=aws, workers={dc: 1})
    (problem,) = (each for each in validate(t.build()) if each.where == "cluster prod")
    assert problem.what == "site dc has no router, which its nodes' default route would lead to"


def clusters(first: AnyCni, second: AnyCni, **options: Any) -> Topology:
    """Two sites with a link, and a cluster in each."""
    t = Topology("two")
    aws, dc = t.vpc("aws", "10.0.0.0/16"), t.lan("dc", "192.168.0.0/16")
    t.link("dx", aws.router("vgw", asn=65001), dc.router("cgw", asn=65000), bgp=t.bgp(), mtu=1400)
    t.cluster("cloud", cni=first, control_plane=aws, workers={aws: 1})
    t.cluster("premises", cni=second, control_plane=dc, workers={dc: 1}, **options)
    return t


BGP = Calico(mode="bgp")


def test_each_cluster_has_its_own_nodes_and_a_port_of_the_labs_loopback() -> None:
    first, second = compile_plan(clusters(Calico(), Flannel()).build(), "lab").clusters
    assert [node.name for node in first.nodes] == ["aws-cp", "aws-1"]
    assert [node.container for node in second.nodes] == ["premises-control-plane", "premises-worker"]
    assert (first.port, second.port) == (6443, 6444)
    assert (first.endpoint, second.endpoint) == ("10.0.1.10:6443", "192.168.1.10:6443")


@pytest.mark.parametrize(("first", "second"), [(Calico(), Calico()), (BGP, Flannel()), (Calico(), BGP)])
def test_ranges_of_clusters_whose_pods_are_not_both_routed_may_be_the_same(first: AnyCni, second: AnyCni) -> None:
    t = clusters(first, second)
    assert validate(t.build()) == []
    assert [cluster.neighbours for cluster in compile_plan(t.build(), "lab").clusters] == [(), ()]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ["pods: 10.244.0.0/16 overlaps 10.244.0.0/16 of pods of cluster cloud"]),
        (
            {"pods": "10.96.0.0/14", "services": "10.244.8.0/24"},
            [
                "pods: 10.96.0.0/14 overlaps 10.96.0.0/16 of services of cluster cloud",
                "services: 10.244.8.0/24 overlaps 10.244.0.0/16 of pods of cluster cloud",
            ],
        ),
        ({"pods": "10.245.0.0/16"}, []),
    ],
)
def test_an_address_that_routers_know_the_way_to_is_of_one_cluster(options: dict[str, str], words: list[str]) -> None:
    found = validate(clusters(BGP, BGP, **options).build())
    assert [problem.what for problem in found] == words
    assert {problem.where for problem in found} <= {"cluster premises"}


def test_pods_that_are_routed_know_each_others_range_and_may_be_as_large_as_the_way_between_them() -> None:
    plan = compile_plan(clusters(BGP, BGP, pods="10.245.0.0/16").build(), "lab")
    assert [cluster.neighbours for cluster in plan.clusters] == [("10.245.0.0/16",), ("10.244.0.0/16",)]
    assert [cluster.mtu for cluster in plan.clusters] == [1400, 1400]
    wrapped = compile_plan(clusters(Calico(), Calico()).build(), "lab")
    assert [cluster.mtu for cluster in wrapped.clusters] == [9001 - 50, 1500 - 50]


def test_static_routes_know_nothing_of_pods_of_another_cluster() -> None:
    t = clusters(BGP, BGP, pods="10.245.0.0/16")
    inet = t.internet("inet")
    t.attach("vgw", inet)
    t.attach("cgw", inet)
    t.vpn("vpn", "vgw", "cgw", over=inet, routing="static")
    assert ["VPN vpn has static routes" in problem.what for problem in validate(t.build())] == [True, True]


def test_clusters_in_one_site_need_a_prefix_and_names_of_their_own() -> None:
    t = Topology("one")
    aws = t.vpc("aws", "10.0.0.0/16")
    aws.router("vgw", asn=64512)
    for name, prefix in (("blue", ""), ("green", ""), ("green", "g-")):
        t.cluster(name, control_plane=aws, workers={}, prefix=prefix)
    assert [(problem.where, problem.hint) for problem in validate(t.build())] == [
        ("host aws-cp", "give one of their clusters a prefix="), ("cluster green", "give each its own name"),
    ]  # fmt: skip


def test_the_plan_of_two_clusters_that_are_shipped_is_valid_in_each_mode() -> None:
    for mode in ("vxlan", "vxlan-cross-subnet", "bgp"):
        plan = plan_of("two_clusters.py", **{"cni.mode": mode})
        assert [cluster.joined_by.title for cluster in plan.clusters] == [f"Calico {mode}"] * 2
