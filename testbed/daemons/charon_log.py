"""What charon's log says of its tunnels. Pure: from text to state changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from testbed.daemons.base import StateChange
from testbed.daemons.stamp import to_ns

_LINE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+) \d+\[(?P<group>[A-Z0-9]+)\] "
    r"(?:<(?P<ike>[^|>]+)\|\d+> )?(?P<text>.*)"
)
_CHILD = re.compile(r"CHILD_SA (?P<child>\S+)\{(?P<id>\d+)\} state change: \w+ => (?P<state>\w+)")
_IKE_REKEYED = re.compile(r"IKE_SA (?P<ike>\S+)\[\d+\] rekeyed between")
_GAVE_UP = re.compile(r"giving up after (?P<tries>\d+) retransmits")
_CARRIES = frozenset({"INSTALLED", "UPDATING", "REKEYING", "RETRYING"})
"""States in which a CHILD_SA carries packets (``child_sa_state_t``). A REKEYED one has handed over to its successor."""
_REASON_HOLDS_NS = 10**9
"""A reason that was logged longer before belongs to something else, such as a rekey; arbitrary: usually it is 1 ms."""


@dataclass
class _Tunnel:
    """What is known of one tunnel at one place of the log."""

    alive: set[str] = field(default_factory=set)
    """Numbers of the CHILD_SAs that carry packets."""
    reason: tuple[int, str] = (0, "")


def parse(node: str, text: str, tunnels: frozenset[str]) -> list[StateChange]:
    """State changes in a log that charon wrote.

    A tunnel is up while it has a CHILD_SA that carries packets. A rekey is told as one more ``up``, with ``detail``
    saying so, since nothing is interrupted. When a charon starts anew, what the one before had is told as ``down``.
    """
    known = {name: _Tunnel() for name in sorted(tunnels)}
    changes: list[StateChange] = []
    for line in text.splitlines():
        if match := _LINE.match(line):
            t_ns = to_ns(match["time"])
            changes += (
                StateChange(t_ns, node, "ike", name, state, detail)
                for name, state, detail in _line(known, t_ns, match["group"], match["ike"] or "", match["text"])
            )
    return changes


def _line(known: dict[str, _Tunnel], t_ns: int, group: str, ike: str, text: str) -> Iterator[tuple[str, str, str]]:
    """(tunnel, state, detail) of what one line changes."""
    if group == "DMN" and "SIGTERM" in text:
        for tunnel in known.values():
            tunnel.reason = (t_ns, "charon was stopped")
    elif group == "LIB" and text.startswith("loaded plugins:"):
        for name, tunnel in known.items():
            if tunnel.alive:
                tunnel.alive.clear()
                yield name, "down", "charon started anew"
    elif (match := _CHILD.match(text)) and match["child"] in known:
        yield from _child(known[match["child"]], match["child"], t_ns, match["id"], match["state"])
    elif (match := _IKE_REKEYED.match(text)) and match["ike"] in known:
        yield match["ike"], "up", "IKE_SA rekeyed"
    elif ike in known:
        if match := _GAVE_UP.match(text):
            known[ike].reason = (t_ns, f"peer is dead: no answer to {match['tries']} retransmissions")
        elif text.startswith("received DELETE"):
            known[ike].reason = (t_ns, "deleted by the peer")


def _child(tunnel: _Tunnel, name: str, t_ns: int, number: str, state: str) -> Iterator[tuple[str, str, str]]:
    was_up = bool(tunnel.alive)
    if state in _CARRIES:
        if number not in tunnel.alive:
            tunnel.alive.add(number)
            yield name, "up", "CHILD_SA rekeyed" if was_up else "CHILD_SA established"
        return
    tunnel.alive.discard(number)
    if was_up and not tunnel.alive:
        since, reason = tunnel.reason
        yield name, "down", reason if t_ns - since <= _REASON_HOLDS_NS and reason else "closed"
