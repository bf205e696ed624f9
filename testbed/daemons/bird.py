"""BIRD 2: BGP, BFD, OSPF and static routes of one router."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

from testbed.daemons import process
from testbed.daemons.base import Place, StateChange
from testbed.daemons.defaults import CONNECT_DELAY_S, CONNECT_RETRY_S, OSPF_DEAD_S, OSPF_HELLO_S, SIBLING_HANDICAP
from testbed.daemons.stamp import to_ns
from testbed.net.namespace import Namespaces
from testbed.plan.plan import Routing, Session
from testbed.units import Duration

PREFIX = "bgp-"
"""Before each session's name: quoted or not, a word of BIRD's own language (a link called ``path``) is refused."""
READY_TIMEOUT_S = 10.0
CONVERGED_SCAN_S = 60
"""How often BIRD re-reads the kernel's tables in case an event was lost; its default."""
OSPF_PREFERENCE = 1
"""Below every local preference: between a site's routers iBGP carries the preference; OSPF is for what iBGP lacks."""


def render(routing: Routing, log: str) -> str:
    """bird.conf of a router. Pure."""
    return "\n".join(_lines(routing, log)) + "\n"


def _lines(routing: Routing, log: str) -> Iterator[str]:
    yield f"# {routing.node}: AS {routing.asn}"
    yield f'log "{log}" all;'
    yield 'timeformat log "%Y-%m-%dT%H:%M:%S.%6f";'
    yield f"router id {routing.router_id};"
    yield "debug protocols { states, events };"
    yield ""
    yield f"protocol device {{ scan time {CONVERGED_SCAN_S}; }}"
    for family in (4, 6):
        yield from _tables(routing, family)
    yield from _bfd(routing)
    if routing.ospf:
        yield from _ospf(routing)
    for session in routing.sessions:
        yield from _session(routing, session)


def _tables(routing: Routing, family: int) -> Iterator[str]:
    """What the router originates, its static VPN routes, and the way into the kernel."""
    mine = [prefix for prefix in routing.originate if ip_network(prefix).version == family]
    yield ""
    yield f"protocol static own{family} {{"
    yield f"  ipv{family};"
    yield from (f"  route {prefix} unreachable;" for prefix in mine)
    yield "}"
    statics = [static for static in routing.statics if ip_network(static.prefix).version == family]
    # One protocol for each interface: of two routes to one network in one protocol, only the last would count.
    for interface in dict.fromkeys(static.interface for static in statics):
        yield f"protocol static 'static{family}_{interface}' {{"
        yield f"  ipv{family};"
        for static in statics:
            if static.interface == interface:
                # BIRD compares routes of different protocols by preference; BGP routes carry theirs in _session.
                yield f'  route {static.prefix} via "{interface}" {{ preference = {static.local_pref}; }};'
        yield "}"
    multipath = f"  merge paths on limit {routing.ecmp};\n" if routing.ecmp > 1 else ""
    yield f"protocol kernel kernel{family} {{"
    yield f"{multipath}  scan time {CONVERGED_SCAN_S};"
    yield f'  ipv{family} {{ import none; export where proto != "own{family}"; }};'
    yield "}"


def _bfd(routing: Routing) -> Iterator[str]:
    detected = {s.interface: s.bfd for s in routing.sessions if s.bfd is not None}
    if not detected:
        return
    yield ""
    yield "protocol bfd {"
    for interface, bfd in detected.items():
        yield f'  interface "{interface}" {{ interval {_ms(bfd.interval)}; multiplier {bfd.multiplier}; }};'
    yield "}"


def _ospf(routing: Routing) -> Iterator[str]:
    interfaces = ", ".join(f'"{name}"' for name in routing.ospf)
    for family, version in ((4, "v2"), (6, "v3")):
        yield ""
        yield f"protocol ospf {version} ospf{family} {{"
        yield f"  ipv{family} {{"
        yield f"    preference {OSPF_PREFERENCE};"
        # Routes within the area are the site's own networks, which each router is connected to.
        yield "    import where source != RTS_OSPF;"
        yield f'    export where source ~ [ RTS_BGP, RTS_STATIC ] && proto != "own{family}" && proto !~ "ibgp_*";'
        yield "  };"
        yield f"  area 0 {{ interface {interfaces} {{ hello {OSPF_HELLO_S}; dead {OSPF_DEAD_S}; }}; }};"
        yield "}"


def _session(routing: Routing, session: Session) -> Iterator[str]:
    internal = session.local_as == session.peer_as
    own = f"own{session.family}"
    yield ""
    yield f"protocol bgp '{PREFIX}{session.name}' {{"
    yield f"  local {session.local} as {session.local_as};"
    yield f"  neighbor {session.peer} as {session.peer_as};"
    if internal:
        # Otherwise iBGP is multihop, and next hops would be looked up in a table that has no connected networks.
        yield "  direct;"
    yield f"  hold time {_s(session.hold)}; keepalive time {_s(session.keepalive)};"
    yield f"  connect delay time {CONNECT_DELAY_S}; connect retry time {CONNECT_RETRY_S}; error wait time 1, 5;"
    yield "  check link yes; graceful restart off;"
    if session.bfd is not None:
        yield "  bfd on;"
    yield f"  ipv{session.family} {{"
    if session.prefix_limit is not None:
        yield f"    import limit {session.prefix_limit} action disable;"
    # The same number as preference, so that routes of other protocols compare with it.
    if internal:
        yield "    next hop self;"
        yield "    import filter { preference = bgp_local_pref; accept; };"
        yield "    export filter {"
        yield "      if source = RTS_BGP && bgp_path.len > 0 then accept;"
        yield f'      if source = RTS_STATIC && proto != "{own}" then {{'
        yield f"        bgp_local_pref = preference - {SIBLING_HANDICAP};"
        yield "        accept;"
        yield "      }"
        yield "      reject;"
        yield "    };"
    else:
        preference = session.local_pref
        yield f"    import filter {{ bgp_local_pref = {preference}; preference = {preference}; accept; }};"
        # A site is not a transit for others unless it is meant to be: only what it originates goes out.
        hidden = "source !~ [ RTS_BGP, RTS_STATIC ]" if routing.transits else f'proto != "{own}"'
        yield f"    export filter {{ if {hidden} then reject;{_attributes(session)} accept; }};"
    yield "  };"
    yield "}"


def _attributes(session: Session) -> str:
    words = [f" bgp_med = {session.med};"] if session.med is not None else []
    words += [f" bgp_path.prepend({session.local_as});"] * session.prepend
    words += [f" bgp_community.add(({asn}, {value}));" for asn, value in session.communities]
    return "".join(words)


def _s(value: Duration) -> str:
    return f"{value // 10**9}"


def _ms(value: Duration) -> str:
    return f"{value // 10**6} ms" if value % 10**6 == 0 else f"{value // 10**3} us"


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
        for folder in (place.record, place.run):
            folder.mkdir(parents=True, exist_ok=True)
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
        return parse_log(self.node, log.read_text(encoding="utf-8"), self.routing.sessions) if log.exists() else []


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
