"""Who does a stretched cluster let in, what may a site's operator do, and what can be read on the link between sites?

Pods at both sites ask API server, etcd and kubelets with and without TLS, names and accounts. An operator of one site
tries what he may do and what he may not. Pods then send a marker to each other, by the usual way and by the backup, and
every link on the way is captured.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from testbed import Lab, Measurement, Result, Scenario
from testbed.check import captured, certificates, clusters
from testbed.check.cases import chain
from testbed.clusters import API_PORT
from testbed.errors import Problem
from testbed.kubernetes.rbac import GROUP, operator
from testbed.plan.clusters import PlannedCluster
from testbed.plan.plan import Plan
from testbed.probe.https import VERSIONS
from testbed.run import cluster_ends, cluster_security
from testbed.run.cluster_ends import pod_on
from testbed.run.cluster_security import COPIES, SECRETS, Right
from testbed.theory.interval import exactly

ACCOUNT = "operator"
USUAL, BACKUP, API = "usual", "backup", "api"
"""Ways of the marker: between pods by the one or the other, and to the API server."""
WIREGUARD_PORT = 51820
"""Source: Calico 3.28, system requirements; Flannel's default too."""
CLEAR_TEXT = "net/http: 400, client sent an HTTP request to an HTTPS server"
TLS = "kubernetes 1.34, kube-apiserver --tls-min-version: 1.2 unless it is set"
LEAST_TLS = "1.2"
NODES = "kubernetes.io, certificates: kubelets sign in as system:node:NAME of system:nodes"
ACCESS = "kubernetes.io, RBAC: what no rule allows is refused"
ANONYMOUS = "kubernetes.io, authenticating: nobody is system:anonymous, which RBAC allows nothing of this"
KUBELET = "kubernetes.io, kubelet authentication and authorization; kubeadm: anonymous off, webhook"
CHECKED = "RFC 9110 section 4.3.4: a certificate by the cluster's authority, for the name that was asked"
SEEN = {
    "API in clear text": (CLEAR_TEXT, {400}),
    "API, certificate checked": (CHECKED, {200}),
    "API as service, certificate checked": (CHECKED, {200}),
    "API by a wrong name": (CHECKED, {0}),
    "secrets, by nobody": (ANONYMOUS, {401, 403}),
    "etcd, without a certificate": ("etcd.io, transport security: client-cert-auth", {0}),
    "kubelet in clear text": (CLEAR_TEXT, {400}),
    "kubelet, by nobody": (KUBELET, {401}),
    "kubelet, by a pod's account": (KUBELET, {403}),
    "kubelet's read-only port": ("kubelet's configuration: readOnlyPort 0", {0}),
}
"""What is asked: why it ends as it must, and the status of HTTP that says so; 0: no answer at all."""

scenario = Scenario(
    topology="../topologies/stretched_cluster.py",
    question="Whom does the cluster let in, what may a site's operator do, and what can be read between the sites?",
    hypothesis="TLS 1.2 or newer, nobody without an account, an operator at his site; VXLAN hides nothing, IPsec all",
    refuted_by="an answer in clear text, to nobody, or beyond a right; a marker in clear text where it is encrypted",
)
scenario.param("source", str, "aws-1", "node of the pod that sends, and asks")
scenario.param("target", str, "onprem-1", "node of another site, whose operator is looked at")


@scenario.check
def check(plan: Plan, values: Mapping[str, object]) -> Iterator[Problem]:
    """Hosts that are no nodes of two sites."""
    yield from clusters.way_problems(plan, values)


