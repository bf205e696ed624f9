"""Who a cluster lets in, and what can be read on the way: asked and captured from inside the lab. Leaves events."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from testbed.clusters import API_PORT
from testbed.plan.clusters import PlannedClusterNode
from testbed.probe import https
from testbed.probe.https import Answer, Request
from testbed.probe.survey import Try, survey
from testbed.run.cluster_ends import PORT, ClusterEnds, pod_on
from testbed.run.lab import Lab

KUBELET_PORT, READ_ONLY_PORT, ETCD_PORT = 10250, 10255, 2379
"""Source: kubernetes.io, ports and protocols; 10255: kubelet's configuration, ``readOnlyPort``."""
SECRETS = "/api/v1/namespaces/kube-system/secrets"
ELSEWHERE = "elsewhere.example"
"""A name that no certificate is for (RFC 2606)."""
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
COPIES = 10
"""Packets with the marker; arbitrary."""
SETTLES = "1 s"
"""For what is under way to arrive; arbitrary."""


@dataclass(frozen=True)
class Right:
    """Something that somebody may do, or not.

    Attributes:
        words: for a report.
        may: whether.
        verb, resource, group, subresource, namespace, name: as the API server's reviews have it.
        method, path, body: how it is tried for real; ``kubelet``: of that node, not of the API server.
    """

    words: str
    may: bool
    verb: str
    resource: str
    path: str
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    group: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    kubelet: PlannedClusterNode | None = None

    @property
    def attributes(self) -> dict[str, str]:
        """Of a review."""
        named = {key: getattr(self, key) for key in ("verb", "resource", "group", "subresource", "namespace", "name")}
        return {key: value for key, value in named.items() if value}


@dataclass(frozen=True)
class Asker:
    """Somebody somewhere: a node or pod of the lab, and who it says it is."""

    lab: Lab
    name: str
    node: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def ask(self, what: str, address: str, port: int, request: Request, **options: Any) -> Answer:
        """Ask, and note what came of it: ``http``."""
        own = Request(request.method, request.path, {**self.headers, **request.headers}, request.body)
        answer = https.ask(self.lab.network.namespaces, self.node, address, port, own, **options)
        self.lab.note(
            "http", what=what, source=self.name, to=f"{address}:{port}", method=request.method, path=request.path,
            status=answer.status, version=answer.version, error=answer.error, said=answer.body[:160],
        )  # fmt: skip
        return answer


def api_server(lab: Lab, ends: ClusterEnds, who: Sequence[str]) -> None:
    """Clear text, each version of TLS, its certificate by the right and by a wrong name, and nobody's rights."""
    plan = ends.cluster.plan
    address = plan.control_plane.address
    authority = ends.cluster.execute(plan.control_plane.name, "cat", "/etc/kubernetes/pki/ca.crt")
    service = str(ends.cluster.read("v1", "Service", "kubernetes")["spec"]["clusterIP"])
    version = Request("GET", "/version")
    for name in who:
        asker = Asker(lab, name, ends.pods[name].node)
        asker.ask("API in clear text", address, API_PORT, version)
        for each in https.VERSIONS:
            asker.ask(f"API over TLS {each}", address, API_PORT, version, tls=https.believing(each))
        found = asker.ask("API, certificate checked", address, API_PORT, version, tls=https.checking(authority))
        asker.ask("API as service, certificate checked", service, 443, version, tls=https.checking(authority))
        asker.ask("API by a wrong name", address, API_PORT, version, tls=https.checking(authority), name=ELSEWHERE)
        asker.ask("secrets, by nobody", address, API_PORT, Request("GET", SECRETS), tls=https.believing())
        asker.ask("etcd, without a certificate", address, ETCD_PORT, version, tls=https.believing())
        lab.note("certificate", of="API server", node=plan.control_plane.name, pem=found.certificate)


def kubelets(lab: Lab, ends: ClusterEnds, who: Sequence[str]) -> None:
    """Each kubelet, by nobody and by a pod's own account; and the certificates that it shows and signs in with."""
    pods = Request("GET", "/pods")
    for name in who:
        token = ends.cluster.run_in(name, "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token").strip()
        nobody = Asker(lab, name, ends.pods[name].node)
        pod = Asker(lab, name, ends.pods[name].node, bearer(token))
        for node in ends.cluster.plan.nodes:
            found = nobody.ask("kubelet, by nobody", node.address, KUBELET_PORT, pods, tls=https.believing())
            pod.ask("kubelet, by a pod's account", node.address, KUBELET_PORT, pods, tls=https.believing())
            nobody.ask("kubelet in clear text", node.address, KUBELET_PORT, pods)
            nobody.ask("kubelet's read-only port", node.address, READ_ONLY_PORT, pods)
            lab.note("certificate", of="kubelet as server", node=node.name, pem=found.certificate)
    for node in ends.cluster.plan.nodes:
        certificate = ("/BEGIN CERTIFICATE/,/END CERTIFICATE/p", "/var/lib/kubelet/pki/kubelet-client-current.pem")
        pem = ends.cluster.execute(node.name, "sed", "-n", *certificate)
        lab.note("certificate", of="kubelet as client", node=node.name, pem=pem)


def bearer(token: str) -> dict[str, str]:
    """What a request says who it is from with."""
    return {"Authorization": f"Bearer {token}"}


def rights(lab: Lab, ends: ClusterEnds, account: str, namespace: str, node: str, wanted: Sequence[Right]) -> None:
    """What an account may do: what the API server says, and what comes of trying it, from a node: ``right``."""
    plan = ends.cluster.plan
    kubectl = ("kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "--namespace", namespace)
    token = ends.cluster.execute(plan.control_plane.name, *kubectl, "create", "token", account).strip()
    asker, tls = Asker(lab, account, node, bearer(token)), https.believing()
    for right in wanted:
        review = {
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": right.attributes},
        }  # fmt: skip
        as_json = {"Content-Type": "application/json"}
        said = asker.ask(
            f"review: {right.words}", plan.control_plane.address, API_PORT,
            Request("POST", REVIEWS, as_json, json.dumps(review)), tls=tls,
        )  # fmt: skip
        kind = "application/merge-patch+json" if right.method == "PATCH" else "application/json"
        at = (right.kubelet.address, KUBELET_PORT) if right.kubelet else (plan.control_plane.address, API_PORT)
        request = Request(
            right.method, right.path, {"Content-Type": kind}, json.dumps(right.body) if right.body else ""
        )
        tried = asker.ask(right.words, *at, request, tls=tls)
        allowed = json.loads(said.body)["status"]["allowed"] if said.status == 201 else None
        lab.note("right", words=right.words, may=right.may, allowed=allowed, status=tried.status)


@contextlib.contextmanager
def captured(lab: Lab, links: Sequence[str], way: str) -> Iterator[None]:
    """Keep what crosses links, both ways, while the block runs: ``captures/WAY-LINK.pcap``."""
    with contextlib.ExitStack() as stack:
        for link in links:
            stack.enter_context(lab.probe.capture_link(link, "a_to_b", name=f"{way}-{link}"))
        yield
        lab.sleep(SETTLES)


def send(lab: Lab, ends: ClusterEnds, ways: tuple[str, str], marker: str, links: Sequence[str], way: str) -> None:
    """Packets with the marker between pods of two nodes, each answered with itself: ``marked``; links are captured."""
    near, far = (ends.pods[pod_on(node)] for node in ways)
    with captured(lab, links, way):
        found = survey(lab.network.namespaces, [Try(near, far, "udp", PORT, marker.encode())] * COPIES)
    lab.note("marked", way=way, marker=marker, answered=found.count(0))
