"""Gate 2: what each direction of each link delivers, measured before anything else uses it.

Numbered frames go into a link at one end and are seen, with the kernel's instants, at the other; all namespaces share a
clock, so one-way delay needs no synchronisation. Nothing but sending is done to the network, and send times are fixed,
not drawn, so one seed gives one receipt. What the numbers must be is said afterwards (:mod:`testbed.check.receipt`).

Each direction gets timed frames, so far apart that none meets another (delay, jitter, reordering), bursts that fit into
every queue (loss, duplicates, corruption), a flood (rate: :mod:`.flood`), and the largest frame (MTU).
"""

from __future__ import annotations

import contextlib
import errno
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median, pstdev
from typing import Any

from testbed.job import Clock
from testbed.net.apply import Network
from testbed.net.frames import FRAME, Receiver, Sender, Tally, Tap
from testbed.net.shaping import ETHERNET_HEADER
from testbed.plan.plan import DIRECTIONS, FABRIC, Direction, PlannedLink
from testbed.run.flood import Flood
from testbed.run.probing import MS, Need, need

WARM_ROUNDS, WARM_NS = 100, 30 * MS
"""How often, and each how long, a link is given to let a first frame through: a new interface drops everything until
the kernel's link watch comes round, a second after it (``net/core/link_watch.c``). The rest is for lossy links;
arbitrary."""
LINKS_AT_ONCE = 64
"""How many links are held open together, two sockets each; arbitrary."""
READ_EACH = 1000
"""Timed frames of each direction between two readings; arbitrary, and far below a tap's room."""
MTU_ROUNDS = 20
"""How often a frame of the largest size is sent before it counts as not passing; arbitrary."""
FLOODS = 0x8000_0000
"""Added to a stream's number for the frames of its flood."""


@dataclass
class Way:
    """One direction of one link while it is measured."""

    link: PlannedLink
    direction: Direction
    source: Tap
    target: Tap
    stream: int
    need: Need
    sender: Sender = field(init=False)
    tally: Tally = field(default_factory=Tally)
    sent_ns: list[int] = field(default_factory=list)
    """When each timed frame was sent."""
    sent: int = 0

    def __post_init__(self) -> None:
        self.sender = Sender(self.source, self.stream, slots=self.need.chunk)

    def send_timed(self) -> None:
        """Send one frame, and note when."""
        self.sent_ns.append(self.sender.send_one(self.sent))
        self.sent += 1


def calibrate(
    network: Network, scratch: Path, progress: Callable[[str], None], *, clock: Clock = "virtual"
) -> dict[str, Any]:
    """Measure every link of the plan, and every host's own link that was given something to do.

    To be called when the plan is applied, and before anything else sends: tunnels, daemons, probes.

    Args:
        network: applied.
        scratch: for files; so far none is needed.
        progress: told what is being measured.
        clock: on the real one fewer frames are sent, since waiting takes the user's time.

    Returns:
        What :func:`testbed.check.receipt.judge_receipt` takes. JSON's own types only; times in ns, rates in bit/s.
    """
    links = (*network.plan.links, *network.plan.access)
    found: list[dict[str, Any]] = []
    for start in range(0, len(links), LINKS_AT_ONCE):
        some = links[start : start + LINKS_AT_ONCE]
        progress(f"calibrating {', '.join(link.name for link in some[:3])}{', ...' if len(some) > 3 else ''}")
        found += _measure(network, some, clock, 2 * len(links))
    return {"clock": clock, "links": found} | ({} if network.impaired else {"impaired": False})


def _measure(network: Network, links: Sequence[PlannedLink], clock: Clock, total: int) -> list[dict[str, Any]]:
    """Measure some links; ``total``: how many ways there are in all."""
    receiver = Receiver()
    with contextlib.ExitStack() as undo:
        ways = [*_open(network, links, clock, total, undo)]
        _warm_up(ways, receiver)
        _send_timed(ways, receiver)
        found = []
        for way in ways:
            _send_bursts(way, receiver)
            counted = _counts(way)
            counted["mtu"] = _mtu(way, receiver)
            if way.link.rate:
                flood = _flood(way, receiver, clock)
                counted |= {"rate_bit_s": flood.rate(network), "rate_frames": flood.counted}
            counted["missed"] = way.target.missed()
            found.append({"link": way.link.name, "direction": way.direction} | counted)
    return found


def _open(
    network: Network, links: Sequence[PlannedLink], clock: Clock, total: int, undo: contextlib.ExitStack
) -> Iterator[Way]:
    """Taps at both ends of each link. A host's own link ends at its port of the switch, which is in the fabric."""
    for number, link in enumerate(links):
        ends = [(link.a.node, link.a.interface), (link.b.node, link.b.interface)]
        if not link.b.index:
            ends[1] = (FABRIC, link.a.port)
        taps = []
        for node, interface in ends:
            with network.namespaces.inside(node):
                taps.append(Tap(interface))
            undo.callback(taps[-1].close)
        for direction in DIRECTIONS:
            source, target = taps if direction == "a_to_b" else reversed(taps)
            wanted = need(link, link.impairment(direction), real=clock == "real", ways=total)
            yield Way(link, direction, source, target, 2 * number + (direction == "b_to_a"), wanted)