def rights(cluster: PlannedCluster, mine: str, other: str, marker: str = "") -> list[Right]:
    """What the operator of a node's site may do, and what not."""
    own = f"site-{cluster.node(mine).site}"
    spaces, nodes = "/api/v1/namespaces", "/api/v1/nodes"
    note = {"metadata": {"annotations": {"testbed.site/note": "seen"}}}
    thing = {"metadata": {"name": "note"}, "data": {"words": marker}}
    bindings = f"/apis/{GROUP}/v1/clusterrolebindings"
    binding = {
        "metadata": {"name": "mine"},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": own}],
    }
    maps = "configmaps"
    return [
        Right("list pods of his namespace", True, "list", "pods", f"{spaces}/{own}/pods", namespace=own),
        Right("make a config map in his namespace", True, "create", maps, f"{spaces}/{own}/{maps}", "POST", thing,
              namespace=own),
        Right("list all nodes", True, "list", "nodes", nodes),
        Right("annotate a node of his site", True, "patch", "nodes", f"{nodes}/{mine}", "PATCH", note, name=mine),
        Right("make a config map elsewhere", False, "create", maps, f"{spaces}/default/{maps}", "POST", thing,
              namespace="default"),
        Right("read the system's secrets", False, "list", "secrets", SECRETS, namespace="kube-system"),
        Right("annotate another site's node", False, "patch", "nodes", f"{nodes}/{other}", "PATCH", note, name=other),
        Right("delete a node of his site", False, "delete", "nodes", f"{nodes}/{mine}", "DELETE", name=mine),
        Right("give himself all rights", False, "create", "clusterrolebindings", bindings, "POST", binding,
              group=GROUP),
        Right("ask a kubelet of his site", False, "get", "nodes", "/pods", subresource="proxy", name=mine,
              kubelet=cluster.node(mine)),
    ]  # fmt: skip


@scenario.run
def run(lab: Lab) -> None:
    """Doors, rights, and what passes on the wire."""
    ends = cluster_ends.set_up(lab)
    cluster, breaks = ends.cluster.plan, clusters.way(lab.plan, lab.values)
    source, target = lab.value("source", str), lab.value("target", str)
    who = (pod_on(source), pod_on(target))
    cluster_security.api_server(lab, ends, who)
    cluster_security.kubelets(lab, ends, who)
    site = cluster.node(target).site
    own = [node.name for node in cluster.nodes if node.site == site]
    ends.cluster.apply(*operator(ACCOUNT, f"site-{site}", own))
    told = marker(lab)
    with cluster_security.captured(lab, [breaks.link], API):
        cluster_security.rights(lab, ends, ACCOUNT, f"site-{site}", target, rights(cluster, target, source, told))
        lab.note("marked", way=API, marker=told, answered=None)
    cluster_security.send(lab, ends, (source, target), marker(lab), links(lab, (breaks.link,)), USUAL)
    if breaks.detour:
        with lab.fault.silent(breaks.link):
            lab.wait_until(lab.path(source, target).avoids(breaks.link), within="300 s")
            cluster_security.send(lab, ends, (source, target), marker(lab), links(lab, breaks.detour), BACKUP)


def marker(lab: Lab) -> str:
    """Words that nothing else has."""
    return f"marker-{lab.random.getrandbits(64):016x}"


def links(holder: Lab | Result, way: tuple[str, ...]) -> list[str]:
    """What is captured: the links that packets cross, those below a tunnel too."""
    return [link.name for link in chain(holder.plan, way)]


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """Doors that are shut, rights as they should be, and the marker on each link."""
    yield from _doors(result)
    yield from _certificates(result)
    yield from _rights(result)
    yield from _wire(result)


def _doors(result: Result) -> Iterator[Measurement]:
    asked = [event.fields for event in result.history.of("http")]
    for what, (source, statuses) in SEEN.items():
        some = [each for each in asked if each["what"] == what]
        right = sum(each["status"] in statuses for each in some)
        yield Measurement.against(_name(what), right if some else None, exactly(len(some), "requests", source))
        for each in some:
            if each["status"] not in statuses:
                words = f"{what}, from {each['source']} to {each['to']}: {each['status'] or each['error']}"
                yield Measurement.wrong(words, source)
    for version in VERSIONS:
        some = [each for each in asked if each["what"] == f"API over TLS {version}"]
        # What this machine's own library refuses says nothing of the server.
        told = [each for each in some if each["status"] or "alert" in each["error"].lower()]
        taken = sum(each["status"] == 200 for each in told)
        wanted = exactly(len(some) if version >= LEAST_TLS else 0, "requests", TLS)
        name = f"api_takes_tls_{version.replace('.', '_')}"
        yield Measurement.against(name, taken if len(told) == len(some) and some else None, wanted)


def _name(words: str) -> str:
    return words.replace(",", "").replace("'s", "s").replace("-", "_").replace(" ", "_").lower()


