"""Claims about waiting: what was asked for is called at its instant, in order, and what was let go is not."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from testbed.clock import Waiter
from testbed.errors import RunError
from testbed.history import Recorder
from testbed.units import Duration

MS = 10**6
AMPLE = Duration.parse("60 s")
"""What a busy machine may take for a few milliseconds of waiting."""


@pytest.fixture
def waiter(tmp_path: Path) -> Iterator[Waiter]:
    """A waiter that is closed afterwards."""
    made = Waiter(Recorder(tmp_path))
    yield made
    made.close()


def test_what_is_due_is_called_in_the_order_of_its_instants(waiter: Waiter) -> None:
    now, called = time.monotonic_ns(), list[str]()
    for name, after in (("late", 30), ("first", 10), ("same", 10), ("in an hour", 3_600_000)):
        waiter.at(now + after * MS, partial(called.append, name))
    waiter.until(lambda: "late" in called, "the last that is due", AMPLE)
    assert called == ["first", "same", "late"]
    assert time.monotonic_ns() >= now + 30 * MS


def test_waiting_is_not_cut_short_by_what_happens_meanwhile(waiter: Waiter) -> None:
    began = time.monotonic_ns()
    waiter.at(began + 5 * MS, lambda: None)
    waiter.sleep(Duration(30 * MS))
    assert time.monotonic_ns() - began >= 30 * MS


def test_a_call_may_ask_for_the_next_one(waiter: Waiter) -> None:
    began, instants = time.monotonic_ns(), list[int]()

    def again() -> None:
        instants.append(time.monotonic_ns())
        if len(instants) < 4:
            waiter.at(began + len(instants) * 10 * MS, again)

    waiter.at(began, again)
    waiter.until(lambda: len(instants) == 4, "the fourth call", AMPLE)
    assert all(instant >= began + number * 10 * MS for number, instant in enumerate(instants))


def test_a_descriptor_let_go_by_another_ones_call_is_not_called(waiter: Waiter) -> None:
    pairs = [os.pipe() for _ in range(2)]
    called: list[int] = []

    def first_of_both(which: int) -> None:
        called.append(which)
        for read, _ in pairs:
            waiter.unwatch(read)

    for which, (read, write) in enumerate(pairs):
        waiter.watch(read, partial(first_of_both, which))
        os.write(write, b"x")
    waiter.turn(10 * MS)
    assert len(called) == 1
    for ends in pairs:
        for end in ends:
            os.close(end)


def test_a_condition_that_does_not_come_true_ends_with_its_name(waiter: Waiter) -> None:
    with pytest.raises(RunError, match="the moon"):
        waiter.until(lambda: False, "the moon", Duration(10 * MS))
