"""Metrics and logs of a lab's cluster: brought to its nodes, watched while they arrive, and compared at both ends."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from testbed.check.monitoring import ARRIVING, ASKED
from testbed.cluster.node import ARCHIVES, IMPORT
from testbed.errors import Problem, RunError
from testbed.kubernetes import monitoring
from testbed.probe import https, lines, newest
from testbed.run.lab import Lab
from testbed.units import Duration

if TYPE_CHECKING:
    from testbed.kubernetes.cluster import Kubernetes

COLUMNS = ("series", "scraped_ns", *monitoring.WAYS)
"""Of one scrape of one target: whether the receiver has it, 1 or 0, by each way."""
CHOSEN = f'{{job=~"{"|".join(monitoring.JOBS)}"}}'
COUNTERS = (
    "prometheus_remote_storage_samples_retried_total", "prometheus_remote_storage_samples_failed_total",
    "prometheus_tsdb_out_of_order_samples_total", "prometheus_tsdb_out_of_bound_samples_total",
)  # fmt: skip
Sites = Mapping[str, str]
"""A node of each site, where what is the site's own runs."""
Samples = dict[str, set[int]]
"""Instants in ns by series, which is its labels as JSON."""


def deploy(lab: Lab, sites: Sites, at: str, scrapes: Duration, writes: Duration) -> None:
    """Put all of it on the cluster, and wait until it is ready.

    Args:
        lab: with one cluster.
        sites: a node of each.
        at: the node of what receives.
        scrapes: between two scrapes of a target, and between two fetches.
        writes: between two lines of a pod.
    """
    cluster = lab.pods.cluster()
    for each in cluster.plan.nodes:
        cluster.execute(each.name, *IMPORT, f"/{ARCHIVES['asked']}", within="300 s")
    cluster.apply(*monitoring.services(list(sites)))
    receiver = _address(cluster, monitoring.RECEIVER)
    keepers = {site: _address(cluster, monitoring.keeper(site)) for site in sites}
    collectors = {each: _address(cluster, f"{monitoring.COLLECTOR}-{each}") for each in monitoring.PROTOCOLS}
    cluster.apply(*monitoring.receiving(at, keepers, scrapes), *monitoring.collecting(at), monitoring.exporters())
    for name in (monitoring.RECEIVER, monitoring.COLLECTOR):
        lab.pods.pod(name)
    # Only now: who finds nobody there at first tries again half a minute later.
    cluster.apply(*monitoring.shippers(collectors, monitoring.writer("*")))
    for site, node in sites.items():
        targets = [each.address for each in cluster.plan.nodes if each.site == site]
        cluster.apply(
            *monitoring.keeping(site, node, targets, receiver, scrapes), monitoring.numbers(site, node, writes)
        )
    for site in sites:
        for name in (monitoring.keeper(site), monitoring.writer(site)):
            lab.pods.pod(name)
    lab.wait_until(lambda: not cluster.watching.unready(""), "all pods to be ready", "180 s")


def _address(cluster: Kubernetes, service: str) -> str:
    return str(cluster.read("v1", "Service", service)["spec"]["clusterIP"])


@contextlib.contextmanager
def arriving(lab: Lab, name: str = ARRIVING) -> Iterator[None]:
    """Ask the receiver for the newest scrape of each target that it has, while the block runs."""
    place = lab.probe.place(lab.pods.pod(monitoring.RECEIVER))
    running = newest.start(
        lab.network.namespaces, lab.scratch, name, place.node, monitoring.PORT, 'timestamp(up{way!=""})', ASKED,
        lab.recorder.epoch_ns,
    )  # fmt: skip
    lab.recorder.event("probe.start", probe=name, source=monitoring.RECEIVER, target=monitoring.RECEIVER, sort="newest")
    try:
        yield
    finally:
        series, rows = running.finish()
        lab.recorder.samples(name, newest.COLUMNS, rows)
        lab.recorder.event("probe.stop", probe=name, series=series)


def restart(lab: Lab) -> None:
    """End the programs of what receives; its kubelet starts them anew in the same pods, with what they had on disk."""
    cluster = lab.pods.cluster()
    for pod in (monitoring.RECEIVER, monitoring.COLLECTOR):
        node = str(cluster.watching.pod(pod)["spec"]["nodeName"])
        stop = f"crictl stop --timeout 1 $(crictl ps --quiet --label io.kubernetes.pod.name={pod})"
        cluster.execute(node, "sh", "-c", stop)
        lab.note("restarted", node=node, program=pod)


