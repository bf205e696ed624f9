"""Who does which run: workers come and go, each run is given to one at a time, and is done again if that one is lost.

No network and no clock: what happened comes in, what is to be done comes out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

LOST_MAX = 5
"""So often a run may lose its worker before it is given up: it may be what takes workers down. Arbitrary."""


@dataclass
class Worker:
    """One that has been seen. ``name`` is its own, once it has told; ``refused``: why it gets nothing."""

    address: str
    threads: int
    name: str = ""
    ready: bool = False
    refused: tuple[str, ...] = ()
    under_way: set[int] = field(default_factory=set)

    def __str__(self) -> str:
        return self.address if self.name in ("", self.address) else f"{self.name} ({self.address})"


@dataclass(frozen=True)
class Rolled:
    """What a roll call changed: who came, and who has gone with which runs."""

    came: tuple[str, ...]
    gone: tuple[Worker, ...]


class Crew:
    """The workers that are there, and the runs, by number, that are waiting or under way."""

    def __init__(self, runs: int, at_once: int | None = None) -> None:
        self.waiting = deque(range(runs))
        self.workers: dict[str, Worker] = {}
        self.lost: dict[int, list[str]] = {}
        """By run, the workers that it was lost with."""
        self._at_once = at_once

    def roll(self, there: Mapping[str, int]) -> Rolled:
        """Who is there now, with how many threads."""
        came = tuple(address for address in there if address not in self.workers)
        gone = tuple(worker for address, worker in self.workers.items() if address not in there)
        for worker in gone:
            del self.workers[worker.address]
            for run in sorted(worker.under_way):
                self.again(run, str(worker))
        for address in came:
            self.workers[address] = Worker(address, there[address])
        return Rolled(came, gone)

    def assign(self) -> list[tuple[int, str]]:
        """The runs that are to be started now, each with its worker's address: one a thread, in order."""
        given = []
        for worker in self.workers.values():
            while self._may(worker):
                run = self.waiting.popleft()
                worker.under_way.add(run)
                given.append((run, worker.address))
        return given

    def _may(self, worker: Worker) -> bool:
        free = worker.ready and not worker.refused and len(worker.under_way) < worker.threads
        return free and bool(self.waiting) and (self._at_once is None or len(self.under_way) < self._at_once)

    @property
    def under_way(self) -> list[int]:
        """The runs that workers are at."""
        return sorted(run for worker in self.workers.values() for run in worker.under_way)

    def done(self, run: int, address: str) -> None:
        """A run has ended, or is to be waited for no more."""
        if address in self.workers:
            self.workers[address].under_way.discard(run)

    def again(self, run: int, worker: str) -> None:
        """A run was lost with its worker: it is the next to be done, unless that has been too often."""
        lost = self.lost.setdefault(run, [])
        lost.append(worker)
        if len(lost) < LOST_MAX:
            self.waiting.appendleft(run)

    def given_up(self, run: int) -> str:
        """Why a run is not tried any more; empty: it is."""
        lost = self.lost.get(run, [])
        return "" if len(lost) < LOST_MAX else f"it lost its worker {len(lost)} times: {', '.join(lost)}"

    def refuse(self, address: str, reasons: tuple[str, ...]) -> None:
        """A worker gets no more runs; those that it has are given to others, and count as lost."""
        if worker := self.workers.get(address):
            worker.refused = reasons
            for run in sorted(worker.under_way):
                self.again(run, str(worker))
            worker.under_way.clear()

    def hopeless(self) -> bool:
        """Whether nobody can be expected to do any run: all that are there were refused, or there is nobody."""
        return all(worker.refused for worker in self.workers.values())
