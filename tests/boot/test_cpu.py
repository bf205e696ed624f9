"""Claims about which CPU a guest gets."""

from __future__ import annotations

import os
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
