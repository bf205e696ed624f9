"""What address translation does, as both ends see it. Leaves events."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Literal

from testbed.check.translation import PORT
from testbed.net import filters
from testbed.plan import nat as planned
from testbed.plan.nat import PlannedNat
from testbed.plan.paths import back, path
from testbed.probe import flows as many
from testbed.probe import silence as silences
from testbed.probe.attempts import large, open_tcp
from testbed.probe.silence import Silence
from testbed.run.lab import Lab
from testbed.units import Duration

SILENT_PORT, FLOWS_PORT, FRAGMENTS_PORT = 8441, 8442, 8443
"""Arbitrary; no other probe's."""
FRAGMENTED: tuple[Literal["udp", "icmp"], ...] = ("udp", "icmp")
BEYOND_MTU = 1500
"""Bytes more than fit into one packet of the path; arbitrary."""
_LOOK = Duration(10**9)
"""How often it is looked whether all have ended; arbitrary."""


def sources(lab: Lab) -> None:
    """Let each host open a TCP connection to each of another site: an event ``source`` says whom the other one saw."""
    for near, far in itertools.permutations(lab.plan.hosts, 2):
        if near.site == far.site:
            continue
        a, b = lab.probe.place(near.name, far.name), lab.probe.place(far.name, near.name)
        try:
            peer = open_tcp(lab.network.namespaces, a, b, PORT)
        except OSError as error:
            lab.note("source", source=near.name, target=far.name, to=b.known_as, seen="", error=error.errno)
        else:
            lab.note("source", source=near.name, target=far.name, to=b.known_as, seen=peer, error=0)


def fragments(lab: Lab, source: str, target: str) -> None:
    """Ask for an answer that does not fit into one packet: an event for UDP and for ICMP says whether it came."""
    near, far = lab.probe.place(source, target), lab.probe.place(target, source)
    there = path(lab.plan, source, target, 4)
    size = min(there.mtu, back(lab.plan, there, 4).mtu) + BEYOND_MTU
    for kind in FRAGMENTED:
        before = _counts(lab)
        error = large(lab.network.namespaces, kind, near, far, FRAGMENTS_PORT, size)
        dropped = sum(count - before[key] for key, count in _counts(lab).items() if "fragments" in key)
        lab.note("fragments", source=source, target=target, sort=kind, bytes=size, error=error, dropped=dropped)


def silent(lab: Lab, source: str, target: str, wanted: Sequence[Silence]) -> None:
    """Open connections and let them be silent: an event ``silence`` for each says what became of it."""
    near, far = lab.probe.place(source, target), lab.probe.place(target, source)
    before = _counts(lab)
    running = silences.start(
        lab.network.namespaces, lab.scratch, "silence", near, far, wanted, SILENT_PORT, lab.recorder.epoch_ns
    )
    while running.running:
        lab.sleep(_LOOK)
    for fate in running.finish():
        lab.note("silence", source=source, target=target, **_flat(asdict(fate)))
    lab.note("nat.counted", **{key: count - before[key] for key, count in _counts(lab).items()})


def _flat(fate: dict[str, object]) -> dict[str, object]:
    asked = fate.pop("silence")
    assert isinstance(asked, dict)
    return {
        "length_ns": asked["length"],
        "keepalive_ns": asked["keepalive"],
        "far": asked["far"],
        "udp": asked["udp"],
        **fate,
    }


def flood(lab: Lab, source: str, target: str, count: int) -> None:
    """Open so many UDP flows to one port: an event ``flows`` says how many arrived, from whom, and what was refused."""
    near, far = lab.probe.place(source, target), lab.probe.place(target, source)
    before = _counts(lab)
    running = many.start(lab.network.namespaces, lab.scratch, "flows", near, far, count, FLOWS_PORT)
    while running.running:
        lab.sleep(_LOOK)
    lab.sleep(_LOOK)  # the last ones are on their way
    seen = running.finish()
    refused = sum(count - before[key] for key, count in _counts(lab).items() if "more than" in key)
    lab.note("flows", source=source, target=target, sent=count, seen=seen, refused=refused)


def _counts(lab: Lab) -> dict[str, int]:
    """What the gateways' own rules have counted so far, by their words."""
    found: dict[str, int] = {}
    for nat in lab.plan.nats:
        counted = filters.counts(lab.network.namespaces, nat.node)
        found |= {words: counted[words] for words in _words(nat)}
    return found


def _words(nat: PlannedNat) -> Iterator[str]:
    yield planned.unknown(nat, planned.RESET)
    yield planned.unknown(nat, planned.DROPPED)
    yield from (planned.full(nat, protocol) for protocol in ("tcp", "udp", "icmp"))
    yield from (planned.fragment(nat, protocol) for protocol in ("tcp", "icmp"))
