"""Doing something at fixed instants until asked to stop, and what is left behind: what every probe's process needs."""

from __future__ import annotations

import array
import contextlib
import gc
import itertools
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from testbed.probe.child import Stop
from testbed.units import Duration


class Asked:
    """A request to stop breaks off a sleep, but never a step: nothing is noted as sent that was not."""

    def __init__(self) -> None:
        self.to_stop = self.asleep = False
        signal.signal(signal.SIGTERM, self._handle)

    def _handle(self, signum: int, frame: object) -> None:
        self.to_stop = True
        if self.asleep:
            raise Stop


def quiet() -> None:
    """Collect no garbage in a forked probe: a collection would touch, and so copy, each page shared with the parent."""
    gc.disable()


def paced(interval: Duration, step: Callable[[int, int], int]) -> None:
    """Call ``step`` each ``interval`` until the process is asked to stop, then return.

    Late steps are made up for at once, so step n is due n intervals after the first one, however long a step takes.

    Args:
        interval: from one step to the next.
        step: takes its number and when it is due, in ns of CLOCK_REALTIME. Returns an instant that it looked at the
            clock for anyway, or 0: so that a step costs as few system calls as can be.
    """
    quiet()
    asked = Asked()
    clock, sleep = time.time_ns, time.sleep
    due = now = clock()
    with contextlib.suppress(Stop):
        for number in itertools.count():
            left = due - (now or clock())
            if left > 0:
                asked.asleep = True
                sleep(left / 1e9)
                asked.asleep = False
            if asked.to_stop:
                return
            now = step(number, due)
            due += interval


def write_numbers(file: Path, numbers: Iterable[int]) -> None:
    """What a probe's process leaves behind for the one that started it."""
    file.write_bytes(array.array("q", numbers).tobytes())


def read_numbers(file: Path) -> list[int]:
    """What :func:`write_numbers` wrote."""
    values = array.array("q")
    values.frombytes(file.read_bytes())
    return values.tolist()
