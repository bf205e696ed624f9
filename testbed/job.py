"""What a run is told, wherever it runs: the same file starts it in the guest and on the host."""

from __future__ import annotations

import ctypes
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

Kernel = Literal["guest", "host"]
Clock = Literal["virtual", "real"]
TIMER_ABSTIME = 1
"""Of linux/time.h."""
NO_IMPAIRMENTS = "--no-impairments"
"""The option that leaves links as the kernel gives them."""
State = Literal["", "made", "kept"]
EVEN_NS = 5 * 10**9
"""See :func:`wait_for_even_time`; arbitrary, longer than anything takes between two of its calls."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run.

    Attributes:
        file: scenario or topology.
        settings: what the user gave with ``--set``.
        record: folder to write the record into; the only place a run writes to.
        record_source: for the guest, where on the host ``record`` is.
        seed: makes loss, jitter, timer phases and every random number in the guest.
        engine: folder with Docker and kind, which lies over the guest's file tree; empty: no cluster.
        disk: folder with the disk of Docker's data, this run's own.
        impaired: links delay, lose and limit as planned; otherwise they are as the kernel gives them.
        state: of the clusters: to be ``made``, and stopped when they are ready, or ``kept`` on the disk.
        keep_up: do not run a scenario: serve commands until told to stop.
        told: for whoever plays with the lab instead of a scenario.
    """

    file: str
    settings: dict[str, str]
    lab: str
    record: str
    seed: int
    kernel: Kernel
    clock: Clock
    plan_digest: str
    keep_up: bool = False
    record_source: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)
    engine: str = ""
    disk: str = ""
    state: State = ""
    impaired: bool = True

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def parse(cls, text: str) -> Job:
        """From JSON text."""
        return cls(**json.loads(text))


def wait_for_even_time(clock: Clock) -> None:
    """On the virtual clock, until a multiple of :data:`EVEN_NS` after boot: what comes next, begins then.

    How many system calls Python makes to find its files, and so how long that takes, depends on where they lie. The
    kernel's own timers are armed as file systems and networks are set up, and would run ahead or behind by as much.
    """
    if clock == "virtual":
        now = time.monotonic_ns()
        _sleep_until(now + -now % EVEN_NS)


class _Timespec(ctypes.Structure):
    _fields_: ClassVar = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


def _sleep_until(instant_ns: int) -> None:
    """Until an instant of CLOCK_MONOTONIC, to the nanosecond: :func:`time.sleep` takes a float, and rounds it up."""
    at = _Timespec(*divmod(instant_ns, 10**9))
    while ctypes.CDLL(None).clock_nanosleep(time.CLOCK_MONOTONIC, TIMER_ABSTIME, ctypes.byref(at), None):
        pass  # a signal came
