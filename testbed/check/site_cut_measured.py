"""The steps of a site that was cut off beside theory, and what clients saw of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from testbed.check import connects, flows, lookups, site_cut
from testbed.check.failover import beside
from testbed.check.site_cut import DNS, WEB, Cut, Pod
from testbed.scenario import Result
from testbed.theory import kubernetes as theory
from testbed.theory.interval import Expectation, exactly
from testbed.units import Duration
from testbed.verdict import Measurement

ASKED_WITHIN = Duration.parse("5 s")
"""How long a question waits: the default of the probe, and of resolv.conf(5)."""
STARTED = Duration.parse("30 s")
"""For a pod to be scheduled, started and among the endpoints, where its image is on the node; arbitrary."""
ENDED = Duration.parse("10 s")
"""For a kubelet to stop a pod's programs and take its network away; arbitrary."""
S = 10**9


@dataclass(frozen=True)
class Seen:
    """A run, and what much of it is judged by."""

    result: Result

    @cached_property
    def when(self) -> Cut:
        """When the network was gone."""
        return site_cut.cut(self.result.history, site_cut.PATH)

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """Of the site."""
        return site_cut.workers(self.result.plan, self.result.value("site", str))

    @cached_property
    def web(self) -> tuple[Pod, ...]:
        """The service's pods before the cut."""
        return site_cut.pods(self.result.history, WEB, self.when.broke_ns)

    @cached_property
    def cut_off(self) -> tuple[Pod, ...]:
        """Those of them that are at the site."""
        return site_cut.of_nodes(self.web, self.nodes)

    @property
    def ends_ns(self) -> int:
        """Until when what was given up was given up for the cut: a control plane that was away may do so when back."""
        return self.when.back_ns if self.controlled else self.when.healed_ns

    @cached_property
    def lost(self) -> dict[str, int]:
        """Nodes of the site that were held for lost."""
        until = self.result.history.instant("scenario.stop") if self.controlled else self.ends_ns
        return site_cut.lost(self.result.history, self.nodes, self.when.broke_ns, until)

    @cached_property
    def no_execute(self) -> dict[str, int]:
        """When those had the taint that ends pods."""
        some = {node: site_cut.tainted(self.result.history, node, self.when) for node in self.lost}
        return {node: t_ns for node, t_ns in some.items() if t_ns is not None}

    @cached_property
    def deleted(self) -> dict[str, int]:
        """When pods of the site were deleted."""
        some = {pod.name: self._deleted(pod) for pod in self.cut_off}
        return {name: t_ns for name, t_ns in some.items() if t_ns is not None}

    def _deleted(self, pod: Pod) -> int | None:
        return site_cut.deleted(self.result.history, pod.name, self.when.broke_ns, self.ends_ns)

    @cached_property
    def removed_ns(self) -> int | None:
        """When the service had none of the site's pods any more."""
        dead = site_cut.addresses(self.cut_off)
        found = site_cut.without(self.result.history, WEB, dead, self.when.broke_ns)
        return found if found is not None and found <= self.ends_ns else None

    @property
    def controlled(self) -> bool:
        """Whether the control plane was there."""
        return self.result.value("control-plane", str) == "stays"

    @property
    def near(self) -> bool:
        """Whether connections stay in their zone."""
        return self.result.value("traffic", str) == "near"

    @property
    def toleration(self) -> Duration | None:
        """Of the service's pods; ``None``: for ever."""
        value = self.result.values["toleration"]
        return value if isinstance(value, Duration) else None

    @cached_property
    def evictions(self) -> int | None:
        """How many of the site's pods are to be deleted; ``None``: that is chance."""
        outage = self.when.outage_s
        if self.toleration is None or not self.controlled or theory.keeps_ready(outage):
            return 0
        if not self.lost:
            return None
        since = [self._since_cut(t_ns) for t_ns in self.no_execute.values()]
        back = theory.back(outage).high or 0.0
        if len(since) == len(self.nodes) and outage > max(since) + self.toleration.seconds + theory.HANDLING.seconds:
            return len(self.cut_off)
        first = min(since, default=0.0) + self.toleration.seconds
        return 0 if outage + back + theory.MONITOR.seconds < first else None

    def _since_cut(self, t_ns: int) -> float:
        return (t_ns - self.when.broke_ns) / S


def measurements(result: Result) -> Iterator[Measurement]:
    """All of a run."""
    seen = Seen(result)
    yield Measurement(
        "outage", seen.when.outage_s, "s", source="by packets between nodes: the cut, and routing after it"
    )
    yield from _given_up(seen)
    yield from _evicted(seen)
    yield from _clients(seen)
    yield from _back(seen)


