"""Ports of this machine's loopback that lead to the API servers of a lab's clusters.

A lab's network is not this machine's, so the supervisor carries each TCP connection by its line to the agent, which has
the other end (:mod:`testbed.lab.stream`). In each direction at most :data:`testbed.lab.protocol.WINDOW` bytes are under
way that the other side has not taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from testbed.lab.protocol import CHUNK, WINDOW, Message, pack, unpack
from testbed.lab.state import LabFolder

LOOPBACK = "127.0.0.1"
KUBECONFIG_MODE = 0o600
"""Whoever reads it may do everything in the cluster."""
CONNECTIONS_MAX = 64
"""Carried at once, of a lab; more wait for one of these to end. Arbitrary: clients share one for all they ask."""


class Carried:
    """One connection, from its client to its end in the lab.

    Args:
        reader: what the client says.
        writer: what it is told.
        pass_on: to the agent.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pass_on: Callable[[Message], None]
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._pass_on = pass_on
        self._under_way = 0
        self._room = asyncio.Event()
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()

    async def run(self) -> None:
        """Until both sides have said all. Raises what breaks the connection."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._up())
            both.create_task(self._down())

    async def _up(self) -> None:
        while data := await self._reader.read(CHUNK):
            self._under_way += len(data)
            self._pass_on({"op": "stdin", "data": pack(data)})
            while self._under_way >= WINDOW:
                self._room.clear()
                await self._room.wait()
        self._pass_on({"op": "stdin", "eof": True})

    async def _down(self) -> None:
        while data := await self._answers.get():
            self._writer.write(data)
            await self._writer.drain()
            self._pass_on({"op": "took", "bytes": len(data)})
        self._writer.write_eof()

    def take(self, message: Message) -> None:
        """One message of the agent."""
        match message["kind"]:
            case "data":
                self._answers.put_nowait(unpack(message["data"]))
            case "took":
                self._under_way -= message["bytes"]
                self._room.set()
            case "eof" | "error":
                self._answers.put_nowait(b"")


class Forwarder:
    """The ports of one lab.

    Args:
        numbers: gives each connection its own, as each client of the supervisor has one.
        pass_on: a message to the agent, for the connection of a number.
    """

    def __init__(self, numbers: Iterator[int], pass_on: Callable[[int, Message], None]) -> None:
        self._numbers = numbers
        self._pass_on = pass_on
        self._servers: list[asyncio.Server] = []
        self._carried: dict[int, Carried] = {}
        self._free = asyncio.Semaphore(CONNECTIONS_MAX)

    async def publish(self, lab: LabFolder, kubeconfigs: Mapping[str, str]) -> None:
        """For each cluster a port, and a kubeconfig that leads there, for this user alone.

        Raises:
            OSError: no port can be had, or no file be written.
        """
        from testbed.lab import kubeconfig  # late: labs without clusters need no YAML

        for cluster, text in kubeconfigs.items():
            port = await self.listen(cluster)
            opened = os.open(lab.kubeconfig(cluster), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, KUBECONFIG_MODE)
            with os.fdopen(opened, "w", encoding="utf-8") as file:
                file.write(kubeconfig.at(text, LOOPBACK, port))

    async def listen(self, cluster: str) -> int:
        """Open a port that leads to a cluster's API server, and return its number. The kernel chooses it."""
        server = await asyncio.start_server(partial(self._connected, cluster), LOOPBACK, 0)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _connected(self, cluster: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = next(self._numbers)
        try:
            async with self._free:
                carried = self._carried[number] = Carried(reader, writer, partial(self._pass_on, number))
                self._pass_on(number, {"op": "connect", "cluster": cluster})
                try:
                    with contextlib.suppress(ExceptionGroup):  # a connection that breaks is its client's affair
                        await carried.run()
                finally:
                    del self._carried[number]
                    self._pass_on(number, {"op": "gone"})
        finally:
            writer.close()

    def take(self, number: int, message: Message) -> bool:
        """One message of the agent. Returns whether it was for a connection of ours."""
        carried = self._carried.get(number)
        if carried is not None:
            carried.take(message)
        return carried is not None

    def close(self) -> None:
        """Listen no more."""
        for server in self._servers:
            server.close()
