"""Volumes of pods across sites: a share on premises for all, and volumes of one zone, as block storage in a cloud has.

Claims of the class ``shared`` become folders of an NFS server in the data centre, made by a provisioner and mounted by
kubelets; those of ``cloud`` and ``premises`` are bound to their zone. fio runs in pods of both sites; then the sites
lose each other while pods write; and a zonal volume is asked for at the other site.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from testbed import Duration, Lab, Measurement, Profile, Result, Scenario, Size
from testbed.check import clusters, fio, writer
from testbed.check.cases import chain
from testbed.check.placement import PENDING, Asked, placed
from testbed.errors import Problem
from testbed.plan.clusters import PlannedCluster
from testbed.plan.compile_clusters import ZONE
from testbed.plan.plan import Plan
from testbed.run import outage, pod_storage
from testbed.run.placement import place
from testbed.theory import nfs, storage
from testbed.theory.interval import Expectation, exactly

SHARE = "share"
SHARED, CLOUD, PREMISES = "shared", "cloud", "premises"
"""Classes, and the claims of them."""
WORDS = "written at the other site"
KIB, MIB = 2**10, 2**20
LOADS = {
    "randwrite": Profile("randwrite", Size(4 * KIB)),
    "randread": Profile("randread", Size(4 * KIB)),
    "write-1m": Profile("write", Size(MIB), 4),
}
SIZE = Size(16 * MIB)
SERVED = "5 ms"
"""How long the store is measured without the network; arbitrary: a thousand requests."""
NEAR = Duration.parse("200 ms")
"""How long a pod near the server is measured; arbitrary: it makes a hundred thousand requests a second."""
WITHIN = 0.05
"""What a rate may differ from theory; arbitrary: what a client does itself is not in the time that serving takes."""
INTERVAL = Duration.parse("100 ms")
TENTH = Duration.parse("100 ms")
"""What the mount option timeo counts in: nfs(5)."""
SOURCE = "kubernetes.io, persistent volumes, node affinity; storage classes, allowed topologies"
CONFLICT = "node(s) didn't match PersistentVolume's node affinity"
UNBOUND = "node(s) didn't find available persistent volumes to bind"
"""Words of the scheduler's event. Source: kubernetes 1.34, pkg/scheduler/framework/plugins/volumebinding/binder.go."""
NEVER = exactly(0, "calls", "its server is at its own site")
WITH_SERVER = {"files": "yes"}

scenario = Scenario(
    topology="../topologies/stretched_cluster.py",
    question="What do volumes give pods of both sites, what does a dead link do to them, and do they follow a pod?",
    hypothesis="a share costs a round trip each time and waits out an outage; a zonal volume stays, with its pod",
    refuted_by="a lost record, an error on a hard mount, a rate that no round trip explains, a pod beside its volume",
)
scenario.param("lost", str, "hard", "what a mount does when its server is silent", choices=("hard", "soft"),
               sets={"hard": WITH_SERVER, "soft": WITH_SERVER})  # fmt: skip
scenario.param("source", str, "aws-1", "node of a pod far from the server")
scenario.param("target", str, "onprem-1", "node of a pod near the server")
scenario.param("outage", Duration, "20 s", "how long the sites do not reach each other")
scenario.param("duration", Duration, "5 s", "how long each load of the far pod lasts")
scenario.chart("iops", "Operations a second", {"in the cloud": "iops_*_cloud", "on premises": "iops_*_premises"})


@scenario.check
def check(plan: Plan, values: Mapping[str, object]) -> Iterator[Problem]:
    """Hosts that are no nodes of two sites, or no share."""
    yield from clusters.way_problems(plan, values)
    if SHARE not in [share.name for share in plan.shares]:
        yield Problem("topology", f"has no share {SHARE!r}", "--set files=yes, or t.nfs(..., others=NODES)")


def bound(cluster: PlannedCluster, source: str, target: str) -> list[Asked]:
    """Pods with a volume of a zone: where they must come to be, at first."""
    from testbed.kubernetes.storage import claim, mounting
    from testbed.kubernetes.workloads import pod

    cloud, premises = cluster.node(source).site, cluster.node(target).site
    first, near = mounting(pod("first-cloud"), CLOUD), mounting(pod("first-premises"), PREMISES)
    other = mounting(pod("elsewhere", site=premises), "elsewhere")
    return [
        Asked("first-cloud", f"claim of {CLOUD}", (claim(CLOUD, CLOUD), first), {cloud: 1}),
        Asked("first-premises", f"claim of {PREMISES}", (claim(PREMISES, PREMISES), near), {premises: 1}),
        Asked("elsewhere", f"new claim of {CLOUD}, wants {premises}", (claim("elsewhere", CLOUD), other), {PENDING: 1},
              UNBOUND),
    ]  # fmt: skip


