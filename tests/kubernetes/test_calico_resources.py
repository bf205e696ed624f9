"""Claims about Calico's own settings: nodes speak with routers alone, and are there before Calico starts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import yaml

from testbed import Calico
from testbed.kubernetes.calico import CalicoNetwork
from testbed.kubernetes.calico_resources import resources
from testbed.plan.compile import compile_plan
from tests.kubernetes.test_calico import ORIGINAL, environment, one
from tests.plan.test_peering import BGP, topology

(CLUSTER,) = compile_plan(topology(BGP).build(), "lab").clusters


def test_there_is_a_peer_for_each_session_and_no_mesh() -> None:
    settings, *peers = resources(CLUSTER)
    assert settings["spec"] == {"nodeToNodeMeshEnabled": False, "asNumber": 64513, "logSeverityScreen": "Info"}
    told = [(peer["spec"]["node"], peer["spec"]["peerIP"], peer["spec"]["asNumber"]) for peer in peers]
    assert told == [(peering.node, peering.peer, peering.peer_as) for peering in CLUSTER.peerings]
    assert len({peer["metadata"]["name"] for peer in peers}) == len(peers)


def test_a_node_takes_the_way_to_other_nodes_of_its_as_once() -> None:
    assert {peer["spec"]["numAllowedLocalASNumbers"] for peer in resources(CLUSTER)[1:]} == {1}


def documents(cni: Calico = BGP) -> list[Any]:
    (cluster,) = compile_plan(topology(cni).build(), "lab").clusters
    return list(yaml.safe_load_all(CalicoNetwork().manifest(ORIGINAL, cluster)))


def test_settings_are_there_before_what_reads_them_starts() -> None:
    kinds = [document["kind"] for document in documents()]
    assert kinds.index("BGPConfiguration") < kinds.index("BGPPeer") < kinds.index("DaemonSet")


def test_packets_are_not_wrapped_and_birds_run() -> None:
    made = documents()
    assert one(made, "ConfigMap", "calico-config")["data"]["calico_backend"] == "bird"
    told = environment(made)
    assert (told["CALICO_IPV4POOL_VXLAN"], told["CALICO_IPV4POOL_IPIP"]) == ("Never", "Never")


def test_felix_is_told_of_encryption_and_of_the_kernels_interface_for_filters() -> None:
    def told(cni: Calico) -> list[Any]:
        return [each["spec"] for each in documents(cni) if each["kind"] == "FelixConfiguration"]

    assert told(Calico()) == []
    assert told(Calico(wireguard=True)) == [{"wireguardEnabled": True}]
    assert told(Calico(dataplane="nftables")) == [{"iptablesBackend": "NFT"}]
    assert told(Calico(mode="bgp", asn=64513, wireguard=True, dataplane="nftables")) == [
        {"wireguardEnabled": True, "iptablesBackend": "NFT"}
    ]


def test_pods_keep_their_addresses_on_the_way_to_routed_pods_of_another_cluster() -> None:
    neighbour = replace(CLUSTER, neighbours=("10.245.0.0/16",))
    own, other = (each for each in resources(neighbour) if each["kind"] == "IPPool")
    assert (own["metadata"]["name"], own["spec"]["cidr"]) == ("default-ipv4-ippool", CLUSTER.pods)
    assert (own["spec"]["natOutgoing"], own["spec"]["vxlanMode"], own["spec"]["ipipMode"]) == (True, "Never", "Never")
    assert (other["spec"]["cidr"], other["spec"]["disabled"]) == ("10.245.0.0/16", True)
    assert [each["kind"] for each in resources(CLUSTER) if each["kind"] == "IPPool"] == []


def test_without_bgp_nothing_is_set() -> None:
    assert [document["kind"] for document in documents(Calico())] == [
        "ConfigMap", "ConfigMap", "DaemonSet", "Deployment", "ServiceAccount",
    ]  # fmt: skip


def test_reflectors_are_marked_by_site_and_tell_routers_of_nodes_own_addresses() -> None:
    (cluster,) = compile_plan(topology(Calico(mode="bgp", asn=64513, reflectors=1)).build(), "lab").clusters
    made = resources(cluster)
    marks = {each["metadata"]["name"]: each["metadata"]["annotations"] for each in made if each["kind"] == "Node"}
    groups = {name: mark["projectcalico.org/RouteReflectorClusterID"] for name, mark in marks.items()}
    assert groups == {"aws-1": "244.0.0.1", "dc-1": "244.0.0.2"}
    peers = [each["spec"] for each in made if each["kind"] == "BGPPeer"]
    assert {spec["asNumber"] for spec in peers if spec.get("keepOriginalNextHop")} == {64512, 65000}
    assert {spec["asNumber"] for spec in peers if not spec.get("keepOriginalNextHop")} == {64513}