def _held(seen: Seen) -> Expectation | None:
    """How many nodes are to be held for lost; ``None``: that is chance, or not known."""
    if not seen.controlled:
        return exactly(0, "nodes", "who is frozen gives nothing up")
    if theory.keeps_ready(seen.when.outage_s):
        return exactly(0, "nodes", f"too short; {theory.not_ready().source}")
    if theory.loses_ready(seen.when.outage_s):
        return exactly(len(seen.nodes), "nodes", f"long enough for each; {theory.not_ready().source}")
    return None


def _given_up(seen: Seen) -> Iterator[Measurement]:
    """Nodes that are not ready, endpoints that are removed, and the taint that ends pods."""
    when = seen.when
    yield beside("nodes_held_for_lost", float(len(seen.lost)), _held(seen), "nodes")
    if not seen.controlled:
        return
    before: float | None = None
    last = 0.0
    for node, t_ns in seen.lost.items():
        last = (t_ns - when.broke_ns) / S
        yield Measurement.against(_of("not_ready", node, seen), last, theory.not_ready())
    if seen.lost:
        removed = when.since_cut(seen.removed_ns)
        yield Measurement.against("endpoints_removed", removed, theory.endpoints_removed(last))
    for node, t_ns in sorted(seen.no_execute.items(), key=lambda one: one[1]):
        at = (t_ns - when.broke_ns) / S
        lost = (seen.lost[node] - when.broke_ns) / S
        yield Measurement.against(_of("no_execute", node, seen), at, theory.no_execute(lost, before))
        before = at


def _of(name: str, node: str, seen: Seen) -> str:
    return name if len(seen.nodes) == 1 else f"{name}_{node}"


def _evicted(seen: Seen) -> Iterator[Measurement]:
    """Pods that are deleted, and whether others take their places."""
    when, wanted = seen.when, seen.evictions
    total = len(seen.cut_off)
    source = "kubernetes 1.34, taint eviction controller: pods that do not tolerate the taint so long"
    expected = None if wanted is None else exactly(wanted, "pods", source)
    yield Measurement("pods_at_site", float(total), "pods", source="of the service, before the cut")
    yield beside("pods_evicted", float(len(seen.deleted)), expected, "pods", better="")
    toleration = seen.toleration
    for node, t_ns in seen.no_execute.items():
        some = [seen.deleted[pod.name] for pod in seen.cut_off if pod.node == node and pod.name in seen.deleted]
        if some and toleration is not None:
            told = theory.evicted((t_ns - when.broke_ns) / S, toleration)
            yield Measurement.against(_of("evicted", node, seen), (max(some) - when.broke_ns) / S, told)
    if seen.deleted and wanted == total and _elsewhere(seen):
        again = site_cut.with_count(seen.result.history, WEB, len(seen.web), min(seen.deleted.values()))
        value = None if again is None else when.since_cut(again)
        yield beside("all_pods_again", value, None)
    there = site_cut.endpoints_at(seen.result.history, WEB, seen.ends_ns)
    yield beside("endpoints_at_the_end", float(len(there)), _at_the_end(seen), "pods", "higher")


def _elsewhere(seen: Seen) -> bool:
    """Whether what is deleted may run at another site."""
    return seen.result.value("spread", str) != "strict"


def _at_the_end(seen: Seen) -> Expectation | None:
    """How many endpoints the service has when the cut ends; ``None``: that is chance."""
    every, dead = len(seen.web), len(seen.cut_off)
    if not seen.lost:
        return exactly(every, "pods", "nobody has given up any")
    if seen.evictions is None:
        return None
    if seen.evictions == 0 or not _elsewhere(seen):
        return exactly(every - dead, "pods", "those of the other site: nothing else may take the place of the rest")
    late = (seen.when.back_ns - max(seen.deleted.values(), default=0)) / S
    return exactly(every, "pods", "others were started elsewhere") if late > STARTED.seconds else None


