"""Claims about Flannel's manifest: it fits the plan, whichever way packets get from node to node."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from testbed import Flannel
from testbed.cluster.recipe import Recipe
from testbed.cni import FlannelMode
from testbed.kubernetes.flannel import FlannelNetwork
from testbed.plan.compile import compile_plan
from tests.plan.test_cni import two_sites

# The shape of what flannel 0.27 ships.
ORIGINAL = """
kind: Namespace
metadata: {name: kube-flannel}
---
kind: ConfigMap
metadata: {name: kube-flannel-cfg}
data:
  cni-conf.json: |
    {"name": "cbr0", "cniVersion": "1.0.0",
     "plugins": [{"type": "flannel", "delegate": {"hairpinMode": true}}, {"type": "portmap"}]}
  net-conf.json: |
    {"Network": "10.244.0.0/16", "EnableNFTables": false, "Backend": {"Type": "vxlan"}}
---
kind: DaemonSet
metadata: {name: kube-flannel-ds}
spec:
  template:
    spec:
      initContainers:
      - {name: install-cni-plugin, image: "ghcr.io/flannel-io/flannel-cni-plugin:v1"}
      - {name: install-cni, image: "ghcr.io/flannel-io/flannel:v0.27.4"}
      containers:
      - {name: kube-flannel, image: "ghcr.io/flannel-io/flannel:v0.27.4", args: [--ip-masq, --kube-subnet-mgr]}
"""
(CLUSTER,) = compile_plan(two_sites(Flannel()).build(), "lab").clusters


def made(mode: FlannelMode = "vxlan", mtu: int = CLUSTER.mtu) -> list[Any]:
    """The manifest for a cluster, read back."""
    cluster = replace(CLUSTER, cni=Flannel(mode=mode), pods="10.200.0.0/16", mtu=mtu)
    return list(yaml.safe_load_all(FlannelNetwork().manifest(ORIGINAL, cluster)))


def configuration(documents: list[Any], name: str) -> Any:
    return json.loads(documents[1]["data"][name])


@pytest.mark.parametrize("mode", ["vxlan", "host-gw", "ipip", "wireguard"])
def test_pods_get_the_plans_range_way_and_mtu(mode: FlannelMode) -> None:
    documents = made(mode, 1396)
    net = configuration(documents, "net-conf.json")
    assert net["Network"] == "10.200.0.0/16"
    assert net["Backend"]["Type"] == mode
    flannel = configuration(documents, "cni-conf.json")["plugins"][0]
    assert flannel["delegate"] == {"hairpinMode": True, "mtu": 1396}


@pytest.mark.parametrize(("mode", "size"), [("vxlan", 1446), ("wireguard", 1476)])
def test_flannels_own_interface_is_told_how_large_packets_may_be_on_the_way(mode: FlannelMode, size: int) -> None:
    assert configuration(made(mode, 1396), "net-conf.json")["Backend"]["MTU"] == size


def test_its_own_filters_are_of_the_data_plane_that_is_asked_for() -> None:
    cluster = replace(CLUSTER, cni=Flannel(dataplane="nftables"))
    (config,) = (
        d for d in yaml.safe_load_all(FlannelNetwork().manifest(ORIGINAL, cluster)) if d["kind"] == "ConfigMap"
    )
    assert json.loads(config["data"]["net-conf.json"])["EnableNFTables"] is True


def test_nodes_reach_each_other_by_their_sites_interface() -> None:
    (container,) = made()[2]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["--ip-masq", "--kube-subnet-mgr", "--iface=lan0"]


def test_all_images_that_it_names_are_built() -> None:
    spec = made()[2]["spec"]["template"]["spec"]
    named = {container["image"] for container in (*spec["initContainers"], *spec["containers"])}
    assert named <= {image.name for image in Recipe.shipped().images}


def test_the_plugin_is_spoken_to_in_a_version_that_it_knows() -> None:
    assert configuration(made(), "cni-conf.json")["cniVersion"] == "0.4.0"


def test_what_has_nothing_to_do_with_it_stays_as_it_is() -> None:
    assert made()[0] == {"kind": "Namespace", "metadata": {"name": "kube-flannel"}}
    assert configuration(made(), "net-conf.json")["EnableNFTables"] is False
