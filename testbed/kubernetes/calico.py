"""Calico's own manifest, made to fit a planned cluster. Pure.

What is changed and why:

- the way between nodes, the pods' range and their MTU are the plan's; a node's address is the one that its kubelet has;
- where nodes speak BGP, they do so with the routers of their sites and not with each other;
- it speaks to the API server itself instead of to its service: where nodes start again, it would wait for kube-proxy,
  crash, and wait for its turn to be started anew, which is most of what a start takes;
- kubelet asks Felix over HTTP whether it is well: a probe that starts a program of 86 MB every ten seconds is most of
  what an idle cluster costs;
- two containers that only prepare an upgrade and eBPF are left out, as is the bandwidth plugin, which no pod asks for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from testbed.kubernetes.calico_resources import endpoint, resources
from testbed.plan.clusters import PlannedCluster

POOL: Mapping[str, str] = {"vxlan": "Always", "vxlan-cross-subnet": "CrossSubnet", "bgp": "Never"}
"""When its pool of addresses uses VXLAN. Source: Calico 3.28, overlay networking."""
FELIX_PORT = 9099  # FELIX_HEALTHPORT's default: Calico 3.28, Felix configuration
ALIVE_S, READY_S, READY_FAILURES = 10, 3, 10
"""How often kubelet asks whether Felix lives, as upstream, and whether it is ready; and how often it must not be to
count. Upstream asks every 10 s, three times: half a minute either way, but known sooner when it has just started."""
CONTROLLERS_ALIVE_S = 60
"""A program is started for each probe: arbitrary, upstream's 10 s. Whether they are ready is asked as upstream does,
since a kubelet that has just started lets up to a period pass before it asks (pkg/kubelet/prober/worker.go)."""
LEFT_OUT = ("upgrade-ipam", "mount-bpffs")


class CalicoNetwork:
    """Installs Calico."""

    original = "calico.yaml"

    def manifest(self, original: str, cluster: PlannedCluster) -> str:
        """Manifest to apply. ``original``: ``manifests/calico.yaml`` of the release."""
        documents = [document for document in yaml.safe_load_all(original) if document]
        for document in documents:
            match document["kind"], document["metadata"]["name"]:
                case "ConfigMap", "calico-config":
                    _config(document["data"], cluster)
                case "DaemonSet", "calico-node":
                    _node(document["spec"]["template"]["spec"], cluster)
                case "Deployment", "calico-kube-controllers":
                    _controllers(document["spec"]["template"]["spec"])
        # Before what reads them is started.
        first = next(number for number, document in enumerate(documents) if document["kind"] == "DaemonSet")
        documents[first:first] = [endpoint(cluster), *resources(cluster)]
        return str(yaml.safe_dump_all(documents, sort_keys=False))


def _config(data: dict[str, str], cluster: PlannedCluster) -> None:
    data["calico_backend"] = "bird" if cluster.peerings else "vxlan"
    data["veth_mtu"] = str(cluster.mtu)
    # Not JSON yet: the number is filled in on the node.
    network = json.loads(data["cni_network_config"].replace("__CNI_MTU__", "-1"))
    network["plugins"] = [plugin for plugin in network["plugins"] if plugin["type"] != "bandwidth"]
    data["cni_network_config"] = json.dumps(network, indent=1).replace('"mtu": -1', '"mtu": __CNI_MTU__')


def _node(spec: dict[str, Any], cluster: PlannedCluster) -> None:
    wanted = {
        "CLUSTER_TYPE": "k8s,bgp" if cluster.peerings else "k8s",
        "IP": "autodetect",
        "IP_AUTODETECTION_METHOD": "kubernetes-internal-ip",
        "CALICO_IPV4POOL_CIDR": cluster.pods,
        "CALICO_IPV4POOL_IPIP": "Never",
        "CALICO_IPV4POOL_VXLAN": POOL[cluster.joined_by.mode],
    }
    spec["initContainers"] = [one for one in spec["initContainers"] if one["name"] not in LEFT_OUT]
    (container,) = spec["containers"]
    container["env"] = [one for one in container["env"] if one["name"] not in wanted]
    container["env"] += [{"name": name, "value": value} for name, value in wanted.items()]
    probes = {"livenessProbe": ("/liveness", ALIVE_S, 0), "readinessProbe": ("/readiness", READY_S, READY_FAILURES)}
    for probe, (path, period, failures) in probes.items():
        asked = container[probe]
        del asked["exec"]
        asked |= {"httpGet": {"host": "127.0.0.1", "port": FELIX_PORT, "path": path}, "periodSeconds": period}
        if failures:
            asked["failureThreshold"] = failures


def _controllers(spec: dict[str, Any]) -> None:
    (container,) = spec["containers"]
    container["livenessProbe"]["periodSeconds"] = CONTROLLERS_ALIVE_S
