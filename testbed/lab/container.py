"""The container of a cluster's node: found by asking Docker, and entered."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from testbed.errors import Problem, RunError
from testbed.kubernetes import cgroups
from testbed.net.namespace import CONTAINER, setns

CONTAINER_ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
    "container": "docker",
}  # fmt: skip
"""What its programs know. PATH is Docker's own default (moby oci/defaults.go, DefaultPathEnv)."""
ANSWERS_WITHIN_S = 5.0
"""How long Docker may take to answer; arbitrary: milliseconds, and the lab stands still meanwhile."""
SIGNALLED = 128
LEFT_ALONE = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
"""Signals that are the program's, and not of the process that waits for it."""


@dataclass(frozen=True)
class Container:
    """One that runs. ``pid``: of its first process, as seen from the lab."""

    pid: int

    def enter(self, tell: int) -> None:
        """Make this process, which is about to become a program, one of the container's.

        Only children of a process enter another namespace of processes. So this process stays outside: it writes the
        number of its child to ``tell``, waits, and ends as the child does. The child returns from here.
        """
        cgroups.join(self.pid)
        namespaces = os.pidfd_open(self.pid)
        setns(namespaces, CONTAINER)
        os.close(namespaces)
        child = os.fork()
        if child:
            _end_as(child, tell)
        os.setsid()


def _end_as(child: int, tell: int) -> NoReturn:
    for number in LEFT_ALONE:
        signal.signal(number, signal.SIG_IGN)
    os.write(tell, str(child).encode())
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))  # whoever waits for the program to begin waits for all who hold this
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os._exit(code if code >= 0 else SIGNALLED - code)


def find(docker: str, name: str, node: str) -> Container:
    """Ask Docker for the container of a node.

    Args:
        docker: path of Docker's socket.
        name: of the container.
        node: for words.

    Raises:
        RunError: there is none, or it does not run, or Docker does not answer.
    """
    try:
        state = _state(docker, name)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise RunError(Problem(f"node {node}", f"Docker does not tell of its container: {error}")) from None
    if not state.get("Running"):
        what = f"its container {name} is {state.get('Status', 'not there')}"
        raise RunError(Problem(f"node {node}", what, "testbed status says more; testbed heal ends what was broken"))
    return Container(state["Pid"])


def _state(docker: str, name: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection("docker")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(ANSWERS_WITHIN_S)
    try:
        connection.sock.connect(docker)
        connection.request("GET", f"/containers/{name}/json")
        answer = connection.getresponse()
        found = json.loads(answer.read())
    finally:
        connection.close()
    state: dict[str, Any] = found.get("State", {})
    return state
