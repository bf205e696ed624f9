"""Block devices of hosts, through the kernel's own network block device.

A volume of a class is served by a process of ours over a pair of sockets; one across the network by nbdkit, with
nbd-client at the host.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from testbed.daemons import process
from testbed.daemons.process import Program
from testbed.daemons.volume_model import Pace
from testbed.daemons.volume_server import Server
from testbed.net.namespace import Namespaces
from testbed.plan.plan import Node

NBD_SET_SOCK, NBD_SET_BLKSIZE, NBD_DO_IT, NBD_CLEAR_SOCK, NBD_SET_SIZE_BLOCKS, NBD_DISCONNECT, NBD_SET_FLAGS = (
    0xAB00, 0xAB01, 0xAB03, 0xAB04, 0xAB07, 0xAB08, 0xAB0A,
)  # fmt: skip
BLOCK = 4096
HAS_FLAGS, SEND_FLUSH = 1, 4
PORT = 10809
"""Registered with IANA for nbd; the first volume's."""
READY_S = 5.0
"""How long a device, or its server, may take to be there; arbitrary."""


class Device(Protocol):
    """A volume that is there, as long as it is not stopped."""

    device: Path

    def start(self) -> None:
        """Make the device. Raises ``OSError`` or :class:`testbed.errors.RunError`."""

    def signal(self, number: signal.Signals) -> None:
        """Send its server a signal."""

    def stop(self) -> None:
        """Take the device away. May be called twice."""


class ModelVolume:
    """A device of a class: a process that serves it, and one that lends itself to the kernel to ask."""

    def __init__(self, device: Path, size: int, pace: Pace, words: Path) -> None:
        self.device = device
        self._words = words
        self._size = size
        self._pace = pace
        self._server = 0
        self._asker = 0

    def start(self) -> None:
        """Make the device. Raises ``OSError``."""
        ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        held = os.open(self.device, os.O_RDWR)
        try:
            for request, value in (
                (NBD_CLEAR_SOCK, 0), (NBD_SET_BLKSIZE, BLOCK), (NBD_SET_SIZE_BLOCKS, int(self._size) // BLOCK),
                (NBD_SET_FLAGS, HAS_FLAGS | SEND_FLUSH), (NBD_SET_SOCK, kernels.fileno()),
            ):  # fmt: skip
                fcntl.ioctl(held, request, value)
            self._server = _fork(
                lambda: Server(ours, self._size, self._pace).serve(), self._words, kernels.fileno(), held
            )
            self._asker = _fork(lambda: fcntl.ioctl(held, NBD_DO_IT), self._words, ours.fileno())
        finally:
            os.close(held)
            ours.close()
            kernels.close()
        try:
            _wait_size(self.device, self._size)
        except OSError:
            said = self._words.read_text(encoding="utf-8") if self._words.exists() else ""
            self.stop()
            raise OSError(f"no device {self.device}: {said}") from None

    def signal(self, number: signal.Signals) -> None:
        """Send the server a signal."""
        os.kill(self._server, number)

    def stop(self) -> None:
        """Take the device away. May be called twice."""
        if not self._server:
            return
        _disconnect(self.device)
        for pid in (self._server, self._asker):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        self._server = self._asker = 0


class NetworkVolume:
    """A device whose data are in the memory of another host, across the network."""

    def __init__(
        self, device: Path, size: int, namespaces: Namespaces, client: Node, server: Node, number: int, folder: Path
    ) -> None:  # fmt: skip
        self.device = device
        self._size = size
        self._namespaces = namespaces
        self._client = client
        self._server = server
        self._port = PORT + number
        self._folder = folder
        self._programs: list[Program] = []

    def start(self) -> None:
        """Start nbdkit, then nbd-client."""
        ready = self._folder / "nbdkit.pid"
        server = self._run(
            self._server, "nbdkit", "-f", "-t", "1", "-i", self._server.address, "-p", str(self._port),
            "-P", str(ready), "memory", str(int(self._size)),
        )  # fmt: skip
        process.wait_until(server, ready.exists, "port", timeout_s=READY_S)
        # By netlink it would be the first namespace's own.
        self._run(
            self._client, "nbd-client", "-nonetlink", "-nofork", "-block-size", str(BLOCK), self._server.address,
            str(self._port), str(self.device),
        )  # fmt: skip
        _wait_size(self.device, self._size)

    def _run(self, node: Node, name: str, *words: str) -> Program:
        argv = [process.find(name) or name, *words]
        program = process.start(self._namespaces, node.name, name, argv, self._folder / f"{name}.log")
        program.expected_to_end = True
        self._programs.append(program)
        return program

    def signal(self, number: signal.Signals) -> None:
        """To nbdkit."""
        self._programs[0].signal(number)

    def stop(self) -> None:
        """End the client, then the server."""
        if self._programs:
            _disconnect(self.device)
        for program in reversed(self._programs):
            program.stop()
        self._programs.clear()


def _disconnect(device: Path) -> None:
    with contextlib.suppress(OSError):
        held = os.open(device, os.O_RDWR)
        try:
            fcntl.ioctl(held, NBD_DISCONNECT)
            fcntl.ioctl(held, NBD_CLEAR_SOCK)
        finally:
            os.close(held)


def _wait_size(device: Path, size: int) -> None:
    deadline = time.monotonic() + READY_S
    sectors = Path("/sys/block", device.name, "size")
    while int(sectors.read_text(encoding="ascii")) * 512 != size:
        if time.monotonic() > deadline:
            raise OSError(f"{device} does not get its size within {READY_S:g} s")
        time.sleep(0.01)


def _fork(work: Callable[[], object], words: Path, *without: int) -> int:
    """A child that does one thing, without descriptors that would keep the other end of a socket open."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for number in without:
            os.close(number)
        work()
        status = 0
    except BaseException:  # whatever it is: a child must never return into its parent's code
        words.write_text(traceback.format_exc(limit=5), encoding="utf-8")
    finally:
        os._exit(status)
