"""What the logs of FRR's daemons say of their sessions. Pure: from text to state changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from testbed.daemons.base import StateChange
from testbed.daemons.stamp import to_ns
from testbed.plan.sessions import Session

_LINE = re.compile(r"(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}) [A-Z0-9]+: (?:\[[^]]*\])* ?(?P<text>.*)")
_BGP = re.compile(r"%ADJCHANGE: neighbor (?P<peer>[^(]+)\(.*?\) in vrf \S+ (?P<state>Up|Down) ?(?P<reason>.*)")
_NOTIFICATION = re.compile(r"%NOTIFICATION: (?P<way>sent|received) \w+ neighbor (?P<peer>\S+) \S+ \((?P<what>.*?)\)")
_BFD = re.compile(r"state-change: \[.*?peer:(?P<peer>\S+) .*?\] \w+ -> (?P<new>\w+)(?: reason:(?P<reason>.*))?")
_OSPF = re.compile(r"AdjChg: Nbr (?P<peer>[\d.]+).*? on (?:[\d.]+%)?(?P<on>[^\s:]+)\S*: \S+ -> (?P<new>\w+)")
_PROTOCOLS = {"bgpd": "bgp", "bfdd": "bfd", "ospfd": "ospf", "ospf6d": "ospf"}


def parse(
    node: str, logs: Mapping[str, str], sessions: Iterable[Session], starts: Iterable[tuple[int, str]] = ()
) -> list[StateChange]:
    """State changes in the logs of a router's daemons, in order of time.

    Args:
        node: the router.
        logs: daemon to what it logged.
        sessions: of the plan, for their names.
        starts: (t_ns, daemon) of each start. What was up before a start is told as down then, since a daemon that was
            killed could not say so.
    """
    names = {session.peer: session.name for session in sessions}
    changes: list[StateChange] = []
    for daemon, text in logs.items():
        notified: dict[str, str] = {}
        told = [told for line in text.splitlines() if (told := _line(daemon, line, names, notified)) is not None]
        anew = [(t_ns, "", False, "") for t_ns, started in starts if started == daemon]
        changes += _changes(node, daemon, sorted([*anew, *told], key=lambda one: one[0]))
    return sorted(changes, key=lambda change: change.t_ns)


def _line(
    daemon: str, line: str, names: Mapping[str, str], notified: dict[str, str]
) -> tuple[int, str, bool, str] | None:
    """(instant, session, whether it is up, detail) that a line tells. ``notified``: each peer's last notification."""
    match = _LINE.match(line)
    if match is None:
        return None
    t_ns, text = to_ns(match["time"]), match["text"]
    if daemon == "bgpd" and (told := _NOTIFICATION.search(text)):
        notified[told["peer"]] = f"{told['way']} {told['what']}"
    if daemon == "bgpd" and (bgp := _BGP.search(text)):
        if bgp["state"] == "Up":
            return t_ns, names.get(bgp["peer"], bgp["peer"]), True, "Established"
        reason = bgp["reason"].strip()
        said = notified.pop(bgp["peer"], "") if "Notification" in reason else ""
        return t_ns, names.get(bgp["peer"], bgp["peer"]), False, said or reason
    if daemon == "bfdd" and (bfd := _BFD.search(text)):
        detail = " ".join(filter(None, (bfd["new"], bfd["reason"])))
        return t_ns, names.get(bfd["peer"], bfd["peer"]), bfd["new"] == "up", detail
    if daemon in ("ospfd", "ospf6d") and (ospf := _OSPF.search(text)):
        name = f"{ospf['on']} {ospf['peer']}{'_6' if daemon == 'ospf6d' else ''}"
        return t_ns, name, ospf["new"] == "Full", ospf["new"]
    return None


def _changes(node: str, daemon: str, told: Iterable[tuple[int, str, bool, str]]) -> Iterable[StateChange]:
    protocol = _PROTOCOLS.get(daemon, daemon)
    alive: set[str] = set()
    for t_ns, session, up, detail in told:
        if not session:
            for name in sorted(alive):
                yield StateChange(t_ns, node, protocol, name, "down", f"{daemon} started anew")
            alive.clear()
        elif (session in alive) != up:
            (alive.add if up else alive.discard)(session)
            yield StateChange(t_ns, node, protocol, session, "up" if up else "down", detail)
