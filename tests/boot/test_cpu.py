"""Claims about which CPU a guest gets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from testbed.boot import cpu

NOBODYS = 1_000_000 + 2 * os.getpid()
"""Numbers that no machine has and no other test takes, so that nobody's guests matter."""


def test_each_guest_has_a_cpu_of_its_own_until_none_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {NOBODYS, NOBODYS + 1})
    with ExitStack() as stack:
        assert [stack.enter_context(cpu.claimed()) for _ in range(2)] == [NOBODYS, NOBODYS + 1]
        assert stack.enter_context(cpu.claimed()) in {NOBODYS, NOBODYS + 1}


def test_a_cpu_is_free_again_once_its_guest_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {NOBODYS})
    for _ in range(2):
        with cpu.claimed() as number:
            assert number == NOBODYS


def test_who_has_patience_gets_a_cpu_of_its_own_and_shares_one_when_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {NOBODYS})
    first = ExitStack()
    first.enter_context(cpu.claimed())

    def frees() -> Iterator[None]:
        yield
        first.close()
        yield
        raise AssertionError("it was free")

    with cpu.claimed(frees()) as number, cpu.claimed([None]) as shared:
        assert number == shared == NOBODYS
