"""etcd: a cluster whose members are hosts of a lab, each a process of its own, their data in the lab's scratch."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from testbed.daemons import process
from testbed.daemons.go_ticks import without_clock
from testbed.daemons.process import Program
from testbed.errors import MachineError, Problem, RunError
from testbed.net.namespace import Namespaces
from testbed.plan.plan import Node
from testbed.units import Duration

CLIENT, PEER = 2379, 2380
READY_S = 60.0
"""How long a cluster may take to have a leader; arbitrary: several elections."""
ASK_S = 10.0
CLUSTER = "testbed"
LEADER_CHANGES = re.compile(r"^etcd_server_leader_changes_seen_total (\d+)", re.MULTILINE)
ENVIRONMENT = {"GOMAXPROCS": "1"}
"""A lab has one CPU, and Go would start threads for those of the host."""


class Etcd:
    """One cluster. Its members are called like their hosts."""

    def __init__(self, members: Sequence[Node], heartbeat: Duration, election: Duration) -> None:
        self.members = members
        self._heartbeat = heartbeat
        self._election = election
        self.programs: list[Program] = []

    def start(self, namespaces: Namespaces, record: Path, scratch: Path) -> None:
        """Start every member, and wait until all follow one leader.

        Raises:
            MachineError: etcd is not installed.
            RunError: a member ends, or there is no leader in time.
        """
        program = process.find("etcd")
        if program is None:
            raise MachineError(Problem("etcd", "not installed", "install etcd-server; testbed doctor says how"))
        program = without_clock(program, scratch / "program")
        for node in self.members:
            argv = [program, *arguments(node, self.members, self._heartbeat, self._election, scratch / node.name)]
            output = record / f"{node.name}.log"
            self.programs.append(
                process.start(namespaces, node.name, "etcd", argv, output, environment=ENVIRONMENT)
            )  # fmt: skip
        for node, running in zip(self.members, self.programs, strict=True):
            ready = partial(led, namespaces, node)
            process.wait_until(running, ready, "leader to follow", timeout_s=READY_S)

    def leader(self, namespaces: Namespaces) -> Node:
        """The member that leads. Raises :class:`RunError` where none does."""
        for node in self.members:
            said = status(namespaces, node)
            if said.get("leader") == said.get("header", {}).get("member_id"):
                return node
        raise RunError(Problem("etcd", "no member leads", "the members' logs in the record say why"))

    def leader_changes(self, namespaces: Namespaces) -> int:
        """How many changes of the leader the member that saw most has seen; the first election is one."""
        counts = [0]
        for node in self.members:
            found = LEADER_CHANGES.search(ask(namespaces, node, "GET", "/metrics").decode())
            counts.append(int(found.group(1)) if found else 0)
        return max(counts)

    def stop(self) -> None:
        """End every member."""
        for program in self.programs:
            program.stop()
        self.programs.clear()


def arguments(
    node: Node, members: Sequence[Node], heartbeat: Duration, election: Duration, data: Path
) -> list[str]:  # fmt: skip
    """A member's options. Pure."""
    cluster = ",".join(f"{each.name}=http://{each.address}:{PEER}" for each in members)
    client, peer = f"http://{node.address}:{CLIENT}", f"http://{node.address}:{PEER}"
    return [
        "--name", node.name, "--data-dir", str(data), "--listen-client-urls", client, "--advertise-client-urls", client,
        "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster,
        "--initial-cluster-state", "new", "--initial-cluster-token", CLUSTER, "--logger", "zap",
        "--log-outputs", "stderr",
        "--heartbeat-interval", str(heartbeat // 10**6), "--election-timeout", str(election // 10**6),
    ]  # fmt: skip


def ask(namespaces: Namespaces, node: Node, method: str, path: str, body: Mapping[str, str] | None = None) -> bytes:
    """One HTTP request to a member, from its own host. Raises ``OSError``."""
    with namespaces.inside(node.name):
        connection = http.client.HTTPConnection(node.address, CLIENT, timeout=ASK_S)
        connection.connect()
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None)
        return connection.getresponse().read()
    finally:
        connection.close()


def status(namespaces: Namespaces, node: Node) -> dict[str, Any]:
    """What a member says of itself; empty where it does not answer."""
    try:
        said: dict[str, Any] = json.loads(ask(namespaces, node, "POST", "/v3/maintenance/status", {}))
    except (OSError, ValueError, http.client.HTTPException):
        return {}
    return said


def led(namespaces: Namespaces, node: Node) -> bool:
    """Whether a member follows a leader, or leads. Its own ``/health`` allows a read one second, far RTTs do not."""
    return str(status(namespaces, node).get("leader", "0")) != "0"
