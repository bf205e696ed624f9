"""What joins the pods of a stretched cluster: do they reach each other, how large may packets be, who can read them?

A pod in the cloud sends packets of the full size to one on premises, with a marker in them, while its node's interface
is listened to; and small ones at once with its node, so that what the network for pods adds can be told.
"""

from collections.abc import Iterator, Mapping

from testbed import Duration, Lab, Measurement, Result, Scenario
from testbed.check import clusters, flows
from testbed.check.wrapped import seen
from testbed.errors import Problem
from testbed.plan.clusters import NODE_INTERFACE
from testbed.plan.plan import Plan
from testbed.probe import capture
from testbed.theory.mtu import IP_HEADER

MARKER = b"testbed!"
"""In every packet; ping takes a pattern of 16 bytes at most (ping(8))."""
ICMP_HEADER = 8
"""RFC 792."""
CLIENT, SERVER = "client", "server"
LEAVING, ARRIVING = "leaving", "arriving"
"""Captures of the nodes' own interfaces."""

scenario = Scenario(
    topology="../topologies/stretched_cluster.py",
    question="Do pods of both sites reach each other, with packets of which size, and who can read them on the way?",
    hypothesis="with all packets that fit into their interface, which are never larger on the way than the way takes",
    refuted_by="a packet of full size that is lost, one too large for the way, or an encrypted one that can be read",
)
scenario.param("source", str, "aws-1", "node of the pod that sends")
scenario.param("target", str, "onprem-1", "node of the pod that answers")
scenario.param("packets", int, "20", "how many packets of full size")


@scenario.check
def check(plan: Plan, values: Mapping[str, object]) -> Iterator[Problem]:
    """Hosts that are no nodes."""
    yield from clusters.problems(plan, str(values["source"]), str(values["target"]))


@scenario.run
def run(lab: Lab) -> None:
    """Small packets, packets of full size, and one that is too large."""
    from testbed.kubernetes import workloads

    source, target = lab.value("source", str), lab.value("target", str)
    cluster = lab.pods.cluster()
    cluster.apply(workloads.pod(CLIENT, node=source), workloads.pod(SERVER, node=target))
    client, server = lab.pods.pod(CLIENT), lab.pods.pod(SERVER)
    with lab.probe.udp(source, target, "100 ms", name="node"), lab.probe.udp(client, server, "100 ms", name="pod"):
        lab.sleep("5 s")
    answerer = str(cluster.watching.pod(SERVER)["status"]["podIP"])
    with (
        lab.probe.capture(source, NODE_INTERFACE, name=LEAVING),
        lab.probe.capture(target, NODE_INTERFACE, name=ARRIVING),
    ):
        for name, size, count in (("full_size", 0, lab.value("packets", int)), ("too_large", 1, 1)):
            answered = pinged(lab, answerer, cluster.plan.mtu + size, count)
            lab.note("pinged", name=name, lost=count - answered)


def pinged(lab: Lab, address: str, size: int, count: int) -> int:
    """How many of some IP packets of one size, which must not be cut into fragments, are answered."""
    payload = size - IP_HEADER[4] - ICMP_HEADER
    words = f"ping -n -M do -i 0.2 -W 2 -c {count} -s {payload} -p {MARKER.hex()} {address} 2>&1 | grep -c 'bytes from'"
    return int(lab.pods.cluster().run_in(CLIENT, "sh", "-c", f"{words} || true"))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """Loss, sizes, and what could be read."""
    (cluster, *_) = result.plan.clusters
    history, cni = result.history, cluster.joined_by
    lost = {event.fields["name"]: event.fields["lost"] for event in history.of("pinged")}
    yield Measurement("full_size_lost", lost["full_size"], "packets", 0, 0, 0, "they fit into the pod's interface")
    yield Measurement(
        "too_large_lost", lost["too_large"], "packets", 1, 1, 1, "the pod's interface takes no larger ones"
    )
    yield Measurement("pods_mtu", cluster.mtu, "bytes", source=f"planned: {cluster.path_mtu} on every way")
    found, arrived = (
        seen(capture.read(history.record / "captures" / f"{name}.pcap"), cluster.pods, MARKER)
        for name in (LEAVING, ARRIVING)
    )
    full, most = cluster.mtu + cni.wrapping, cluster.path_mtu
    yield Measurement(
        "largest_on_the_wire", found.largest, "bytes", full, min(full, most), most,
        f"what the mode puts around a packet of full size: {cni.wrapping}; every way takes {most}",
    )  # fmt: skip
    yield Measurement("fragments", arrived.fragments, "", 0, 0, 0, "routers cut what is too large for the next link")
    readable = 0 if cni.encrypted else 2 * result.value("packets", int)
    yield Measurement(
        "readable_on_the_wire", found.readable, "packets", readable, readable, readable,
        "each carries a marker, there and back",
    )  # fmt: skip
    for name in ("node", "pod"):
        yield Measurement(f"rtt_p50_{name}", flows.rtt_ms(flows.packets(history, name)), "ms", better="lower")
    started, ready = history.instant("cluster.started"), history.instant("cluster.ready")
    yield Measurement("ready_after", Duration(ready - started).seconds, "s", source="of a kept cluster", better="lower")
