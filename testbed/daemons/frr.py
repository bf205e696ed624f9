"""FRRouting: the same routing as :mod:`testbed.daemons.bird` gives, from a second, independent implementation.

Each router has its own set of FRR's daemons: zebra writes the kernel's tables; bgpd, bfdd, ospfd, ospf6d and staticd
run where the router needs them. They meet in sockets of the router's own folder, so several sets run side by side.
"""

from __future__ import annotations

import grp
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from testbed.daemons import frr_config, frr_log, process
from testbed.daemons.base import Place, StateChange
from testbed.net.namespace import Namespaces
from testbed.plan.sessions import Routing

READY_TIMEOUT_S = 10.0
"""How long one daemon may take until its socket is there; arbitrary, on the lab's clock. It takes 10 to 20 ms."""
VTY_GROUP = "frrvty"
_ENOUGH = 1 << 16


class Frr:
    """The FRR daemons of one router."""

    name = "frr"

    def __init__(self, routing: Routing) -> None:
        self.routing = routing
        self.node = routing.node
        self._sessions = (*routing.sessions, *routing.node_sessions)
        self._programs: dict[str, process.Program] = {}
        self._place: Place | None = None
        self._starts: list[tuple[int, str]] = []

    @property
    def programs(self) -> dict[str, process.Program]:
        """Each of the daemons."""
        return dict(self._programs)

    def configs(self) -> dict[str, str]:
        """A file for each daemon that the router needs, zebra's first."""
        return frr_config.render(self.routing, "")

    def start(self, namespaces: Namespaces, place: Place) -> process.Program:
        """Start all that do not run, and return bgpd (zebra, where there is no BGP) when each answers."""
        self._place = place
        place.make()
        # The record's files name no folder, so that records of two runs do not differ by theirs.
        for name, text in self.configs().items():
            (place.record / name).write_text(text, encoding="utf-8")
        for name, text in frr_config.render(self.routing, f"{place.record}/").items():
            (place.run / name).write_text(text, encoding="utf-8")
            daemon = name.removesuffix(".conf")
            if daemon not in self._programs or not self._programs[daemon].running:
                self._starts.append((time.time_ns(), daemon))
                self._programs[daemon] = self._start(namespaces, daemon, place)
        return self._programs.get("bgpd", self._programs["zebra"])

    def _start(self, namespaces: Namespaces, daemon: str, place: Place) -> process.Program:
        run = place.run
        vty = run / f"{daemon}.vty"
        vty.unlink(missing_ok=True)
        argv = [
            process.find(daemon) or daemon,
            "-f", str(run / f"{daemon}.conf"), "-i", str(run / f"{daemon}.pid"), "-z", str(run / "zserv.api"),
            "--vty_socket", str(run), "-P", "0", "-u", "root", "-g", _group(),
        ]  # fmt: skip
        if daemon == "bfdd":
            argv += ["--bfdctl", str(run / "bfdd.ctl")]
        program = process.start(
            namespaces, self.node, daemon, argv, place.record / f"{daemon}.out", environment={"TZ": "UTC"}
        )
        process.wait_until(program, vty.exists, "control socket", timeout_s=READY_TIMEOUT_S)
        return program

    def stop(self) -> None:
        """End all, zebra last: it takes its routes out of the kernel."""
        for daemon in reversed(list(self._programs)):
            self._programs[daemon].stop()

    def command(self, text: str, daemon: str = "bgpd") -> str:
        """What a daemon answers to a command, such as ``show bgp summary``."""
        assert self._place is not None, "started before"
        return _ask(self._place.run / f"{daemon}.vty", text)

    def changes(self) -> list[StateChange]:
        """Every state change logged so far."""
        return frr_log.parse(self.node, dict(self._logs()), self._sessions, self._starts)

    def _logs(self) -> Iterator[tuple[str, str]]:
        for daemon in self._programs:
            log = Path(self._place.record / f"{daemon}.log") if self._place else Path()
            if log.is_file():
                yield daemon, log.read_text(encoding="utf-8", errors="replace")


def _group() -> str:
    """Debian's FRR starts only for members of its group for vty sockets; a build without that group does not ask."""
    try:
        return grp.getgrnam(VTY_GROUP).gr_name
    except KeyError:
        return "root"


def _ask(path: Path, text: str) -> str:
    """One command over a vty socket: it ends with a zero byte, the answer with three and a status (``lib/vty.c``)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.settimeout(READY_TIMEOUT_S)
        control.connect(str(path))
        _exchange(control, "enable")
        return _exchange(control, text)


def _exchange(control: socket.socket, text: str) -> str:
    control.sendall(text.encode() + b"\0")
    data = b""
    while data[-4:-1] != b"\0\0\0":
        part = control.recv(_ENOUGH)
        if not part:
            break
        data += part
    return data[:-4].decode()
