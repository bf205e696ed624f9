"""A sweep on the workers of one scheduler: who is there is asked each second, and each run has a worker of its own."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from distributed import Client, Future

from testbed.boot import disk
from testbed.boot.pool import Ended, Task, Told
from testbed.errors import Exit, MachineError, Problem
from testbed.remote import work
from testbed.remote.admission import Admitted, Call, Conversation, Sent, admit
from testbed.remote.crew import Crew
from testbed.remote.orders import Order
from testbed.remote.parcel import DamagedError, unpack

ROLL_S = 1.0
"""How often to ask who is there; arbitrary."""
WAIT_S = 60.0
"""How long to wait for a worker where there is none; arbitrary: a cluster starts one in less."""
SETTLE_S = 5.0
"""The same where all that are there were refused: others may have been started with them. Arbitrary."""
CHANGED = "its testbed has changed since it was asked"
UNHEARD = (Exception, asyncio.CancelledError)
"""What Dask's client raises, of many kinds, when it cannot do what it is told. Ctrl-C is none of them."""
KEPT = "what is done is kept: the same command with --out goes on from there"


@dataclass(frozen=True)
class _Expected:
    """An answer that is waited for, and what is to be done with it."""

    future: Future
    address: str
    then: Callable[[Future], None]


class Session:
    """Tasks and their orders, by number, and the workers that do them."""

    def __init__(self, client: Client, where: str, sent: Sent, orders: Sequence[Order], at_once: int | None) -> None:
        self._client, self._where, self._sent, self._orders = client, where, sent, orders
        self._crew = Crew(len(orders), at_once)
        self._happened: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._expected: dict[str, _Expected] = {}
        self._ended: dict[int, Ended] = {}
        self._tasks: Sequence[Task] = ()
        self._told = Told()
        self._rolled = 0.0
        self._hoped = time.monotonic()

    def gather(self, told: Told) -> None:
        """Wait for a worker that can work. Raises :class:`MachineError` where none comes, or all are refused."""
        self._told = told
        while not any(worker.ready for worker in self._crew.workers.values()):
            self._turn()

    def play(self, tasks: Sequence[Task], told: Told) -> list[Ended]:
        """Do all tasks. See :data:`testbed.boot.machines.Play`."""
        self._tasks, self._told = tasks, told
        while len(self._ended) < len(tasks):
            self._start()
            self._turn()
        told.changed(len(tasks), [])
        return [self._ended[number] for number in range(len(tasks))]

    def close(self) -> None:
        """Ask for nothing more. Workers end the runs that nobody waits for."""
        with contextlib.suppress(*UNHEARD):
            self._client.cancel([each.future for each in self._expected.values()])

    def _turn(self) -> None:
        """What happens next, or who is there now."""
        if time.monotonic() - self._rolled >= ROLL_S:
            self._roll_call()
        with contextlib.suppress(queue.Empty):
            future = self._happened.get(timeout=ROLL_S)
            if expected := self._expected.pop(future.key, None):
                expected.then(future)

    def _roll_call(self) -> None:
        with self._heard():
            there: Mapping[str, int] = self._client.nthreads()
        self._rolled = time.monotonic()
        rolled = self._crew.roll(there)
        for worker in rolled.gone:
            self._forget(worker.address)
            if worker.ready:
                again = f"; done again: {self._names(worker.under_way)}" if worker.under_way else ""
                self._told.said(f"worker {worker} has gone{again}")
        self._give_up()
        for address in rolled.came:
            self._talk(address, admit(address, self._sent), None)
        if not self._crew.hopeless():
            self._hoped = self._rolled
        elif self._rolled - self._hoped > (SETTLE_S if self._crew.workers else WAIT_S):
            raise MachineError(self._nobody())

    def _names(self, runs: set[int]) -> str:
        return "; ".join(self._tasks[run].name for run in sorted(runs))

    def _nobody(self) -> list[Problem]:
        refused = [worker for worker in self._crew.workers.values() if worker.refused]
        if not refused:
            hint = f"start some: dask worker {self._where.replace('dask', 'tcp', 1)} --nthreads 1; {KEPT}"
            return [Problem(f"--on {self._where}", f"no worker is there, for {WAIT_S:.0f} s", hint)]
        hint = "install the same testbed there, and remove another kernel: this one's is sent"
        return [Problem(f"worker {worker}", "; ".join(worker.refused), hint) for worker in refused]

    def _forget(self, address: str) -> None:
        """Wait for nothing of a worker any more."""
        keys = [key for key, each in self._expected.items() if each.address == address]
        with self._heard():
            self._client.cancel([self._expected.pop(key).future for key in keys])

    def _ask(self, call: Call, address: str, then: Callable[[Future], None]) -> None:
        with self._heard():
            future = self._client.submit(pickle.loads, pickle.dumps(call), workers=[address], pure=False)
            self._expected[future.key] = _Expected(future, address, then)
            future.add_done_callback(self._happened.put)

    def _talk(self, address: str, talk: Conversation, answer: object) -> None:
        """Go on with a conversation: what it asks next, or how it ended."""
        try:
            question = talk.throw(answer) if isinstance(answer, BaseException) else talk.send(answer)
        except StopIteration as end:
            self._admitted(address, end.value)
        else:
            self._ask(question, address, partial(self._answered, address, talk))

    def _answered(self, address: str, talk: Conversation, future: Future) -> None:
        self._talk(address, talk, _outcome(future))

    def _admitted(self, address: str, how: Admitted) -> None:
        worker = self._crew.workers[address]
        worker.name, worker.ready = how.name, not how.refused
        if how.refused:
            self._refuse(address, how.refused)
        else:
            at_once = f"{worker.threads} run{'s' if worker.threads > 1 else ''} at a time"
            self._told.said(f"worker {worker} is there: {at_once}")

    def _refuse(self, address: str, reasons: tuple[str, ...]) -> None:
        self._told.warned(f"worker {self._crew.workers[address]} is refused: {'; '.join(reasons)}")
        self._forget(address)
        self._crew.refuse(address, reasons)

    def _start(self) -> None:
        given = self._crew.assign()
        for run, address in given:
            call = Call(work.do, (self._orders[run],))
            self._ask(call, address, partial(self._done, run, address))
        if given:
            self._told.changed(len(self._ended), [self._tasks[run] for run in self._crew.under_way])

    def _done(self, run: int, address: str, future: Future) -> None:
        worker = str(self._crew.workers[address])
        self._crew.done(run, address)
        answer = _outcome(future)
        if not isinstance(answer, dict):
            self._lost(run, f"{worker}: {type(answer).__name__}: {answer}")
        elif answer["exit"] == Exit.MACHINE:
            self._lost(run, f"{worker}: {answer['problem']}")
            self._refuse(address, (answer["problem"],))
        elif answer["exit"] != Exit.PASS:
            self._end(run, answer["problem"])
        elif answer["source"] != self._sent.testbed.source:  # a checkout may change under a worker
            self._lost(run, f"{worker}: {CHANGED}")
            self._refuse(address, (CHANGED,))
        else:
            self._receive(run, worker, answer["parcel"])

    def _receive(self, run: int, worker: str, sent: bytes) -> None:
        directory = Path(self._tasks[run].directory)
        try:
            with disk.room(str(directory), f"make room; {KEPT}"):
                unpack(sent, directory)
        except DamagedError as error:
            self._lost(run, f"{worker}: {error}")
        else:
            self._end(run, "")

    def _lost(self, run: int, why: str) -> None:
        self._crew.again(run, why)
        self._give_up()

    def _give_up(self) -> None:
        for run in [run for run in self._crew.lost if run not in self._ended]:
            if reason := self._crew.given_up(run):
                self._end(run, reason)

    def _end(self, run: int, problem: str) -> None:
        self._ended[run] = Ended(self._tasks[run], problem)
        self._told.ended(self._ended[run])

    @contextlib.contextmanager
    def _heard(self) -> Iterator[None]:
        """Raise a scheduler that answers no more as what is lacking."""
        try:
            yield
        except UNHEARD as error:
            what = f"the scheduler answers no more: {error}"
            raise MachineError(Problem(f"--on {self._where}", what, f"start it again; {KEPT}")) from error


def _outcome(future: Future) -> object:
    """What a worker answered, or what it raised, or that nothing comes."""
    try:
        return future.result()
    except UNHEARD as error:
        return error