def again(cluster: PlannedCluster, source: str, target: str) -> list[Asked]:
    """Pods that take the cloud's volume up again, once its first pod is gone."""
    from testbed.kubernetes.storage import mounting
    from testbed.kubernetes.workloads import pod

    cloud, premises = cluster.node(source).site, cluster.node(target).site
    return [
        Asked("follows", f"the volume of {CLOUD}, wants {premises}",
              (mounting(pod("follows", site=premises), CLOUD),), {PENDING: 1}, CONFLICT),
        Asked("returns", f"the volume of {CLOUD}, wants nothing", (mounting(pod("returns"), CLOUD),), {cloud: 1}),
    ]  # fmt: skip


@scenario.run
def run(lab: Lab) -> None:
    """Classes and claims, fio, an outage, and zonal volumes."""
    from testbed.kubernetes import storage as classes
    from testbed.kubernetes import workloads

    cluster = lab.pods.cluster()
    plan, source, target = cluster.plan, lab.value("source", str), lab.value("target", str)
    share, server = lab.plan.share(SHARE), lab.plan.node(lab.plan.share(SHARE).server)
    # In a network namespace that is not the first one, NFS would give up at the first ICMP message.
    timing = f"timeo={share.timeo // TENTH},retrans={share.retrans}"
    options = f"nfsvers={share.version},{lab.value('lost', str)},{timing},fatal_neterrors=none"
    zones = {CLOUD: source, PREMISES: target}
    cluster.apply(
        *classes.nfs_class(SHARED, server.address, f"/{SHARE}", options, site=plan.node(target).site),
        *(classes.zonal_class(name, dict(plan.node(node).labels)[ZONE]) for name, node in zones.items()),
        classes.claim(SHARED, SHARED, many=True),
        *(classes.mounting(workloads.pod(f"shared-{name}", node=node), SHARED)
          for name, node in zones.items()),
    )  # fmt: skip
    for name in (CLOUD, PREMISES):
        lab.pods.pod(f"shared-{name}")
    cluster.run_in(f"shared-{CLOUD}", "sh", "-c", f"echo '{WORDS}' > {classes.DATA}/words")
    read = cluster.run_in(f"shared-{PREMISES}", "cat", f"{classes.DATA}/words").strip()
    volume = str(cluster.read("v1", "PersistentVolumeClaim", SHARED)["spec"]["volumeName"])
    lab.note("volume", claim=SHARED, volume=volume, wrote=WORDS, read=read)
    for load, profile in LOADS.items():
        lab.storage.fio(SHARE, profile, SERVED, name=f"{load}-served", behind=True)
        for name, lasts in ((CLOUD, lab.value("duration", Duration)), (PREMISES, NEAR)):
            pod_storage.run_fio(lab, cluster, f"shared-{name}", f"{load}-{name}", profile, lasts, SIZE)
    cut_off(lab, lab.storage.stores.behind(SHARE)[1] / volume)
    place(lab, cluster, "a volume is made", bound(plan, source, target))
    cluster.run_in("first-cloud", "sh", "-c", f"echo '{WORDS}' > {classes.DATA}/words; sync")
    cluster.delete("v1", "Pod", "first-cloud")
    lab.wait_until(lambda: "first-cloud" not in cluster.watching.pods("default"), "the first pod to be gone")
    place(lab, cluster, "its first pod is gone", again(plan, source, target))
    lab.note("volume", claim=CLOUD, volume="", wrote=WORDS,
             read=cluster.run_in("returns", "cat", f"{classes.DATA}/words").strip())  # fmt: skip


