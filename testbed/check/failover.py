"""What a fail-over was like, from the record: who noticed when, what traffic lost, what TCP made of it. Pure.

Nothing heavy is imported: scenarios import this, and scenarios are loaded in the guest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from testbed.check import flows, paths
from testbed.check.cases import Case, chain, ends_of
from testbed.check.flows import Gap, Packet
from testbed.check.forecasts import Forecast
from testbed.history import History
from testbed.plan.plan import Plan
from testbed.scenario import Result
from testbed.theory import rtt
from testbed.theory.interval import Expectation
from testbed.units import Duration
from testbed.verdict import Measurement

NO_THEORY = "no theory"
NONE = Duration(0)

MARGIN_NS = 10**9
"""How far from what is broken and healed the calm before and after is looked at; arbitrary."""
NEAR_NS = 50_000_000
"""A stall that begins so shortly before healing is healing's own; arbitrary: more than a look and a round trip."""


GRAIN_NS = 10**6
"""charon's log has whole milliseconds: what healing does may look as if it had been before."""


@dataclass(frozen=True)
class Moments:
    """When what happened; instants in ns on the record's scale.

    Attributes:
        back_ns: the last change of a route of the watched traffic after healing; ``None``: none changed since the cut.
    """

    broke_ns: int
    healed_ns: int
    back_ns: int | None

    @property
    def return_s(self) -> float | None:
        """From healing until the last route changed; 0 if that was before."""
        return None if self.back_ns is None else max(0, self.back_ns - self.healed_ns) / 10**9


def moments(history: History, way: paths.Flow) -> Moments:
    """Of the first fault. Raises ``LookupError``: there was none, or it was not healed."""
    broke, healed = history.instant("fault.start"), history.instant("fault.heal")
    ended = next((event.t_ns for event in history.of("scenario.stop")), None)
    moved = [
        event.t_ns
        for event in history.of("route")
        if event.fields["prefix"] in (way.there, way.back)
        and broke <= event.t_ns and (ended is None or event.t_ns <= ended)
    ]  # fmt: skip
    return Moments(broke, healed, max(moved, default=None))


def noticed_s(history: History, plan: Plan, link: str, when: Moments) -> float | None:
    """From the cut until the later end of a link or tunnel held a session over it for dead; ``None``: it did not."""
    ends = ends_of(plan, link)
    first: dict[str, int] = {}
    for event in history.of("bfd", "bgp", "ike"):
        inside = when.broke_ns - GRAIN_NS < event.t_ns < when.healed_ns - GRAIN_NS
        if inside and event.fields["session"] == link and event.fields["state"] == "down":
            first.setdefault(event.fields["node"], event.t_ns)
    known = [first[node] for node in ends if node in first]
    return max(0, max(known) - when.broke_ns) / 10**9 if known else None


def detection(result: Result, breaks: Case, forecast: Forecast, when: Moments) -> Iterator[Measurement]:
    """How long it took to notice, beside theory; nothing where nobody did, and theory does not say that one does."""
    noticed = noticed_s(result.history, result.plan, breaks.link, when)
    if noticed is not None or forecast.noticed is not None:
        yield beside("detection", noticed, forecast.noticed)


@dataclass(frozen=True)
class Seen:
    """What a stream of packets saw.

    Attributes:
        gap: the longest stretch that begins while it is broken; ``None``: none does.
        returning: the longest that begins when it is being healed, or later.
        lost: packets, of all that.
    """

    gap: Gap | None
    returning: Gap | None
    lost: int


def seen(stream: Sequence[Packet], when: Moments) -> Seen:
    """From a second before the cut, until a second after routes are back."""
    end = max(when.healed_ns, when.back_ns or 0) + MARGIN_NS
    span = flows.between(stream, when.broke_ns - MARGIN_NS, end)
    lost = sum(packet.returned_ns is None for packet in span)
    broken: list[Gap] = []
    later: list[Gap] = []
    # What was sent up to a round trip before healing may have been lost by what healing did.
    calm = flows.between(stream, when.healed_ns - MARGIN_NS, when.healed_ns)
    under_way = max((packet.rtt_ns or 0 for packet in calm), default=0)
    for gap in flows.gaps(span):
        (broken if gap.start_ns < when.healed_ns - under_way else later).append(gap)
    return Seen(_longest(broken), _longest(later), lost)


