"""A name asked for again and again: when, what came of it, and how old the answer was.

Questions do not wait for each other, and each is asked once: what a program's own repetitions would hide is seen.
"""

from __future__ import annotations

import array
import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from testbed.check.lookups import HEADER
from testbed.daemons.dns_question import Protocol, Question, Reply, asked, runner
from testbed.net.namespace import Namespaces
from testbed.probe.child import Child, fork
from testbed.probe.pace import quiet, read_numbers, write_numbers
from testbed.probe.place import Place
from testbed.resolvers import RESULTS
from testbed.units import Duration

COLUMNS = tuple(HEADER.split(","))
"""``result`` is a place in :data:`testbed.resolvers.RESULTS`; ``ttl`` in s, empty without an answer."""
_NO_TTL = -1
Row = tuple[int | None, ...]
Asker = Callable[[int], Awaitable[Reply]]


@dataclass
class Lookups:
    """Questions that are asked one after the other. ``finish`` gives the rows (:data:`COLUMNS`)."""

    name: str
    child: Child
    file: Path
    epoch_ns: int

    def finish(self) -> list[Row]:
        """Stop, and give a row for each question; one that was still waiting is left out.

        Raises:
            RunError: the probe's process had failed.
        """
        self.child.stop()
        some = sorted(zip(*[iter(read_numbers(self.file))] * 5, strict=True))
        return [
            (seq, sent - self.epoch_ns, done - self.epoch_ns, result, None if ttl == _NO_TTL else ttl)
            for seq, sent, done, result, ttl in some
        ]


def start(
    namespaces: Namespaces, scratch: Path, name: str, source: Place, server: Place, called: str, wanted: str,
    interval: Duration, wait: Duration, epoch_ns: int, *, protocol: Protocol = "udp",
) -> Lookups:  # fmt: skip
    """Ask each interval, whether or not those before are answered.

    Args:
        namespaces: of the lab.
        scratch: for files of the probe's process.
        name: of the probe.
        source: who asks.
        server: who is asked.
        called: name that is asked for.
        wanted: the address that is right, of the same family: its A or AAAA record is asked for.
        interval: from one question to the next.
        wait: after which a question has failed.
        epoch_ns: instant that the rows' instants count from, in ns of CLOCK_REALTIME.
        protocol: what carries questions.
    """
    file = scratch / f"{name}.lookups"
    question = Question(called, 6 if ":" in server.address else 4)

    async def one(number: int) -> Reply:
        return await asked(
            question, server.known_as, source=source.address, number=number, protocol=protocol, wait_s=wait.seconds
        )  # fmt: skip

    def work() -> None:
        quiet()
        found = array.array("q")
        with runner() as running:
            running.run(_paced(interval, one, wanted, found))
        write_numbers(file, found)

    return Lookups(name, fork(namespaces, source.node, name, scratch, work), file, epoch_ns)


async def _paced(interval: Duration, one: Asker, wanted: str, found: array.array[int]) -> None:
    """Ask until the process is asked to stop. What still waits then is cancelled, and left out."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    waiting: set[asyncio.Task[None]] = set()
    due, seq = time.time_ns(), 0
    while not stop.is_set():
        task = asyncio.create_task(_note(seq, one, wanted, found))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
        due, seq = due + interval, seq + 1
        try:
            await asyncio.wait_for(stop.wait(), max(0, due - time.time_ns()) / 1e9)
        except TimeoutError:
            continue
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def _note(seq: int, one: Asker, wanted: str, found: array.array[int]) -> None:
    reply = await one(seq)
    right = reply.result != "answer" or reply.addresses == (wanted,)
    result = RESULTS.index(reply.result if right else "wrong")
    found.extend((seq, reply.asked_ns, reply.ended_ns, result, _NO_TTL if reply.ttl is None else reply.ttl))