def cut_off(lab: Lab, kept: Path) -> None:
    """Pods of both sites write while all ways between these are silent, and until the last call must be through."""
    cluster, lasts = lab.pods.cluster(), lab.value("outage", Duration)
    with (
        pod_storage.writing(lab, cluster, f"shared-{CLOUD}", "writer-cloud", INTERVAL, kept / "far"),
        pod_storage.writing(lab, cluster, f"shared-{PREMISES}", "writer-premises", INTERVAL, kept / "near"),
    ):
        lab.sleep("5 s")
        outage.silence(lab, lab.value("source", str), lab.value("target", str), lasts)
        lab.sleep(lasts)
        lab.sleep("10 s")


def _rtt(result: Result) -> Duration:
    usual = clusters.way(result.plan, result.values).usual
    return Duration(sum(link.a_to_b.delay + link.b_to_a.delay for link in chain(result.plan, usual)))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """Rates beside round trips, the outage beside TCP's timers, and where zonal volumes let their pods be."""
    (cluster,) = result.plan.clusters
    for event in result.history.of("volume"):
        alike = float(event.fields["read"] == event.fields["wrote"])
        yield Measurement.against(f"read_as_written_{event.fields['claim']}", alike, exactly(1, "", SOURCE))
    for load, profile in LOADS.items():
        for name in (CLOUD, PREMISES):
            yield from _rates(result, load, profile, name)
    yield from _outage(result)
    source, target = str(result.values["source"]), str(result.values["target"])
    for asked in (*bound(cluster, source, target), *again(cluster, source, target)):
        yield from placed(result.history, asked)


def _rates(result: Result, load: str, profile: Profile, name: str) -> Iterator[Measurement]:
    found = fio.found(result.history, f"{load}-{name}", fio.ways(profile.pattern)[0])
    served = fio.found(result.history, f"{load}-served", fio.ways(profile.pattern)[0])
    called = f"iops_{load.replace('-', '_')}_{name}"
    if found is None or served is None:
        yield Measurement(called, None, "1/s")
        return
    if name == CLOUD and profile.depth == 1:
        theory = storage.operations(_rtt(result), Duration(round(1e9 / served.iops))).within(WITHIN)
        yield Measurement.against(called, found.iops, theory, better="higher")
    else:
        words = "no theory: without a round trip it is software that takes time" if name == PREMISES else "no theory"
        yield Measurement(called, found.iops, "1/s", source=words, better="higher")
    yield Measurement(f"throughput_{load.replace('-', '_')}_{name}", found.byte_s / MIB, "MiB/s", better="higher")


def _outage(result: Result) -> Iterator[Measurement]:
    """The far pod waits as long as TCP does; the near one sees nothing."""
    broke, lost = result.history.instant("fault.start"), result.value("lost", str)
    share = result.plan.share(SHARE)
    first = nfs.first_error(share.timeo, share.retrans, _rtt(result))
    back = next((event.t_ns for event in result.history.of("way.back")), None)
    for name in (CLOUD, PREMISES):
        calls = writer.calls(result.history, f"writer-{name}")
        saved = exactly(0, "records", "fsync(2) has returned: the record is on the server")
        yield Measurement.against(f"lost_after_fsync_{name}", writer.lost(result.history, f"writer-{name}"), saved)
        failed = [call for call in calls if call.errno]
        count = nfs.errors(lost, result.value("outage", Duration), first) if name == CLOUD else NEVER
        number = float(len(failed)) if calls else None
        if count is None:
            words = "no theory: the outage ends as calls begin to fail"
            yield Measurement(f"errors_{name}", number, "calls", source=words, better="lower")
        else:
            yield Measurement.against(f"errors_{name}", number, count, better="lower")
        longest = max((call.ended_ns - call.begun_ns for call in calls), default=None)
        seconds = None if longest is None else longest / 1e9
        if name == PREMISES:
            calm = Expectation(None, 0, 1, "s", "its server is at its own site; 1 s: arbitrary")
            yield Measurement.against("longest_call_premises", seconds, calm, better="lower")
            continue
        if failed and lost == "soft":
            yield Measurement.against("first_error_cloud", (failed[0].ended_ns - broke) / 1e9, first)
        yield Measurement("longest_call_cloud", seconds, "s", source="no theory of its own; see back_after")
        through = next((call.ended_ns for call in calls if not call.errno and back and call.ended_ns >= back), None)
        if back is not None:
            theory = nfs.back_after(Duration(back - broke), _rtt(result))
            took = None if through is None else (through - back) / 1e9
            yield Measurement.against("back_after_routes_cloud", took, theory, better="lower")
