"""What address translation did, from a plan and a record: whom each end saw, and what silence cost. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from testbed.history import History
from testbed.plan.expect import OK, expect
from testbed.plan.nat import RESET, PlannedNat, unknown
from testbed.plan.paths import Path, back, path
from testbed.plan.plan import Plan
from testbed.theory import nat as theory
from testbed.units import Duration
from testbed.verdict import Measurement

FORETOLD = "testbed.plan.paths: what gateways and mapped ranges of the plan make of it"
PORT = 8440
"""Where hosts open connections to see who sees whom; arbitrary, no other probe's."""
Fields = Mapping[str, Any]
"""Of an event."""


@dataclass(frozen=True)
class Through:
    """A NAT gateway, a host that it serves and one elsewhere, and the RTTs from the first to both."""

    nat: PlannedNat
    source: str
    target: str
    to_gateway: Duration
    rtt: Duration


def through(plan: Plan) -> Through | None:
    """The first gateway, with the first pair of hosts whose connections it carries; ``None``: there is none."""
    for nat in plan.nats:
        for near in plan.hosts:
            for far in plan.hosts:
                there = path(plan, near.name, far.name, 4) if near.site != far.site else Path((), "apart")
                inside = [hop for hop in there.hops if hop.sent_as == nat.address]
                if there.stuck or not inside:
                    continue
                before = there.hops[: there.hops.index(inside[0])]
                answers = back(plan, there, 4)
                rtt = Duration(_delay(plan, there) + _delay(plan, answers))
                near_by = Duration(2 * _delay(plan, Path(before)))
                return Through(nat, near.name, far.name, near_by, rtt)
    return None


def _delay(plan: Plan, way: Path) -> int:
    """Of the links that a path takes. Ends of links are called like them; a host's own link is, too."""
    found = 0
    for link in (*plan.links, *plan.access):
        for hop in way.hops:
            for near, far, impairment in ((link.a, link.b, link.a_to_b), (link.b, link.a, link.b_to_a)):
                if (hop.node, hop.interface) == (near.node, near.interface) and hop.next == far.node:
                    found += impairment.delay
    return found


def seen_as(plan: Plan, source: str, target: str) -> str:
    """The address of ``source`` that ``target`` should see of a TCP connection; empty: there should be none."""
    if expect(plan, source, target, 4, "tcp", PORT) != OK:
        return ""
    return path(plan, source, target, 4).source


def sources(plan: Plan, history: History) -> Iterator[Measurement]:
    """How many peers saw what the plan says, and each that did not."""
    events = [event.fields for event in history.of("source")]
    wrong = [each for each in events if each["seen"] != seen_as(plan, each["source"], each["target"])]
    count = len(events) or None
    yield Measurement("sources_as_planned", count and len(events) - len(wrong), "pairs", count, count, count, FORETOLD)
    for each in wrong:
        name = f"{each['source']} to {each['target']}: seen {each['seen'] or 'nothing'}"
        yield Measurement.wrong(name, FORETOLD)


def fates(way: Through, history: History) -> Iterator[Measurement]:
    """What became of each silent connection, when connections are forgotten, and how soon a reset comes."""
    events = [event.fields for event in history.of("silence")]
    plain = [each for each in events if each["keepalive_ns"] is None and not each["far"]]
    edges = _edges(way, plain)
    for each in events:
        wanted = foretold(way, each)
        good = each["result"] == wanted and each["peer"] == way.nat.address
        if each not in edges or not good:
            yield Measurement(f"{_words(each)}: {wanted}", int(good), "connections", 1, 1, 1, _SOURCE)
    alive = [_silent_s(each) for each in plain if each["result"] == "goes on"]
    gone = [_silent_s(each) for each in plain if each["result"] == "reset"]
    edge = theory.forgotten(way.nat.idle, way.rtt)
    longest, shortest = max(alive, default=None), min(gone, default=None)
    yield Measurement("longest_silence_that_goes_on", longest, "s", edge.expected, None, edge.high, edge.source)
    yield Measurement("shortest_silence_that_is_reset", shortest, "s", edge.expected, edge.low, None, edge.source)
    times = [(each["done_ns"] - each["again_ns"]) / 1e6 for each in plain if each["result"] == "reset"]
    yield Measurement.against("reset_after", max(times, default=None), theory.reset(way.to_gateway, way.rtt))
    yield from _resets(way, history, events)


