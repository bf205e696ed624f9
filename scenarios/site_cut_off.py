"""A site is cut off from its cluster's control plane: what happens to its nodes, its pods, and those who use them?

A service has pods at both sites, and a client at each opens connections to it all the time; beside them, packets flow
between two pods of the site that will be cut off, and a pod there asks for the service's name. Then every link of the
site falls silent for a while. What the control plane does of it, step by step, is read from its watches.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from testbed import Duration, Lab, Measurement, Result, Scenario, optional
from testbed.check import clusters, site_cut
from testbed.check.site_cut_measured import measurements
from testbed.errors import Problem
from testbed.plan.plan import Plan
from testbed.theory import kubernetes

PORT = 8080
"""Of the service; arbitrary."""
SERVE = ("socat", f"TCP-LISTEN:{PORT},fork,reuseaddr", "PIPE")
"""What each of its pods does."""
CONNECT, PACKET, ASK = Duration.parse("250 ms"), Duration.parse("100 ms"), Duration.parse("1 s")
"""How often a connection is opened, a packet sent, a name asked for; arbitrary."""
SETTLED = Duration.parse("600 s")
"""Pods whose programs ended again and again are begun anew after up to 300 s. Source: kubernetes.io, pod lifecycle."""

scenario = Scenario(
    topology="../topologies/stretched_cluster.py",
    question="A site is cut off from its cluster's control plane: what is given up when, what goes on, what returns?",
    hypothesis="each step comes when the controllers' timers say, and what is in the site goes on without them",
    refuted_by="a step outside the interval that the timers leave, or traffic within the site that was disturbed",
)  # fmt: skip
scenario.param("site", str, "onprem", "the site that is cut off; not the control plane's")
scenario.param("cut.for", Duration, "2 min", "how long every link of it is silent")
scenario.param("replicas", int, "4", "pods of the service, over both sites")
scenario.param(
    "toleration",
    optional(Duration, "forever"),
    str(kubernetes.TOLERATED),
    "how long pods stay on a lost node, or forever",
)
scenario.param(
    "spread", str, "loose", "how pods are spread over the sites: as the scheduler likes, evenly or not at all, "
    "or evenly over the sites that are not tainted", choices=("loose", "strict", "honour-taints"),
)  # fmt: skip
scenario.param("traffic", str, "anywhere", "which pods a connection may go to", choices=("anywhere", "near"))
scenario.param("dns", str, "default", "CoreDNS as kind has it, or one at each site", choices=("default", "site"))
scenario.param(
    "restart",
    str,
    "nothing",
    "what is restarted on the site's nodes half-way",
    choices=("nothing", *site_cut.RESTARTED),
)
scenario.param(
    "control-plane", str, "stays", "whether the control plane is lost meanwhile, too", choices=("stays", "lost")
)
scenario.param("before", Duration, "10 s", "traffic before the cut")
scenario.param("after", Duration, "20 s", "traffic after all is back")


@scenario.check
def check(plan: Plan, values: Mapping[str, object]) -> Iterator[Problem]:
    """A site without workers, or with the control plane, or without another one."""
    yield from clusters.cut_off_problems(plan, str(values["site"]))
    replicas, toleration = values["replicas"], values["toleration"]
    if isinstance(replicas, int) and replicas < 2:
        yield Problem("replicas", f"{replicas} cannot be at both sites", "at least 2")
    if isinstance(toleration, Duration) and toleration % 10**9:
        yield Problem("toleration", f"{toleration} is no whole number of seconds", "tolerationSeconds counts seconds")


@scenario.run
def run(lab: Lab) -> None:
    """Traffic of all kinds, the cut, and waiting until the cluster is whole again."""
    site = lab.value("site", str)
    inside, outside = site_cut.workers(lab.plan, site), site_cut.others(lab.plan, site)
    client, far, mate = _deploy(lab, inside, outside)
    service, names = lab.pods.service("web"), lab.pods.service("kube-dns", namespace="kube-system")
    wanted = lab.probe.place(service).address
    with contextlib.ExitStack() as probes:
        for begun in (
            lab.probe.udp(outside[0], inside[0], PACKET, name=site_cut.PATH),
            lab.probe.udp(client, mate, PACKET, name=site_cut.WITHIN),
            lab.probe.tcp(client, service, CONNECT, name=site_cut.INSIDE),
            lab.probe.tcp(far, service, CONNECT, name=site_cut.OUTSIDE),
            lab.probe.lookups(client, names, "web.default.svc.cluster.local", wanted, ASK, name=site_cut.NAMES),
        ):
            probes.enter_context(begun)
        # The cut's phase against renewals and looks is chance: the seed's.
        lab.sleep(Duration(lab.value("before", Duration) + lab.random.randrange(kubernetes.RENEWAL)))
        _cut(lab, site, inside)
        lab.wait_converged("the routes of before, after healing")
        if lab.value("control-plane", str) == "lost":
            _work_again(lab, inside[0])
        lab.wait_until(lambda: _whole(lab), "the cluster to be whole again", SETTLED)
        lab.sleep(lab.value("after", Duration))


def _deploy(lab: Lab, inside: tuple[str, ...], outside: tuple[str, ...]) -> tuple[str, str, str]:
    """Put the service and those who use it on the cluster. Returns the pods that probes are of."""
    from testbed.kubernetes import workloads

    cluster = lab.pods.cluster()
    labels, kept = {"app": "web"}, workloads.outlasting(None)
    toleration = lab.values["toleration"]
    wish: dict[str, Any] = {}
    if toleration != kubernetes.TOLERATED:  # what a pod that says nothing is given
        seconds = toleration // 10**9 if isinstance(toleration, Duration) else None
        wish["tolerations"] = workloads.outlasting(seconds)
    if (spread := lab.value("spread", str)) != "loose":
        wish["topologySpreadConstraints"] = workloads.spread(labels, honour_taints=spread == "honour-taints")
    near = lab.value("traffic", str) == "near"
    cluster.apply(
        workloads.deployment("web", lab.value("replicas", int), command=SERVE, **wish),
        workloads.service("web", labels, PORT, near=near),
        workloads.pod("client", node=inside[0], tolerations=kept),
        workloads.pod("mate", node=inside[-1], tolerations=kept),
        workloads.pod("far", node=outside[0], tolerations=kept),
    )
    if lab.value("dns", str) == "site":
        cluster.apply(*workloads.names_at_every_site())
    lab.wait_until(lambda: _whole(lab), "all pods to be ready", "180 s")
    return lab.pods.pod("client"), lab.pods.pod("far"), lab.pods.pod("mate")


def _cut(lab: Lab, site: str, inside: tuple[str, ...]) -> None:
    """The site's links are silent for so long; the control plane is frozen as long, if it is to be lost, too."""
    outage, restart = lab.value("cut.for", Duration), lab.value("restart", str)
    with contextlib.ExitStack() as faults:
        faults.enter_context(lab.fault.partition(site))
        ends_ns = lab.now_ns() + outage
        if lab.value("control-plane", str) == "lost":
            faults.enter_context(lab.fault.freeze(lab.pods.cluster().plan.control_plane.name))
        if restart != "nothing":
            lab.sleep(Duration(outage // 2))
            for node in inside:
                stop = f"crictl stop --timeout 1 $(crictl ps --quiet --name '^{restart}$')"
                lab.pods.cluster().execute(node, "sh", "-c", stop)
                lab.note("restarted", node=node, program=restart)
        lab.sleep(Duration(max(0, ends_ns - lab.now_ns())))


def _work_again(lab: Lab, node: str) -> None:
    """Ask for a pod on a node of the site, and wait for it: API server, scheduler and kubelet must all be back.

    That nothing was given up is no sign of it: who does nothing gives up nothing.
    """
    from testbed.kubernetes import workloads

    cluster = lab.pods.cluster()
    cluster.apply(workloads.pod(site_cut.AFTERWARDS, node=node))
    lab.wait_until(
        lambda: cluster.watching.pod_ready(site_cut.AFTERWARDS), "a pod that is asked for to be started", SETTLED
    )
    lab.note("control.plane.works")


def _whole(lab: Lab) -> bool:
    """Whether every node is ready, the service has all its pods, and none is about to go."""
    watching, plan = lab.pods.cluster().watching, lab.pods.cluster().plan
    pods = [
        watching.pods("default"),
        {n: p for n, p in watching.pods("kube-system").items() if n.startswith("coredns")},
    ]
    names = [(name, where) for some, where in zip(pods, ("default", "kube-system"), strict=True) for name in some]
    web = [name for name in pods[0] if name.startswith(site_cut.WEB)]
    return (
        all(
            watching.node_ready(node.name) and site_cut.UNREACHABLE not in watching.taints(node.name)
            for node in plan.nodes
        )
        and len(web) == lab.value("replicas", int)
        and all(watching.pod_ready(name, where) for name, where in names)
    )


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """Each step beside theory, and what clients saw."""
    yield from measurements(result)