def _warm_up(ways: Sequence[Way], receiver: Receiver) -> None:
    """Send until something comes through, then forget it. A way that stays silent is measured like any other."""
    silent = list(ways)
    for _ in range(WARM_ROUNDS):
        for way in silent:
            way.sender.send(0)
        time.sleep(WARM_NS / 1e9)
        for way in silent:
            receiver.drain(way.target, way.stream, way.tally)
        silent = [way for way in silent if not way.tally.instants]
        if not silent:
            break
    time.sleep(max((way.need.reach_ns for way in ways), default=0) / 1e9)
    for way in ways:
        receiver.drain(way.target, way.stream, way.tally)
        way.tally = Tally()
        way.target.missed()


def _send_timed(ways: Sequence[Way], receiver: Receiver) -> None:
    """Ways that need as many frames, as far apart, take turns: that saves waiting."""
    alike: dict[tuple[int, int], list[Way]] = defaultdict(list)
    for way in ways:
        alike[way.need.timed, way.need.gap_ns].append(way)
    for (count, gap_ns), some in alike.items():
        for number in range(count):
            for way in some:
                way.send_timed()
            time.sleep(gap_ns / 1e9)
            if number % READ_EACH == READ_EACH - 1:
                _read(some, receiver)
        time.sleep(max(way.need.reach_ns for way in some) / 1e9)
        _read(some, receiver)


def _send_bursts(way: Way, receiver: Receiver) -> None:
    left = way.need.burst
    while left:
        count = min(left, way.need.chunk)
        way.sender.send(way.sent, count)
        way.sent += count
        left -= count
        time.sleep(way.need.pause_ns / 1e9)
        _read([way], receiver)
    time.sleep(way.need.reach_ns / 1e9)
    _read([way], receiver)


def _read(ways: Sequence[Way], receiver: Receiver) -> None:
    for way in ways:
        receiver.drain(way.target, way.stream, way.tally)


def _counts(way: Way) -> dict[str, Any]:
    """The tally in numbers. Frames that skipped the delay (``reorder``) are told by their early arrival."""
    tally, impairment = way.tally, way.link.impairment(way.direction)
    delays = [tally.instants[n] - at for n, at in enumerate(way.sent_ns) if n in tally.instants]
    early = [delay for delay in delays if impairment.reorder and delay < impairment.delay // 2]
    usual = [delay for delay in delays if not (impairment.reorder and delay < impairment.delay // 2)]
    return {
        "timed": len(way.sent_ns), "timed_arrived": len(delays), "early": len(early),
        "delay_ns": _moments(usual), "sent": way.sent, "arrived": len(tally.instants), "twice": tally.twice,
        "changed": tally.changed, "late": tally.late,
    }  # fmt: skip


def _flood(way: Way, receiver: Receiver, clock: Clock) -> Flood:
    arrived = len(way.tally.instants) + way.tally.changed
    return Flood(
        way.link, way.direction, way.source, way.target, receiver, way.stream | FLOODS, way.need.reach_ns,
        lost=1 - min(1.0, arrived / way.sent), real=clock == "real",
    )  # fmt: skip


def _moments(delays: Sequence[int]) -> dict[str, int] | None:
    if not delays:
        return None
    # The deviation around the sample's own mean, divisor n - 1, as its bounds in the receipt expect.
    spread = pstdev(delays) * (len(delays) / max(1, len(delays) - 1)) ** 0.5
    return {
        "samples": len(delays), "mean": round(fmean(delays)), "median": round(median(delays)), "sd": round(spread),
        "min": min(delays), "max": max(delays),
    }  # fmt: skip


def _mtu(way: Way, receiver: Receiver) -> int | None:
    """The largest packet that arrives; one byte more must be refused where it is sent. ``None``: none arrives."""
    if _passes(way, way.link.mtu, receiver, MTU_ROUNDS):
        return way.link.mtu + (not _refused(way, way.link.mtu + 1))
    low, high = 0, way.link.mtu
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _passes(way, middle, receiver, 3) else (low, middle)
    return low or None


def _passes(way: Way, size: int, receiver: Receiver, rounds: int) -> bool:
    """True when a frame with a packet of ``size`` bytes arrives; on a lossy link one of several."""
    if size + ETHERNET_HEADER < FRAME:
        return False
    sender = Sender(way.source, way.stream, length=size + ETHERNET_HEADER, slots=1)
    tally = Tally()
    rate_ns = (size + ETHERNET_HEADER) * 8 * 10**9 // way.link.rate if way.link.rate else 0
    for number in range(rounds):
        try:
            sender.send(number)
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                return False
            raise
        time.sleep((way.need.reach_ns + 2 * rate_ns) / 1e9)
        receiver.drain(way.target, way.stream, tally, size + ETHERNET_HEADER)
        if tally.instants:
            return True
    return False


def _refused(way: Way, size: int) -> bool:
    try:
        Sender(way.source, way.stream, length=size + ETHERNET_HEADER, slots=1).send(0)
    except OSError as error:
        return error.errno == errno.EMSGSIZE
    return False
