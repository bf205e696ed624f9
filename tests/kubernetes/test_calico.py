"""Claims about Calico's manifest: it fits the plan, and asks nothing that costs an idle cluster dearly."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import yaml

from testbed import Calico
from testbed.clusters import CALICO
from testbed.kubernetes.calico import CalicoNetwork
from tests.plan.shipped import plan_of

(CLUSTER,) = plan_of("stretched_cluster.py").clusters
# The shape of what Calico 3.28 ships, with what is changed and something of what is not.
ORIGINAL = """
kind: ConfigMap
metadata: {name: calico-config}
data:
  calico_backend: bird
  veth_mtu: "0"
  cni_network_config: |-
    {"name": "k8s-pod-network",
     "plugins": [{"type": "calico", "mtu": __CNI_MTU__}, {"type": "portmap"}, {"type": "bandwidth"}]}
---
kind: DaemonSet
metadata: {name: calico-node}
spec:
  template:
    spec:
      initContainers: [{name: upgrade-ipam}, {name: install-cni}, {name: mount-bpffs}]
      containers:
      - name: calico-node
        env:
        - {name: IP, value: autodetect}
        - {name: CALICO_IPV4POOL_IPIP, value: Always}
        - {name: WAIT_FOR_DATASTORE, value: "true"}
        livenessProbe: {exec: {command: [/bin/calico-node, -felix-live]}, timeoutSeconds: 10}
        readinessProbe: {exec: {command: [/bin/calico-node, -felix-ready]}, timeoutSeconds: 10}
---
kind: Deployment
metadata: {name: calico-kube-controllers}
spec:
  template:
    spec:
      containers:
      - {name: calico-kube-controllers, livenessProbe: {periodSeconds: 10}, readinessProbe: {periodSeconds: 10}}
---
kind: ServiceAccount
metadata: {name: calico-node}
"""


def made(cni: Calico = CALICO) -> list[Any]:
    """The manifest for a cluster, read back."""
    return list(yaml.safe_load_all(CalicoNetwork().manifest(ORIGINAL, replace(CLUSTER, cni=cni))))


def one(documents: list[Any], kind: str, name: str = "") -> Any:
    """The document of a kind, and of a name where there are several."""
    (found,) = (each for each in documents if each["kind"] == kind and name in each["metadata"]["name"])
    return found


def environment(documents: list[Any]) -> dict[str, str]:
    """Of calico-node."""
    (container,) = one(documents, "DaemonSet")["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each["value"] for each in container["env"]}


def test_pods_get_the_plans_range_and_mtu() -> None:
    documents = made()
    assert one(documents, "ConfigMap", "calico-config")["data"]["veth_mtu"] == str(CLUSTER.mtu)
    assert environment(documents)["CALICO_IPV4POOL_CIDR"] == CLUSTER.pods


def test_a_nodes_address_is_the_one_that_kubelet_has() -> None:
    assert environment(made())["IP_AUTODETECTION_METHOD"] == "kubernetes-internal-ip"


def test_the_mode_decides_when_packets_are_wrapped() -> None:
    assert environment(made(Calico(mode="vxlan")))["CALICO_IPV4POOL_VXLAN"] == "Always"
    assert environment(made(Calico(mode="vxlan-cross-subnet")))["CALICO_IPV4POOL_VXLAN"] == "CrossSubnet"
    assert environment(made())["CALICO_IPV4POOL_IPIP"] == "Never"
    assert one(made(), "ConfigMap", "calico-config")["data"]["calico_backend"] == "vxlan"


def test_the_networks_configuration_is_json_once_the_node_has_filled_in_its_number() -> None:
    text = one(made(), "ConfigMap", "calico-config")["data"]["cni_network_config"]
    plugins = json.loads(text.replace("__CNI_MTU__", "1396"))["plugins"]
    assert [plugin["type"] for plugin in plugins] == ["calico", "portmap"]
    assert plugins[0]["mtu"] == 1396


def test_felix_is_asked_over_http() -> None:
    spec = one(made(), "DaemonSet")["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    for probe in ("livenessProbe", "readinessProbe"):
        assert "exec" not in container[probe]
        assert container[probe]["httpGet"]["port"] == 9099
    ready = container["readinessProbe"]
    assert ready["periodSeconds"] * ready["failureThreshold"] == 10 * 3  # upstream's
    assert [each["name"] for each in spec["initContainers"]] == ["install-cni"]


def test_what_has_nothing_to_do_with_it_stays_as_it_is() -> None:
    documents = made()
    assert one(documents, "ServiceAccount") == {"kind": "ServiceAccount", "metadata": {"name": "calico-node"}}
    assert environment(documents)["WAIT_FOR_DATASTORE"] == "true"


def test_it_speaks_to_the_api_server_itself() -> None:
    told = one(made(), "ConfigMap", "kubernetes-services-endpoint")["data"]
    assert ":".join((told["KUBERNETES_SERVICE_HOST"], told["KUBERNETES_SERVICE_PORT"])) == CLUSTER.endpoint
