"""Claims about bytes between a client and a descriptor: none is lost, and never too many are under way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.clock import Waiter
from testbed.history import Recorder
from testbed.lab.flow import Sink, Source
from testbed.lab.protocol import CHUNK, WINDOW

SOON_NS = 10_000_000


@pytest.fixture
def waiter(tmp_path: Path) -> Iterator[Waiter]:
    made = Waiter(Recorder(tmp_path))
    yield made
    made.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Neither end blocks; whoever is tested closes one."""
    ends = os.pipe2(os.O_NONBLOCK)
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def fill(end: int, data: bytes) -> bytes:
    """Write what fits, and return the rest."""
    try:
        while data:
            data = data[os.write(end, data) :]
    except BlockingIOError:
        pass
    return data


def test_no_more_comes_than_the_client_can_take(waiter: Waiter, pipe: tuple[int, int]) -> None:
    came: list[bytes] = []
    ended: list[bool] = []
    source = Source(waiter, pipe[0], came.append, lambda: ended.append(True))
    source.watch()
    rest = text = os.urandom(3 * WINDOW)
    for _ in range(3 * WINDOW // CHUNK):
        rest = fill(pipe[1], rest)
        waiter.turn(SOON_NS)
    before = sum(map(len, came))
    assert WINDOW <= before < WINDOW + CHUNK
    while rest:
        source.took(len(came[-1]))
        waiter.turn(SOON_NS)
        rest = fill(pipe[1], rest)
    os.close(pipe[1])
    source.took(before)
    while not ended:
        source.took(CHUNK)
        waiter.turn(SOON_NS)
    assert b"".join(came) == text
    assert not source.open


def test_what_is_not_taken_waits_and_is_told_when_it_is(waiter: Waiter, pipe: tuple[int, int]) -> None:
    taken: list[int] = []
    sink = Sink(waiter, pipe[1], taken.append)
    text = os.urandom(WINDOW)
    sink.feed(text, ends=True)
    assert 0 < sum(taken) < WINDOW and sink.open
    came = b""
    while sink.open:
        came += os.read(pipe[0], CHUNK)
        waiter.turn(SOON_NS)
    while data := os.read(pipe[0], CHUNK):
        came += data
    assert came == text and sum(taken) == WINDOW


def test_what_nobody_reads_any_more_counts_as_taken(waiter: Waiter, pipe: tuple[int, int]) -> None:
    taken: list[int] = []
    sink = Sink(waiter, pipe[1], taken.append)
    os.close(pipe[0])
    sink.feed(b"x" * CHUNK, ends=False)
    assert not sink.open
    sink.feed(b"x" * CHUNK, ends=True)
    assert taken == [CHUNK, CHUNK]
