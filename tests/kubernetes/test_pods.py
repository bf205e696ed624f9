"""Claims about pods as ends of probes that need no cluster: how they are found, and what they are called."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from testbed.clock import Waiter
from testbed.errors import InputError, RunError
from testbed.history import Recorder
from testbed.kubernetes import workloads
from testbed.kubernetes.cluster import Kubernetes
from testbed.kubernetes.described import why_not_ready
from testbed.kubernetes.pods import open_namespace
from testbed.net.namespace import Namespaces
from testbed.probe.place import Place
from testbed.run.pods import Pods
from testbed.run.probes import Probes
from tests.plan.shipped import plan_of

PLAN = plan_of("stretched_cluster.py")
UID = "0f1e2d3c-0000-4000-8000-1a2b3c4d5e6f"
SERVICE = {"spec": {"clusterIP": "10.96.7.7", "ports": [{"port": 30080, "nodePort": 30080}]}}


def process(folder: Path, number: int, cgroup: str) -> Path:
    """What the kernel shows of a process."""
    made = folder / str(number)
    (made / "ns").mkdir(parents=True)
    (made / "cgroup").write_text(f"0::{cgroup}\n")
    (made / "ns" / "net").write_text(f"of {number}")
    return made


def test_a_pod_is_found_by_the_cgroup_that_its_kubelet_made(tmp_path: Path) -> None:
    process(tmp_path, 1, "/")
    slice_ = f"/docker/ab/kubelet.slice/kubelet-kubepods-pod{UID.replace('-', '_')}.slice/cri-containerd-cd.scope"
    process(tmp_path, 210, slice_)
    process(tmp_path, 31, "/docker/ab/kubelet.slice/kubelet-kubepods-pod11111111.slice/cri-containerd-ef.scope")
    fd = open_namespace(UID, tmp_path)
    try:
        assert os.read(fd, 99) == b"of 210"
    finally:
        os.close(fd)


def test_a_pod_whose_processes_are_gone_is_not_found(tmp_path: Path) -> None:
    process(tmp_path, 1, "/")
    with pytest.raises(RunError, match="none of its processes runs"):
        open_namespace(UID, tmp_path)


@pytest.fixture
def probes(tmp_path: Path) -> Probes:
    recorder = Recorder(tmp_path)
    return Probes(PLAN, cast(Namespaces, None), recorder, cast(Waiter, None), tmp_path)


@pytest.fixture
def pods(probes: Probes) -> Iterator[Pods[Kubernetes]]:
    stand_in: Any = SimpleNamespace(plan=PLAN.clusters[0], read=lambda *asked: SERVICE)
    clusters = {"prod": cast(Kubernetes, stand_in)}
    yield Pods(PLAN, clusters, probes, cast(Waiter, None), lambda called, thing: called)


def test_a_service_is_an_address_before_a_pod(probes: Probes, pods: Pods[Kubernetes]) -> None:
    probes.alias("server@prod", Place("server@prod", "10.244.1.2"))
    assert pods.service("web", pod="server@prod") == "web.svc@prod"
    place = probes.place("web.svc@prod", "aws-1")
    assert (place.node, place.address, place.known_as, place.port) == ("server@prod", "10.244.1.2", "10.96.7.7", 30080)


def test_a_node_port_is_the_node_s_address(probes: Probes, pods: Pods[Kubernetes]) -> None:
    address = PLAN.node("onprem-1").address
    assert pods.service("web", node="onprem-1", namespace="shop") == "web.svc.shop@onprem-1"
    place = probes.place("web.svc.shop@onprem-1")
    assert (place.known_as, place.port) == (address, 30080)


def test_a_service_whose_pods_answer_themselves_is_for_connections_only(probes: Probes, pods: Pods[Kubernetes]) -> None:
    called = pods.service("web")
    with pytest.raises(InputError, match="its pods answer for themselves"), probes.udp("aws-1", called):
        pass


def test_an_unknown_cluster_is_refused_with_those_that_are_there(pods: Pods[Kubernetes]) -> None:
    with pytest.raises(InputError, match="known: prod"):
        pods.cluster("production")


def test_of_several_clusters_one_has_to_be_named(probes: Probes) -> None:
    plans = plan_of("two_clusters.py").clusters
    clusters = {plan.name: cast(Kubernetes, SimpleNamespace(plan=plan)) for plan in plans}
    pods = Pods(PLAN, clusters, probes, cast(Waiter, None), lambda called, thing: called)
    assert pods.cluster("premises").plan == plans[1]
    with pytest.raises(InputError, match="which cluster: there are cloud, premises"):
        pods.cluster()


def test_workloads_are_bound_to_their_site_or_node() -> None:
    (server, client) = workloads.deployment("web", 2, site="onprem"), workloads.pod("client", node="aws-1")
    assert server["spec"]["template"]["spec"]["nodeSelector"] == {"testbed.site": "onprem"}
    assert client["spec"]["nodeSelector"] == {"kubernetes.io/hostname": "aws-1"}
    assert server["spec"]["selector"]["matchLabels"].items() <= server["spec"]["template"]["metadata"]["labels"].items()


def test_a_service_listens_where_its_pods_do() -> None:
    ports = workloads.service("web", {"app": "web"}, 30080, node_port=True)["spec"]["ports"]
    assert [(each["protocol"], each["port"], each["targetPort"], each["nodePort"]) for each in ports] == [
        ("UDP", 30080, 30080, 30080), ("TCP", 30080, 30080, 30080),
    ]  # fmt: skip


def test_a_pod_outlasts_a_lost_node_for_as_long_as_it_says() -> None:
    assert [each["tolerationSeconds"] for each in workloads.outlasting(30)] == [30, 30]
    assert all("tolerationSeconds" not in each for each in workloads.outlasting(None))
    assert {each["effect"] for each in workloads.outlasting(0)} == {"NoExecute"}


def test_names_at_every_site_change_no_more_than_where_they_are_and_who_asks_them() -> None:
    where, who = workloads.names_at_every_site()
    (constraint,) = where["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert (constraint["topologyKey"], constraint["whenUnsatisfiable"]) == ("testbed.site", "DoNotSchedule")
    assert where["spec"]["template"]["spec"].keys() == {"topologySpreadConstraints"}
    assert who["spec"] == {"trafficDistribution": "PreferClose"}


def test_a_service_keeps_to_its_zone_only_if_it_is_asked_to() -> None:
    assert "trafficDistribution" not in workloads.service("web", {"app": "web"}, 80)["spec"]
    assert workloads.service("web", {"app": "web"}, 80, near=True)["spec"]["trafficDistribution"] == "PreferClose"


def test_a_pod_that_is_not_ready_says_what_it_waits_for() -> None:
    waits = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "web:1"'}}}
    never = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes are available"}
    ready = {"type": "Initialized", "status": "True"}
    assert why_not_ready({"status": {"containerStatuses": [waits]}}) == (
        'ImagePullBackOff: Back-off pulling image "web:1"'
    )
    assert why_not_ready({"status": {"conditions": [ready, never]}}) == "Unschedulable: 0/2 nodes are available"
    assert why_not_ready({"status": {"phase": "Pending"}}) == "it is Pending"
