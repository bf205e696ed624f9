"""Nodes' containers join the namespaces of their hosts: what the lab does before and after Docker plugs in its own.

Docker gives a container a default route and switches IPv6 off. A node's default route is its site's router, so ours is
taken away before, since Docker refuses a namespace that has one, and put back in place of Docker's afterwards, with the
addresses that went with IPv6.
"""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from testbed.clock import Waiter
from testbed.kubernetes.rights import left_out
from testbed.net import messages
from testbed.net.apply import Network
from testbed.net.namespace import write_sysctl
from testbed.net.netlink import Request
from testbed.plan.clusters import NODE_INTERFACE
from testbed.plan.compile_nat import DEFAULT, DEFAULT6
from testbed.plan.plan import Plan

RUNTIME = Path(__file__).parent / "programs" / "runtime.py"
ANSWER_LIMIT_S = 5.0
"""How long a runtime that has connected may take to say what it wants; arbitrary."""


class Joining:
    """Answers the runtime that creates containers, whenever the lab waits."""

    def __init__(self, network: Network, waiter: Waiter, folder: Path) -> None:
        self._network = network
        self._waiter = waiter
        self._hosts = {node.container: node.name for node in network.plan.cluster_nodes}
        self._place = folder / "joining.sock"
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self._place))
        self._socket.listen()
        self.runtime = folder / "testbed-runtime"
        self.runtime.write_text(runtime_script(self._place, left_out()), encoding="utf-8")
        self.runtime.chmod(self.runtime.stat().st_mode | stat.S_IXUSR)
        waiter.watch(self._socket.fileno(), self._answer)

    def _answer(self) -> None:
        connection, _ = self._socket.accept()
        connection.settimeout(ANSWER_LIMIT_S)
        with connection, connection.makefile("rw", encoding="utf-8") as talk:
            when, _, name = talk.readline().strip().partition(" ")
            host = self._hosts.get(name)
            if host is not None and when == "before":
                self._network.send(host, [messages.default_route_gone(host)])
                talk.write(f"/proc/{os.getpid()}/fd/{self._network.namespaces.fd(host)}")
            elif host is not None:
                self._plug_back(host)
            talk.write("\n")

    def _plug_back(self, host: str) -> None:
        plan, namespaces = self._network.plan, self._network.namespaces
        with namespaces.inside(host):
            for scope in ("all", NODE_INTERFACE):
                write_sysctl(f"net/ipv6/conf/{scope}/disable_ipv6", "0")
        self._network.send(host, [messages.default_route_gone(host)])
        self._network.send(host, [*_addresses6(plan, host), *_default_routes(plan, host)])

    def close(self) -> None:
        """Answer no more."""
        self._waiter.unwatch(self._socket.fileno())
        self._socket.close()
        self._place.unlink(missing_ok=True)


def runtime_script(place: Path, without: Sequence[str] = ()) -> str:
    """The runtime as Docker calls it: only creating a container is ours, and the rest is runc's, at once.

    ``without``: rights that no container is given; then what is started in one later is ours as well.
    """
    ours = "|".join(f'*" {word} "*' for word in ("create --bundle", *(("exec --process",) if without else ())))
    return (
        "#!/bin/sh\n"
        'case " $* " in\n'
        f"""{ours}) exec {sys.executable} -S -E {RUNTIME} {place} '{",".join(without)}' "$@" ;;\n"""
        "esac\n"
        'exec runc "$@"\n'
    )


def _default_routes(plan: Plan, host: str) -> Iterator[Request]:
    for route in plan.routes:
        if route.node == host and route.prefix in (DEFAULT, DEFAULT6):
            yield messages.route(host, route.prefix, via=route.via)


def _addresses6(plan: Plan, host: str) -> Iterator[Request]:
    for cable in plan.cables:
        if cable.node == host:
            for address in cable.addresses:
                if ":" in address:
                    yield messages.add_address(cable.index, address, host)
