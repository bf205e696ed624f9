"""Claims about pace: steps keep to their instants, and a request to stop never falls into the middle of one."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from testbed.probe.pace import paced, read_numbers, write_numbers
from testbed.units import Duration


def test_numbers_come_back_as_they_were_written(tmp_path: Path) -> None:
    numbers = [0, -1, 2**62, 7]
    write_numbers(tmp_path / "x", numbers)
    assert read_numbers(tmp_path / "x") == numbers


def _in_a_child(tmp_path: Path, interval: Duration, run_s: float, step_s: float = 0.0) -> list[int]:
    """Instants at which steps began and ended, in a process that is then asked to stop."""
    file = tmp_path / "steps"
    pid = os.fork()
    if not pid:
        instants: list[int] = []

        def step(number: int, due: int) -> int:
            instants.append(time.time_ns())
            if step_s:
                time.sleep(step_s)
            instants.append(time.time_ns())
            return 0

        try:
            paced(interval, step)
            write_numbers(file, instants)
        finally:
            os._exit(0)
    time.sleep(run_s)
    os.kill(pid, signal.SIGTERM)
    assert os.waitpid(pid, 0)[1] == 0
    sys.stdout.flush()
    return read_numbers(file)


def test_steps_follow_each_other_at_their_interval(tmp_path: Path) -> None:
    begun = _in_a_child(tmp_path, Duration(20 * 10**6), 0.5)[::2]
    assert 15 <= len(begun) <= 27
    # However late single steps are on a busy machine, they do not add up.
    assert abs((begun[-1] - begun[0]) / (len(begun) - 1) - 20e6) < 2e6


def test_a_stop_in_a_step_waits_for_its_end(tmp_path: Path) -> None:
    instants = _in_a_child(tmp_path, Duration(10**6), 0.25, step_s=0.1)
    assert len(instants) % 2 == 0
    assert len(instants) >= 2


def test_a_stop_breaks_off_a_long_sleep(tmp_path: Path) -> None:
    begun = time.monotonic()
    assert len(_in_a_child(tmp_path, Duration(3600 * 10**9), 0.2)) == 2
    assert time.monotonic() - begun < 5