def _edges(way: Through, plain: Sequence[Fields]) -> list[Fields]:
    """The silences next to the idle timeout, below and above: two further measurements speak of these."""
    below = [each for each in plain if each["length_ns"] < way.nat.idle]
    above = [each for each in plain if each["length_ns"] >= way.nat.idle]
    some = [sorted(side, key=lambda each: abs(each["length_ns"] - way.nat.idle)) for side in (below, above)]
    return [side[0] for side in some if len(side) > 1]


def _resets(way: Through, history: History, events: Sequence[Fields]) -> Iterator[Measurement]:
    """Of each TCP connection that was forgotten the near end sends one packet more: a message, or that it closes."""
    counted = history.first("nat.counted")
    sent = None if counted is None else counted.fields[unknown(way.nat, RESET)]
    forgotten = sum(foretold(way, each) != "goes on" for each in events if not each["udp"])
    yield Measurement("resets_of_the_gateway", sent, "packets", forgotten, forgotten, forgotten, _SOURCE)


_SOURCE = "AWS VPC user guide, NAT gateways: idle for 350 s or more times out, then RST to those behind it"


def foretold(way: Through, event: Fields) -> str:
    """What should become of a connection, of :data:`testbed.probe.silence.RESULTS`."""
    length, keepalive = event["length_ns"], event["keepalive_ns"]
    if (length if keepalive is None else min(length, keepalive)) < way.nat.idle:
        return "goes on"
    return "nothing heard" if event["far"] else "reset"


def _silent_s(event: Fields) -> float:
    return float(event["again_ns"] - event["since_ns"]) / 1e9


def _words(event: Fields) -> str:
    words = f"{'UDP, ' if event['udp'] else ''}{Duration(event['length_ns'])} of silence"
    if event["keepalive_ns"] is not None:
        words += f", keepalive {Duration(event['keepalive_ns'])}"
    return words + (", the far end speaks" if event["far"] else "")


def fragments(history: History) -> Iterator[Measurement]:
    """Whether answers in fragments came: those of UDP, and of ICMP none, which the gateway dropped."""
    source = (
        "AWS VPC user guide, comparison of NAT gateways and NAT instances: fragments of UDP pass, others are dropped"
    )
    for sort, wanted in (("udp", 1), ("icmp", 0)):
        event = history.first("fragments", sort=sort)
        value = None if event is None else int(event.fields["error"] == 0)
        yield Measurement(f"answers_in_fragments_{sort}", value, "answers", wanted, wanted, wanted, source)
        if event is not None and sort == "icmp":
            yield Measurement("fragments_dropped", event.fields["dropped"], "packets", None, 1, None, source)


def unaware(history: History) -> Iterator[Measurement]:
    """How many far ends still have a connection whose near end was told that it is gone."""
    told = [event.fields for event in history.of("silence") if event.fields["result"] == "reset"]
    kept = [each for each in told if each["established"]]
    yield Measurement("far_ends_that_know_nothing_of_it", len(kept), "connections")


def flows(way: Through, history: History) -> Iterator[Measurement]:
    """How many connections to one place the gateway let through."""
    event = history.first("flows")
    if event is None:
        yield Measurement("connections_admitted", None, "flows")
        return
    seen: dict[str, int] = event.fields["seen"]
    limit = theory.admitted(way.nat.connections, event.fields["sent"])
    yield Measurement.against("connections_admitted", seen.get(way.nat.address, 0), limit)
    rest = event.fields["sent"] - int(limit.expected or 0)
    yield Measurement("connections_refused", event.fields["refused"], "flows", rest, rest, rest, limit.source)
    yield Measurement("addresses_seen", len(seen), "addresses", 1, 1, 1, "VPC user guide, NAT gateways")
