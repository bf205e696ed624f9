"""The sentences of a report, each computed from the record. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_network

from testbed.check.flows import Gap
from testbed.history import Event
from testbed.numbers import capital, counted, interval, listed, number, quantity, seconds, spoken
from testbed.report.lane import Lane
from testbed.report.lanes import PROTOCOLS, FaultBand, fault_words
from testbed.report.rundir import Run
from testbed.report.streams import Stream
from testbed.verdict import Judgement, Verdict

FAULTS_TOLD = 3
"""Arbitrary: more sentences than this are not read."""
OUTCOMES = {
    Verdict.PASS: "The hypothesis held.",
    Verdict.FAIL: "The hypothesis is refuted.",
    Verdict.UNKNOWN: "The hypothesis was not tested.",
}


def verdict_sentence(judgement: Judgement) -> str:
    """Why the verdict is what it is, in one sentence."""
    if judgement.verdict is not Verdict.PASS:
        return judgement.why[0].splitlines()[0] if judgement.why else "no reason was recorded"
    bounded = sum(each.low is not None or each.high is not None for each in judgement.measurements)
    rest = len(judgement.measurements) - bounded
    if not bounded:
        return f"{counted(rest, 'number')} measured, none with a bound"
    whole = "The one number with a bound lies" if bounded == 1 else f"All {bounded} numbers with a bound lie"
    return f"{whole} where theory allows" + (f"; {rest} more for information." if rest else ".")


def finding(judgement: Judgement) -> str:
    """The first number that theory bounds, which is what a scenario asks about; empty: there is none."""
    for each in judgement.measurements:
        if each.value is not None and (each.low is not None or each.high is not None):
            allowed = f"{interval(each.low, each.high)} {each.unit}".rstrip()
            return f"{capital(spoken(each.name))}: {quantity(each.value, each.unit)}. Theory allows {allowed}."
    return ""


def more_reasons(judgement: Judgement) -> list[str]:
    """What else the judgement says, beyond :func:`verdict_sentence`."""
    if judgement.verdict is Verdict.PASS or not judgement.why:
        return list(judgement.why)
    rest = judgement.why[0].partition("\n")[2].strip()
    return [*([rest] if rest else []), *judgement.why[1:]]


def topology_sentence(run: Run, bands: Sequence[FaultBand]) -> str:
    """How large the lab is, and what broke in it."""
    plan = run.plan
    sites = {node.site for node in plan.nodes if node.site}
    parts = [
        counted(len(sites), "site"), counted(sum(node.kind == "router" for node in plan.nodes), "router"),
        counted(len(plan.hosts), "host"), counted(len(plan.links), "link"),
    ]  # fmt: skip
    parts += [counted(len(plan.tunnels), "tunnel")] if plan.tunnels else []
    targets = list(dict.fromkeys(band.target for band in bands))
    broke = f"What was broken is marked: {listed(targets)}." if targets else "Nothing was broken."
    return f"{capital(listed(parts))}. {broke}"


def timeline_sentence(run: Run, found: Sequence[Lane], bands: Sequence[FaultBand], drawn: int) -> str:
    """What each fault did, and when that was over."""
    if not bands:
        changes = sum(len(row) - 1 for lane in found for row in lane.rows if row)
        length = seconds(run.since_start(run.stop_ns))
        return f"Nothing was broken in {length}; " + (
            f"{counted(changes, 'change')} of state all the same." if changes else "no session and no path changed."
        )
    if len(bands) > FAULTS_TOLD:
        some = f" The first {drawn} of {len(bands):,} faults are drawn." if drawn < len(bands) else ""
        return _many_faults_sentence(run, bands) + some
    return " ".join(_fault_sentence(run, band, _until(run, band, bands)) for band in bands)


def _many_faults_sentence(run: Run, bands: Sequence[FaultBand]) -> str:
    kinds: dict[str, list[FaultBand]] = {}
    for band in bands:
        kinds.setdefault(band.words, []).append(band)
    told = []
    for name, found in kinds.items():
        often = "once" if len(found) == 1 else f"{len(found):,} times"
        told.append(f"{name} {often}, from {found[0].start_s:.2f} s to {max(b.end_s for b in found):.2f} s")
    stood = [f"{s.who} stood still for at most {seconds(s.longest.length_s)}" for s in run.streams if s.longest]
    text = "; ".join([*told, *stood])
    return f"{text[0].upper()}{text[1:]}."


def _until(run: Run, band: FaultBand, bands: Sequence[FaultBand]) -> float:
    """When something else begins after a fault has ended."""
    later = [edge for other in bands for edge in (other.start_s, other.end_s) if edge > band.end_s]
    return min(later, default=run.since_start(run.stop_ns))


def _fault_sentence(run: Run, band: FaultBand, until: float) -> str:
    parts = [f"{band.words[0].upper()}{band.words[1:]} from {band.start_s:.2f} s"]
    for stream in run.streams:
        gap = _gap_in(run, stream, band)
        if gap is not None:
            parts.append(f"{stream.who} stood still for {seconds(gap.length_s)}")
        elif len(stream.sent_ns):
            parts.append(f"{stream.who} lost nothing")
    moved = _last_route(run, band.start_s, band.end_s)
    parts.append(f"the last route had moved after {seconds(moved)}" if moved is not None else "no route moved")
    text = "; ".join(parts) + "."
    if not band.healed:
        return f"{text} It was not healed."
    back = _last_route(run, band.end_s, until)
    return f"{text} Healed at {band.end_s:.2f} s" + (
        f"; the last route was back {seconds(back)} later." if back is not None else "; no route moved after that."
    )


def _gap_in(run: Run, stream: Stream, band: FaultBand) -> Gap | None:
    """A stream's longest gap that overlaps a fault."""
    inside = [
        gap
        for gap in stream.gaps
        if run.since_start(gap.end_ns) >= band.start_s and run.since_start(gap.start_ns) < band.end_s
    ]
    return max(inside, key=lambda gap: gap.length_s, default=None)


