"""Claims about what is put on somebody else's cluster: it is fitted, found again, and asks for no right."""

from __future__ import annotations

from typing import Any

import pytest

from testbed.errors import InputError
from testbed.existing.manifests import OURS, fitted, namespace
from testbed.existing.rbac import manifests
from testbed.kubernetes import workloads
from tests.existing.found import FRAME, HYBRID


def pod(**wanted: Any) -> dict[str, Any]:
    """A pod as it is put there."""
    return fitted(workloads.pod("client", **wanted), FRAME)


def test_a_pod_is_put_on_its_node_by_name_and_tolerates_what_that_node_is_tainted_with() -> None:
    spec = pod(node="mi-0a1b")["spec"]
    (term,) = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchFields"] == [{"key": "metadata.name", "operator": "In", "values": ["mi-0a1b"]}]
    assert spec["nodeSelector"] == {}
    assert spec["tolerations"] == [{"key": HYBRID["key"], "operator": "Exists", "effect": "NoSchedule"}]
    assert pod(node="ip-10-0-1-7.eu-west-1.compute.internal")["spec"]["tolerations"] == []


def test_a_site_is_the_label_that_the_user_named() -> None:
    spec = pod(site="onprem")["spec"]
    assert spec["nodeSelector"] == {FRAME.label: "onprem"}
    assert "affinity" not in spec


def test_a_pod_may_nothing_and_ends_by_itself() -> None:
    spec = pod()["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["activeDeadlineSeconds"] == FRAME.limit_s
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert container["image"] == FRAME.image
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert set(container["resources"]) == {"requests", "limits"}


def test_pings_need_a_sysctl_that_a_pod_of_the_host_network_may_not_have() -> None:
    assert "sysctls" in pod()["spec"]["securityContext"]
    assert "sysctls" not in pod(hostNetwork=True)["spec"]["securityContext"]


def test_everything_is_in_the_namespace_and_has_the_labels_by_which_it_is_found() -> None:
    things = [workloads.pod("p"), workloads.service("s", {"app": "p"}, 30080), workloads.deployment("d", 2)]
    for thing in things:
        made = fitted(thing, FRAME)["metadata"]
        assert made["namespace"] == FRAME.namespace
        assert {**OURS, "testbed.run": "c0ffee01"}.items() <= made["labels"].items()
    template = fitted(things[2], FRAME)["spec"]["template"]
    assert OURS.items() <= template["metadata"]["labels"].items()
    assert template["metadata"]["labels"]["app"] == "d"
    assert template["spec"]["automountServiceAccountToken"] is False


def test_the_port_of_nodes_is_the_cluster_s_choice() -> None:
    ports = fitted(workloads.service("s", {}, 30080, node_port=True), FRAME)["spec"]["ports"]
    assert [sorted(port) for port in ports] == [["name", "port", "protocol", "targetPort"]] * 2


def test_what_reaches_beyond_the_namespace_is_refused() -> None:
    account = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "all"}}
    with pytest.raises(InputError, match="clusterrole all: is not made on a cluster that is not the testbed's"):
        fitted(account, FRAME)
    elsewhere = workloads.pod("p")
    elsewhere["metadata"]["namespace"] = "kube-system"
    with pytest.raises(InputError, match="is of namespace kube-system"):
        fitted(elsewhere, FRAME)


def test_a_new_namespace_lets_in_what_is_restricted_or_the_host_network_where_that_is_asked_for() -> None:
    levels = [namespace(FRAME, host_network=wanted)["metadata"]["labels"] for wanted in (False, True)]
    assert [level["pod-security.kubernetes.io/enforce"] for level in levels] == ["restricted", "privileged"]


def test_rights_are_of_one_namespace_but_for_looking_at_nodes_and_at_that_namespace() -> None:
    by_kind = {thing["kind"]: thing for thing in manifests("probes")}
    assert by_kind["ClusterRole"]["rules"] == [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "watch"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"], "resourceNames": ["probes"]},
    ]
    rules = by_kind["Role"]["rules"]
    assert not [rule for rule in rules if "*" in (*rule["verbs"], *rule["resources"], *rule["apiGroups"])]
    assert not {"secrets", "configmaps", "serviceaccounts"} & {name for rule in rules for name in rule["resources"]}
    for binding, role in (("RoleBinding", "Role"), ("ClusterRoleBinding", "ClusterRole")):
        assert by_kind[binding]["roleRef"]["name"] == by_kind[role]["metadata"]["name"]
        assert by_kind[binding]["subjects"][0]["name"] == by_kind["ServiceAccount"]["metadata"]["name"]