def compare_samples(lab: Lab, site: str, begun_ns: int, ended_ns: int) -> None:
    """Which samples of a span of the record the site's own Prometheus has, and which of them the receiver.

    Leaves samples ``scrapes-SITE`` and events ``metrics`` and ``counters``.
    """
    kept = samples(lab, monitoring.keeper(site), CHOSEN, begun_ns, ended_ns)
    came = {
        way: samples(
            lab, monitoring.RECEIVER, f'{CHOSEN[:-1]},site="{site}",way="{way}"}}', begun_ns, ended_ns
        )
        for way in monitoring.WAYS
    }  # fmt: skip
    for way, found in came.items():
        lab.recorder.event(
            "metrics", site=site, way=way, kept=_count(kept), series=len(kept), lost=_count(_without(kept, found)),
            foreign=_count(_without(found, kept)), begun_ns=begun_ns, ended_ns=ended_ns,
        )  # fmt: skip
    rows, targets = [], [key for key in sorted(kept) if json.loads(key)["__name__"] == "up"]
    for number, key in enumerate(targets):
        has = [came[way].get(key, set()) for way in monitoring.WAYS]
        rows += [(number, t_ns, *(int(t_ns in each) for each in has)) for t_ns in sorted(kept[key])]
    lab.recorder.samples(f"scrapes-{site}", COLUMNS, rows)
    lab.note("targets", site=site, series=[json.loads(key) for key in targets])


def _count(some: Samples) -> int:
    return sum(map(len, some.values()))


def _without(some: Samples, others: Samples) -> Samples:
    return {key: instants - others.get(key, set()) for key, instants in some.items()}


def samples(lab: Lab, pod: str, matcher: str, begun_ns: int, ended_ns: int) -> Samples:
    """All samples of a Prometheus in a span, in ns of the record; labels that tell site and way are left out."""
    since = lab.recorder.epoch_ns
    span = f"[{(ended_ns - begun_ns) // 10**6}ms]"
    path = f"/api/v1/query?query={quote(matcher + span)}&time={(since + ended_ns) / 10**9:.3f}"
    found: Samples = {}
    for each in json.loads(_get(lab, pod, path))["data"]["result"]:
        labels = {name: value for name, value in each["metric"].items() if name not in ("site", "way")}
        found[json.dumps(labels, sort_keys=True)] = {newest.to_ns(at) - since for at, _ in each["values"]}
    return found


def count(lab: Lab, pod: str) -> None:
    """Note what a Prometheus counted of what it sent again, gave up or refused: ``counters``."""
    found = dict.fromkeys(COUNTERS, 0.0)
    for line in _get(lab, pod, "/metrics").splitlines():
        name = line.partition("{")[0].partition(" ")[0]
        if name in found:
            found[name] += float(line.rsplit(" ", 1)[1])
    lab.note("counters", of=pod, **found)


def _get(lab: Lab, pod: str, path: str) -> str:
    node = lab.probe.place(lab.pods.pod(pod)).node
    answer = https.ask(lab.network.namespaces, node, "127.0.0.1", monitoring.PORT, https.Request("GET", path))
    if answer.status != 200:
        raise RunError(Problem(f"pod {pod}", f"answered {answer.status} to {path}", answer.error or answer.body[:200]))
    return answer.body


def written(lab: Lab, sites: Sites) -> None:
    """Note what pods have written until now, as their nodes keep it: samples ``lines-SITE``."""
    cluster, since = lab.pods.cluster(), lab.recorder.epoch_ns
    for site, node in sites.items():
        text = cluster.execute(
            node, "sh", "-c", f"cat {monitoring.LOGS}/default_{monitoring.writer(site)}_*/main/*.log"
        )
        rows = [(line.number, line.written_ns - since) for line in lines.kept(text)]
        lab.recorder.samples(f"lines-{site}", lines.WRITTEN, rows)


def collected(lab: Lab, sites: Sequence[str]) -> None:
    """Note what has come to the collector until now: samples ``lines-SITE-PROTOCOL``."""
    cluster, since = lab.pods.cluster(), lab.recorder.epoch_ns
    for protocol in monitoring.PROTOCOLS:
        text = cluster.run_in(monitoring.COLLECTOR, "cat", f"{monitoring.DATA}/{protocol}")
        found = list(lines.collected(text))
        for site in sites:
            rows = [(x.number, x.written_ns - since, x.came_ns - since) for x in found if x.site == site]
            lab.recorder.samples(f"lines-{site}-{protocol}", lines.CAME, rows)
