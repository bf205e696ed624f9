"""Flannel's own manifest, made to fit a planned cluster. Pure.

What is changed and why:

- the pods' range, how packets get from node to node, and what size of packets the way takes are the plan's; where
  Flannel's backend has no setting for it, the pods' own interfaces are given their MTU alone;
- a node's interface is the one in its site, not the one that the testbed reaches it by;
- Flannel's plugin comes from the image that has it, and speaks the version of the interface that it knows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from testbed.cni import FlannelMode
from testbed.plan.clusters import NODE_INTERFACE, PlannedCluster

PLUGIN_IMAGE = "docker.io/testbed/flannel-cni-plugin:v0.9.1"
"""As recipe.toml has it."""
INTERFACE_VERSION = "0.4.0"
"""The newest that this plugin speaks. Source: containernetworking/plugins 0.9.1, README."""
CNI_CONFIG, NET_CONFIG = "cni-conf.json", "net-conf.json"
TELLS_SIZE: tuple[FlannelMode, ...] = ("vxlan", "wireguard")
"""Backends that are told how large their own packets may be. Source: flannel 0.27, Documentation/backends.md."""


class FlannelNetwork:
    """Installs Flannel."""

    original = "flannel.yaml"

    def manifest(self, original: str, cluster: PlannedCluster) -> str:
        """Manifest to apply. ``original``: ``Documentation/kube-flannel.yml`` of the release."""
        documents = [document for document in yaml.safe_load_all(original) if document]
        for document in documents:
            match document["kind"]:
                case "ConfigMap":
                    _config(document["data"], cluster)
                case "DaemonSet":
                    _daemon(document["spec"]["template"]["spec"])
        return str(yaml.safe_dump_all(documents, sort_keys=False))


def _config(data: dict[str, str], cluster: PlannedCluster) -> None:
    plugins = json.loads(data[CNI_CONFIG])
    plugins["cniVersion"] = INTERFACE_VERSION
    plugins["plugins"][0]["delegate"]["mtu"] = cluster.mtu
    mode = cluster.joined_by.mode
    size: Mapping[str, int] = {"MTU": cluster.mtu + cluster.joined_by.overhead} if mode in TELLS_SIZE else {}
    native = {"EnableNFTables": cluster.joined_by.dataplane == "nftables"}
    net = {**json.loads(data[NET_CONFIG]), **native, "Network": cluster.pods, "Backend": {"Type": mode, **size}}
    data |= {CNI_CONFIG: json.dumps(plugins, indent=1), NET_CONFIG: json.dumps(net, indent=1)}


def _daemon(spec: dict[str, Any]) -> None:
    for container in spec["initContainers"]:
        if container["name"] == "install-cni-plugin":
            container["image"] = PLUGIN_IMAGE
    (container,) = spec["containers"]
    container["args"].append(f"--iface={NODE_INTERFACE}")
