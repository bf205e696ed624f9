"""BIRD 2: BGP, BFD, OSPF and static routes of one router."""

from __future__ import annotations

import re
import socket
from pathlib import Path

from testbed.daemons import process
from testbed.daemons.base import Place, StateChange
from testbed.daemons.bird_config import PREFIX, render
from testbed.daemons.stamp import to_ns
from testbed.net.namespace import Namespaces
from testbed.plan.sessions import Routing, Session

READY_TIMEOUT_S = 10.0

_LOG_LINE = re.compile(r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}) <[A-Z]+> (?P<text>.*)")
_STATE = re.compile(rf"{PREFIX}(?P<session>\S+): State changed to (?P<state>\w+)")
_REASON = re.compile(
    rf"{PREFIX}(?P<session>\S+): "
    r"(?P<reason>(?:Error|Received|BFD|Connection closed|Connection lost|Neighbor lost|Shutting).*)"
)
_BFD = re.compile(r"\S+: Session to (?P<peer>\S+) (?:changed state from \w+ to )?(?P<new>\w+)")
_OSPF = re.compile(r"ospf(?P<family>\d): Neighbor (?P<peer>\S+) on (?P<on>\S+) changed state from \S+ to (?P<new>\S+)")


class _Log:
    """Reads a log from its start; knows which sessions are up."""

    def __init__(self, node: str, sessions: tuple[Session, ...]) -> None:
        self.node = node
        self.bgp = {session.name for session in sessions}
        self.by_peer = {session.peer: session.name for session in sessions}
        self.up: set[tuple[str, str]] = set()
        self.reasons: dict[str, str] = {}
        self.changes: list[StateChange] = []

    def read(self, t_ns: int, text: str) -> None:
        """Take in one line."""
        if text == "device1: Initializing":
            # The first words of a BIRD. One before it that was killed said nothing of its sessions' end.
            for protocol, session in sorted(self.up):
                self._set(t_ns, protocol, session, up=False, detail="BIRD started anew")
        elif (state := _STATE.match(text)) and state["session"] in self.bgp:
            name, up = state["session"], state["state"] == "up"
            said = self.reasons.pop(name, state["state"])
            self._set(t_ns, "bgp", name, up=up, detail="Established" if up else said)
        elif bfd := _BFD.match(text):
            # A session whose BGP ended is "removed" without a change of state.
            name = self.by_peer.get(bfd["peer"], bfd["peer"])
            self._set(t_ns, "bfd", name, up=bfd["new"] == "Up", detail=bfd["new"])
        elif ospf := _OSPF.match(text):
            name = f"{ospf['on']} {ospf['peer']}{'_6' if ospf['family'] == '6' else ''}"
            self._set(t_ns, "ospf", name, up=ospf["new"] == "Full", detail=ospf["new"])
        elif (reason := _REASON.match(text)) and reason["session"] in self.bgp:
            self.reasons[reason["session"]] = reason["reason"]

    def _set(self, t_ns: int, protocol: str, session: str, *, up: bool, detail: str) -> None:
        if ((protocol, session) in self.up) == up:
            return
        (self.up.add if up else self.up.discard)((protocol, session))
        self.changes.append(StateChange(t_ns, self.node, protocol, session, "up" if up else "down", detail))


def parse_log(node: str, text: str, sessions: tuple[Session, ...]) -> list[StateChange]:
    """The state changes in a log that BIRD wrote, in order of time: its threads log past each other. Pure."""
    log = _Log(node, sessions)
    for line in text.splitlines():
        if match := _LOG_LINE.match(line):
            log.read(to_ns(match["time"]), match["text"])
    return sorted(log.changes, key=lambda change: change.t_ns)


class Bird:
    """One BIRD."""

    name = "bird"

    def __init__(self, routing: Routing) -> None:
        self.routing = routing
        self.node = routing.node
        self._sessions = (*routing.sessions, *routing.node_sessions)
        self._place: Place | None = None
        self._program: process.Program | None = None

    @property
    def programs(self) -> dict[str, process.Program]:
        """The one program."""
        return {self.name: self._program} if self._program else {}

    def configs(self) -> dict[str, str]:
        """``bird.conf``."""
        return {"bird.conf": render(self.routing, self._log())}

    def _log(self) -> str:
        return str(self._place.record / "bird.log") if self._place else "bird.log"

    def start(self, namespaces: Namespaces, place: Place) -> process.Program:
        """Start it, and return when its control socket answers."""
        self._place = place
        place.make()
        # The log's place is relative in the record, so that records of two runs do not differ by their folder.
        config = place.run / "bird.conf"
        config.write_text(self.configs()["bird.conf"], encoding="utf-8")
        (place.record / "bird.conf").write_text(render(self.routing, "bird.log"), encoding="utf-8")
        control = place.run / "bird.ctl"
        control.unlink(missing_ok=True)
        program = process.find("bird") or "bird"
        argv = [program, "-f", "-c", str(config), "-s", str(control), "-P", str(place.run / "bird.pid")]
        self._program = process.start(
            namespaces, self.node, self.name, argv, place.record / "bird.out", environment={"TZ": "UTC"}
        )
        process.wait_until(self._program, control.exists, "control socket", timeout_s=READY_TIMEOUT_S)
        return self._program

    def stop(self) -> None:
        """End it."""
        if self._program is not None:
            self._program.stop()

    def command(self, text: str) -> str:
        """What ``birdc`` would print."""
        assert self._place is not None, "started before"
        return _ask(self._place.run / "bird.ctl", text)

    def changes(self) -> list[StateChange]:
        """Every state change logged so far."""
        log = Path(self._log())
        return parse_log(self.node, log.read_text(encoding="utf-8"), self._sessions) if log.exists() else []


def _ask(path: Path, text: str) -> str:
    """One command over BIRD's control socket. Replies are lines; one that starts with ``NNNN `` ends the answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.settimeout(READY_TIMEOUT_S)
        control.connect(str(path))
        stream = control.makefile("rw", encoding="utf-8")
        stream.readline()  # the greeting
        stream.write(f"{text}\n")
        stream.flush()
        lines: list[str] = []
        for line in stream:
            numbered = re.match(r"(\d{4})([ -])(.*)", line)
            lines.append(numbered[3] if numbered else line.strip())
            if numbered and numbered[2] == " ":
                break
    return "\n".join(lines)