def _certificates(result: Result) -> Iterator[Measurement]:
    (cluster,) = result.plan.clusters
    shown = [event.fields for event in result.history.of("certificate")]
    found = {(each["of"], each["node"]): certificates.read(each["pem"]) for each in shown}
    plane = cluster.control_plane
    api = found.get(("API server", plane.name))
    names = (plane.name, plane.address, "kubernetes", "kubernetes.default.svc")
    source = "kubernetes.io, certificates: kube-apiserver's names"
    has = sum(name in api.names for name in names) if api else None
    yield Measurement.against("api_certificate_names", has, exactly(len(names), "names", source))
    served = {node: each for (of_, node), each in found.items() if of_ == "kubelet as server"}
    own = sum(each.self_signed or "-ca@" in each.issuer for each in served.values())
    source = "kubeadm: kubelets sign what they show themselves, unless serverTLSBootstrap is set: nobody can check it"
    yield Measurement.against("kubelets_that_vouch_for_themselves", own, exactly(len(cluster.nodes), "nodes", source))
    signed = {node: each for (of_, node), each in found.items() if of_ == "kubelet as client"}
    right = sum(each.subject == f"CN=system:node:{node},O=system:nodes" for node, each in signed.items())
    yield Measurement.against("kubelets_that_sign_in_as_their_node", right, exactly(len(cluster.nodes), "nodes", NODES))


def _rights(result: Result) -> Iterator[Measurement]:
    tried = [event.fields for event in result.history.of("right")]
    total = exactly(len(tried), "rights", ACCESS)
    as_said = [each for each in tried if each["allowed"] == each["may"]]
    done = [each for each in tried if (200 <= each["status"] < 300 if each["may"] else each["status"] == 403)]
    yield Measurement.against("rights_as_reviewed", len(as_said) if tried else None, total)
    yield Measurement.against("rights_as_tried", len(done) if tried else None, total)
    for each in tried:
        if each not in as_said or each not in done:
            may = "may" if each["may"] else "may not"
            words = f"the operator {may} {each['words']}: reviewed as {each['allowed']}, tried with {each['status']}"
            yield Measurement.wrong(words, ACCESS)


def _wire(result: Result) -> Iterator[Measurement]:
    """The marker on each link, and where it must not be seen, the packets that it must have been in."""
    breaks, (cluster,) = clusters.way(result.plan, result.values), result.plan.clusters
    for event in result.history.of("marked"):
        way, words = event.fields["way"], str(event.fields["marker"]).encode()
        crossed = breaks.detour if way == BACKUP else (breaks.link,)
        hidden = _hidden(result.plan, cluster, way, crossed)
        if way != API:
            sent = exactly(COPIES, "packets", "sent, and answered")
            yield Measurement.against(f"marked_by_{way}", event.fields["answered"], sent)
        for link in links(result, crossed):
            path, name = result.history.record / "captures" / f"{way}-{link}.pcap", f"{way}_on_{link.replace('-', '_')}"
            clear = captured.carrying(path, words)
            if hidden is None:
                source = f"{cluster.joined_by.title} encrypts nothing: each packet and its answer can be read"
                yield Measurement.against(f"marker_{name}", clear, exactly(2 * COPIES, "packets", source))
                continue
            yield Measurement.against(f"marker_{name}", clear, exactly(0, "packets", hidden.why))
            carried = captured.of(path, hidden.protocol, hidden.port)
            source = "what must have carried it, by protocol and port"
            yield Measurement(f"carriers_{name}", carried, "packets", low=hidden.least, source=source)


class Hidden(NamedTuple):
    """What hides the marker: why, in which packets, and how many there must be."""

    why: str
    protocol: int
    port: int
    least: int


def _hidden(plan: Plan, cluster: PlannedCluster, way: str, crossed: Sequence[str]) -> Hidden | None:
    if way == API:
        return Hidden("RFC 8446: what goes to the API server is encrypted", captured.TCP, API_PORT, 1)
    if any(tunnel.name in crossed and tunnel.kind == "ipsec" for tunnel in plan.tunnels):
        return Hidden("RFC 4303: ESP encrypts the whole packet", captured.ESP, 0, 2 * COPIES)
    if cluster.joined_by.encrypted:
        return Hidden(f"{cluster.joined_by.title} encrypts what pods send", captured.UDP, WIREGUARD_PORT, 2 * COPIES)
    return None
