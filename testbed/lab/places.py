"""Where a user's program is started: in a node's namespace, in a node's container, or beside the lab's own programs."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from testbed.kernel.programs import ENVIRONMENT
from testbed.lab.container import CONTAINER_ENVIRONMENT, Container
from testbed.net.names import Names
from testbed.net.namespace import CLONE_NEWUTS, Namespaces, unshare


@dataclass(frozen=True)
class Program:
    """What is to be started.

    Attributes:
        argv: its words.
        cwd: where it would like to be.
        env: what it may know of the client's terminal.
        ends: descriptors that become its input, output and errors.
        terminal: they are a terminal's, which becomes its own.
    """

    argv: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    ends: tuple[int, int, int]
    terminal: bool

    def start(self, env: Mapping[str, str], become: Callable[[], None], cwd: str = "") -> subprocess.Popen[bytes]:
        """Start it. ``become``: what the new process does before it is the program."""

        def before_exec() -> None:
            become()
            if self.terminal:
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        where = cwd or (self.cwd if Path(self.cwd).is_dir() else "/")
        stdin, stdout, stderr = self.ends
        return subprocess.Popen(
            self.argv, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True, preexec_fn=before_exec,
            cwd=where, env={**env, **self.env},
        )  # fmt: skip


@dataclass(frozen=True)
class Started:
    """A program that runs. ``process`` ends as it does; ``group`` is the process group that signals to it go to."""

    process: subprocess.Popen[bytes]
    group: int


class Place(Protocol):
    """Where programs can be started."""

    def start(self, program: Program) -> Started:
        """Start one. Raises ``OSError`` where it cannot be started."""
        ...


@dataclass(frozen=True)
class InNode:
    """In the namespace of a node, with this machine's files."""

    namespaces: Namespaces
    node: str
    names: Names

    def start(self, program: Program) -> Started:
        """With the node's name, and the names that it knows."""

        def become() -> None:
            unshare(CLONE_NEWUTS)
            socket.sethostname(self.node)
            self.names.see(self.node)

        with self.namespaces.inside(self.node):
            process = program.start({**ENVIRONMENT, "HOSTNAME": self.node}, become)
        return Started(process, process.pid)


@dataclass(frozen=True)
class InContainer:
    """In the container of a cluster's node: its files, its processes, its namespaces."""

    container: Container

    def start(self, program: Program) -> Started:
        """With what a container's programs know. Another process waits outside, and ends as the program does."""
        told, tell = os.pipe()
        try:
            process = program.start(CONTAINER_ENVIRONMENT, lambda: self.container.enter(tell), cwd="/")
            # It has been told by now: Popen returns when the program has begun.
            return Started(process, int(os.read(told, 32)))
        finally:
            os.close(told)
            os.close(tell)


@dataclass(frozen=True)
class Beside:
    """Beside the lab's own programs, in no node."""

    environment: Mapping[str, str]

    def start(self, program: Program) -> Started:
        """With this environment."""
        process = program.start(self.environment, lambda: None)
        return Started(process, process.pid)