def _clients(seen: Seen) -> Iterator[Measurement]:
    """What connections and questions came to, and whether packets within the site were lost."""
    when, history = seen.when, seen.result.history
    every, dead = len(seen.web), len(seen.cut_off)
    tail_ns = when.back_ns - connects.TIMEOUT
    until_ns = tail_ns if seen.removed_ns is None else min(seen.removed_ns, tail_ns)
    for name, begin, end, unanswered in (
        ("failed_elsewhere", when.broke_ns, until_ns, 0 if seen.near else dead),
        ("failed_at_site", when.broke_ns, tail_ns, 0 if seen.near else every - dead),
    ):
        probe = site_cut.OUTSIDE if name == "failed_elsewhere" else site_cut.INSIDE
        some = connects.tried(history, probe, begin, end)
        told = theory.share(unanswered, every, some.count) if some.count else None
        yield beside(name, some.share, told, "%")
    if seen.removed_ns is not None:
        begin = seen.removed_ns + theory.PROXY + theory.HANDLING
        some = connects.tried(history, site_cut.OUTSIDE, begin, when.back_ns)
        before = connects.tried(history, site_cut.OUTSIDE, begin - theory.SYN_SENT, begin)
        told = theory.strays(before.failed, some.count) if some.count else None
        yield beside("failed_after_removal", some.share, told, "%")
    yield _names(seen)
    packets = flows.between(flows.packets(history, site_cut.WITHIN), 0, when.back_ns)
    lost = sum(packet.returned_ns is None for packet in packets)
    source = "nothing between them crosses the cut, and what nodes were told stays as it was"
    yield Measurement.against("lost_within_site", float(lost), exactly(0, "packets", source))


def _names(seen: Seen) -> Measurement:
    """Questions of a pod at the site that were not answered."""
    when, history = seen.when, seen.result.history
    servers = site_cut.pods(history, DNS, when.broke_ns)
    here = len(site_cut.of_nodes(servers, seen.nodes))
    everywhere = seen.result.value("dns", str) == "default"
    some = lookups.between(lookups.lookups(history, site_cut.NAMES), when.broke_ns, when.back_ns - ASKED_WITHIN)
    failed = sum(not each.ok for each in some)
    dead = len(servers) - here if everywhere or not here else 0
    told = theory.share(dead, len(servers), len(some)) if some and servers else None
    return beside("names_failed", 100 * failed / len(some) if some else None, told, "%")


def _back(seen: Seen) -> Iterator[Measurement]:
    """Nodes that are ready again, pods that are endpoints again, or that end, as they were told while nobody heard."""
    when, history, outage = seen.when, seen.result.history, seen.when.outage_s
    if not seen.controlled:
        works = next((event.t_ns for event in history.of("control.plane.works")), None)
        told = theory.back(outage)
        late = Expectation(None, told.low, (told.high or 0) + STARTED.seconds, "s", f"{told.source}; a pod's start")
        yield Measurement.against("pod_started_on_request", when.since_back(works), late, "lower")
        yield from _afterwards(seen)
        return
    for node in seen.lost:
        ready = when.since_back(site_cut.ready_again(history, node, when))
        yield Measurement.against(_of("ready_again", node, seen), ready, theory.back(outage), "lower")
        if node in seen.no_execute and ready is not None:
            clean = when.since_back(site_cut.untainted(history, node, when))
            yield Measurement.against(_of("untainted", node, seen), clean, theory.untainted(ready))
    kept = [pod for pod in seen.cut_off if pod.name not in seen.deleted]
    if seen.lost and kept:
        again = site_cut.with_all(history, WEB, site_cut.addresses(kept), when.healed_ns)
        yield Measurement.against("endpoints_back", when.since_back(again), theory.back(outage), "lower")
    if seen.deleted:
        ends = [site_cut.gone(history, name) for name in seen.deleted]
        last = max((t_ns for t_ns in ends if t_ns is not None), default=None) if None not in ends else None
        told = theory.back(outage)
        late = Expectation(None, told.low, (told.high or 0) + ENDED.seconds, "s", told.source)
        yield Measurement.against("evicted_pods_gone", when.since_back(last), late, "lower")
    end = history.instant("scenario.stop")
    after = len(site_cut.of_nodes(site_cut.pods(history, WEB, end), seen.nodes))
    expected = None
    if seen.evictions is not None:
        gone_over = seen.evictions if _elsewhere(seen) else 0
        source = "what runs elsewhere is not moved back" if gone_over else "pods stay where they are"
        expected = exactly(len(seen.cut_off) - gone_over, "pods", source)
    yield beside("pods_at_site_after", float(after), expected, "pods", better="")


def _afterwards(seen: Seen) -> Iterator[Measurement]:
    """What a control plane gives up once it is back, and how many of the service's pods that moves.

    Nobody could renew a lease while it was away. Its first look comes at once, and finds lost whoever is not quicker.
    """
    history, names = seen.result.history, [node.name for node in seen.result.plan.cluster_nodes]
    end = history.instant("scenario.stop")
    some = site_cut.lost(history, names, seen.when.healed_ns, end)
    source = f"by chance, at any site: {theory.FIRST_LOOK}"
    yield Measurement("nodes_held_for_lost_afterwards", float(len(some)), "nodes", source=source, better="lower")
    left = {pod.name for pod in site_cut.pods(history, WEB, end)}
    moved = sum(pod.name not in left for pod in seen.web)
    yield Measurement("pods_replaced_afterwards", float(moved), "pods", source=source, better="lower")
