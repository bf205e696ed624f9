"""Writes that must not be lost: numbered records, each followed by fsync(2). What was acknowledged is looked for later.

Each record has a place of its own in the file, so that one that failed leaves a hole and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from testbed.net.namespace import Namespaces
from testbed.probe.child import Child, Stop, fork
from testbed.units import Duration

RECORD = 64
"""Bytes of a record; arbitrary."""
COLUMNS = ("number", "begun_ns", "ended_ns", "errno")
FILE = "records"


@dataclass
class Writer:
    """A running writer."""

    child: Child
    output: Path
    epoch_ns: int

    def finish(self) -> list[tuple[int | None, ...]]:
        """End it, and give a row for each record: ended without errno is acknowledged. Raises RunError if it failed."""
        self.child.stop()
        rows: list[tuple[int | None, ...]] = []
        for line in self.output.read_text(encoding="ascii").splitlines():
            number, begun, *rest = map(int, line.split())
            ended, errno = rest if rest else (None, None)
            rows.append(
                (number, begun - self.epoch_ns, None if ended is None else ended - self.epoch_ns, errno or None)
            )
        return rows


def start(
    namespaces: Namespaces, scratch: Path, name: str, node: str, folder: Path, interval: Duration, epoch_ns: int
) -> Writer:  # fmt: skip
    """Write a record each interval, or as soon after as the one before is through."""
    output = scratch / f"{name}.rows"
    child = fork(namespaces, node, name, scratch, lambda: _work(folder / FILE, output, interval))
    return Writer(child, output, epoch_ns)


def record(number: int) -> bytes:
    """The bytes of a record: its number, as text that fills it."""
    return f"{number:0{RECORD - 1}}\n".encode("ascii")


def present(data: bytes) -> set[int]:
    """The numbers of the records that are in a file, whole. Pure."""
    whole = (data[start : start + RECORD] for start in range(0, len(data) - RECORD + 1, RECORD))
    numbers = {int(each) for each in whole if each.strip(b"0123456789\n") == b"" and each.strip()}
    return {number for number in numbers if data[number * RECORD : (number + 1) * RECORD] == record(number)}


def lost(rows: Iterable[tuple[int | None, ...]], data: bytes) -> list[int]:
    """Records that were acknowledged and are not there. Pure."""
    there = present(data)
    return [n for n, _, ended, errno in rows if n is not None and ended is not None and not errno and n not in there]


def _work(path: Path, output: Path, interval: Duration) -> None:
    number = 0
    with output.open("w", encoding="ascii", buffering=1) as rows, contextlib.suppress(Stop):
        due = time.monotonic_ns()
        while True:
            rows.write(f"{number} {time.time_ns()} ")
            errno = _write(path, number)
            rows.write(f"{time.time_ns()} {errno}\n")
            number, due = number + 1, max(due + interval, time.monotonic_ns())
            time.sleep(max(0, due - time.monotonic_ns()) / 10**9)


def _write(path: Path, number: int) -> int:
    """Write one record and wait until it is safe. Returns 0, or the errno of what failed."""
    try:
        held = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(held, record(number), number * RECORD)
            os.fsync(held)
        finally:
            os.close(held)
    except OSError as error:
        return error.errno or 0
    return 0
