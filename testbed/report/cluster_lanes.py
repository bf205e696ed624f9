"""Lanes of a run with a cluster: its nodes, its services' endpoints; and of probes that open connections. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from testbed.check.connects import COLUMNS, RESULTS
from testbed.check.site_cut import UNREACHABLE
from testbed.history import Event
from testbed.report.lane import ARRIVES, LOST, NO_ENDPOINTS, NO_EXECUTE, NOT_READY, READY, Lane, row_of
from testbed.report.rundir import Run


def cluster_lanes(run: Run) -> Iterator[Lane]:
    """Nodes, and services by their slices of endpoints: those that change while the scenario runs."""
    for kind, words, label in (("node", _node, _node_label), ("endpoints", _endpoints, _service_label)):
        changes: dict[tuple[str, str], list[tuple[int, str]]] = {}
        for event in run.history.of(f"kubernetes.{kind}"):
            key = event.fields.get("cluster", ""), event.fields["name"]
            changes.setdefault(key, []).append((event.t_ns, words(event)))
        several = len({cluster for cluster, _ in changes}) > 1
        for (cluster, name), some in changes.items():
            called = f"{label(name)}, {cluster}" if several else label(name)
            lane = Lane("Cluster", called, "state", (row_of(run, some, ""),))
            if lane.changes:
                yield lane


def _node(event: Event) -> str:
    if event.fields.get("ready"):
        return READY
    return NO_EXECUTE if UNREACHABLE in event.fields.get("taints", ()) else NOT_READY


def _node_label(name: str) -> str:
    return f"node {name}"


def _endpoints(event: Event) -> str:
    return str(len(event.fields.get("ready", ())) or NO_ENDPOINTS)


def _service_label(name: str) -> str:
    """A slice is called after its service, with some letters by chance."""
    return f"endpoints of {name.rpartition('-')[0] or name}"


def connection_lanes(run: Run) -> Iterator[Lane]:
    """When a probe's new connections came about: each counts from its opening until the next one's."""
    for begun in run.history.of("probe.start"):
        name = begun.fields.get("probe")
        if begun.fields.get("sort") != "tcp" or name not in run.history.sample_names():
            continue
        rows = run.history.samples(name)
        if tuple(rows) != COLUMNS or not rows["sent_ns"]:
            continue
        tries = [
            (sent, ARRIVES if result == RESULTS.index("ok") else LOST)
            for sent, result in zip(rows["sent_ns"], rows["result"], strict=True)
            if sent is not None
        ]
        label = f"{begun.fields.get('source')} → {begun.fields.get('target')}"
        yield Lane("Traffic", label, "probe", (row_of(run, tries, "", tries[-1][0]),))