def _longest(gaps: Sequence[Gap]) -> Gap | None:
    return max(gaps, key=lambda gap: gap.end_ns - gap.start_ns, default=None)


def after_moving_ns(stream: Sequence[Packet], when: Moments) -> int:
    """When traffic flows again while it is still broken: the end of the first gap then, or the cut if there is none."""
    span = flows.between(stream, when.broke_ns - MARGIN_NS, when.healed_ns)
    gap = flows.longest_gap(span)
    return gap.end_ns if gap else when.broke_ns


@dataclass(frozen=True)
class Connection:
    """What became of one TCP connection.

    Attributes:
        stall_s: the longest time in which bytes waited and none was acknowledged, of those that began by the end of
            the fault; 0: none worth a look.
        ended: how the kernel ended it, such as ``ECONNRESET``; empty: it lives.
        goes_on: bytes were acknowledged at the very end.
    """

    stall_s: float
    ended: str
    goes_on: bool


def connection(history: History, name: str, when: Moments) -> Connection:
    """Of a probe ``tcp_stream``."""
    rows = history.samples(name)
    stop = history.first("probe.stop", probe=name)
    looks = [(t, w, a) for t, w, a in zip(rows["t_ns"], rows["written"], rows["acked"], strict=True) if t is not None]
    longest, since, progress = 0, None, 0
    last = when.healed_ns - NEAR_NS
    for t_ns, _, acked in looks:
        if acked != progress or since is None:
            if since is not None and t_ns >= when.broke_ns and since <= last:
                longest = max(longest, t_ns - since)
            since, progress = t_ns, acked or 0
    if since is not None and since <= last:  # it never went on
        longest = max(longest, looks[-1][0] - since)
    ended = str(stop.fields.get("ended") or "") if stop else ""
    return Connection(longest / 10**9, ended, not ended and len(looks) > 1 and since == looks[-1][0])


def traffic(result: Result, name: str, breaks: Case, forecast: Forecast, when: Moments) -> Iterator[Measurement]:
    """Gap and round-trip times of a stream of packets, each beside theory."""
    packets = flows.packets(result.history, name)
    found = seen(packets, when)
    theory = forecast.gap_of(lost=found.gap is not None)
    length_s = found.gap.length_s if found.gap else 0.0
    yield beside(f"gap_{name}", length_s, theory and theory.seen_by_probes(breaks.spacing))
    calm = flows.between(packets, packets[0].sent_ns, when.broke_ns - MARGIN_NS)
    yield Measurement.against(f"rtt_p50_{name}", flows.rtt_ms(calm), ideal_rtt(result, breaks.usual), better="lower")


def beside(
    name: str, value: float | None, theory: Expectation | None, unit: str = "s", better: str = "lower"
) -> Measurement:
    """A value beside theory, whose unit it has, or beside the word that there is none."""
    if theory is None:
        return Measurement(name, value, unit, source=NO_THEORY, better=better)
    return Measurement.against(name, value, theory, better)


def ideal_rtt(result: Result, path: tuple[str, ...], extra: Duration = NONE) -> Expectation:
    """Median RTT of a path, in ms; its first link has an extra delay each way."""
    links = chain(result.plan, path)
    more = [extra, *[NONE] * len(links)]
    return rtt.median(
        (
            (Duration(x.a_to_b.delay + e), Duration(x.b_to_a.delay + e), max(x.a_to_b.jitter, x.b_to_a.jitter))
            for x, e in zip(links, more, strict=False)
        ),
        result.late,
    )