def _last_route(run: Run, start_s: float, end_s: float) -> float | None:
    """How long after the start of a span the last route changed within it."""
    instants = (run.since_start(event.t_ns) for event in run.history.of("route"))
    inside = [instant - start_s for instant in instants if start_s < instant <= end_s]
    return max(inside, default=None)


def notice_sentence(run: Run, bands: Sequence[FaultBand]) -> str:
    """How long each router took to act on the first fault."""
    band = bands[0]
    first: dict[str, float] = {}
    for event in run.history.of("route", *PROTOCOLS):
        instant = run.since_start(event.t_ns)
        if band.start_s < instant <= band.end_s:
            first.setdefault(str(event.fields.get("node")), instant - band.start_s)
    said = [f"{node} after {seconds(after)}" for node, after in first.items()]
    return f"The same, close up. First to act on {band.words}: {listed(said)}." if said else "The same, close up."


def rtt_sentence(run: Run, stream: Stream, bands: Sequence[FaultBand]) -> str:
    """Medians before, during and after what was broken."""
    end = run.stop_ns + 1
    if not bands:
        median = stream.median_rtt_ms(run.start_ns, end)
        return (
            f"{stream.who}: median {number(median)} ms." if median is not None else f"{stream.who}: nothing came back."
        )
    first = run.start_ns + round(bands[0].start_s * 1e9)
    healed = run.start_ns + round(max(band.end_s for band in bands) * 1e9)
    phases = [("before", run.start_ns, first), ("while it was broken", first, healed)]
    phases += [("after healing", healed, end)] if all(band.healed for band in bands) else []
    medians = [(words, stream.median_rtt_ms(begin, stop)) for words, begin, stop in phases]
    said = [
        f"{number(median)} ms {words}" if median is not None else f"nothing came back {words}"
        for words, median in medians
    ]
    return f"{stream.who}: median {listed(said)}."


def loss_sentence(stream: Stream) -> str:
    """How many packets were lost, and in how many gaps."""
    sent, lost = len(stream.sent_ns), int(stream.lost.sum())
    if not lost or stream.longest is None:
        return f"{stream.who}: none of {counted(sent, 'packet')} was lost."
    text = f"{stream.who}: {lost:,} of {counted(sent, 'packet')} lost ({number(100 * lost / sent)} %)"
    gap = stream.longest
    if len(stream.gaps) == 1:
        return f"{text}, all in one gap of {seconds(gap.length_s)}."
    longest = f"{seconds(gap.length_s)} and {counted(gap.packets, 'packet')}"
    return f"{text} in {len(stream.gaps):,} gaps, the longest {longest}."


def event_words(event: Event) -> tuple[str, str] | None:
    """(where, what) of an event; ``None`` for one that tells a reader nothing."""
    fields = event.fields
    if event.kind in PROTOCOLS:
        detail = f": {fields['detail']}" if fields.get("detail") else ""
        return str(
            fields.get("node", "")
        ), f"{PROTOCOLS[event.kind]} {fields.get('session', '')} {fields.get('state', '')}{detail}"
    if event.kind == "route":
        return _route_words(fields)
    if event.kind in ("fault.start", "fault.heal"):
        name = f"{fault_words(str(fields.get('fault')))} {fields.get('target', '')}"
        return str(fields.get("target", "")), f"{name} {'begins' if event.kind == 'fault.start' else 'is healed'}"
    if event.kind == "fault.flap":
        return str(fields.get("target", "")), f"flapping: {'down' if fields.get('on') else 'up'}"
    if event.kind == "reach":
        missed = f"does not reach {fields.get('target')} over IPv{fields.get('family')}"
        return None if fields.get("ok") else (str(fields.get("source", "")), missed)
    if event.kind == "policy.pair" and fields.get("passes") == fields.get("allowed"):
        return None
    rest = ", ".join(f"{key} {value}" for key, value in fields.items() if key != "node")
    return str(fields.get("node", "")), f"{event.kind.replace('.', ' ')}{': ' if rest else ''}{rest}"


def _route_words(fields: Mapping[str, object]) -> tuple[str, str] | None:
    prefix, via = str(fields.get("prefix")), fields.get("via")
    if ip_network(prefix, strict=False).is_link_local:
        return None
    ways = " and ".join(map(str, via)) if isinstance(via, list | tuple) else ""
    return str(fields.get("node", "")), f"{prefix} via {ways}" if ways else f"no route to {prefix}"
