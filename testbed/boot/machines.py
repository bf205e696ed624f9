"""Where many runs are done: on this machine, or on whatever else plays tasks and leaves their directories here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from testbed.boot import pool
from testbed.boot.means import means_for
from testbed.boot.pool import Ended, Task, Told
from testbed.job import Kernel
from testbed.load import Loaded
from testbed.run.needs import check

Play = Callable[[Sequence[Task], Told], list[Ended]]
"""Does all tasks and returns how each ended, in their order. The same directories, wherever the runs are done."""


class Machines(Protocol):
    """One or many."""

    def ready(self, first: Loaded, tasks: Sequence[Task], told: Told) -> AbstractContextManager[Play]:
        """Make sure that these tasks can be done, of which ``first`` is like all, before anything is touched.

        Raises:
            MachineError: with what is lacking.
            InputError: the tasks cannot be done there.
        """
        ...


@dataclass(frozen=True)
class Here:
    """This machine, so many runs at a time."""

    jobs: int
    kernel: Kernel

    @contextlib.contextmanager
    def ready(self, first: Loaded, tasks: Sequence[Task], told: Told) -> Iterator[Play]:
        """Programs, kernel and memory: once, not in every run."""
        check(first, self.kernel)
        if tasks and self.kernel == "guest":
            means_for(first.plan, told.said)
        yield lambda tasks, told: pool.play(tasks, self.jobs, told)
