"""Metadata: many small files are made, looked at and removed, one after the other, and each step is timed.

How many requests a share's client sent meanwhile is what the kernel itself counts (``/proc/self/mountstats``).
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from testbed.net.namespace import Namespaces
from testbed.probe.child import Child, fork

FOLDER = "files"
PHASES = ("create", "stat", "unlink")
ASIDE = ("NULL", "SEQUENCE", "RENEW", "DELEGRETURN", "TEST_STATEID", "FREE_STATEID")
"""Requests that no step waits for. Source: Linux fs/nfs: leases and delegations are looked after in the background."""


def start(
    namespaces: Namespaces, scratch: Path, name: str, node: str, folder: Path, count: int, output: Path
) -> Child:  # fmt: skip
    """Make, look at and remove ``count`` files below ``folder``; what was found is written to ``output``."""
    return fork(namespaces, node, name, scratch, lambda: _work(folder, count, output))


def _work(folder: Path, count: int, output: Path) -> None:
    place = folder / "files"
    place.mkdir()
    paths = [str(place / f"{number:06}") for number in range(count)]
    steps: Mapping[str, Callable[[str], object]] = {"create": _create, "stat": os.stat, "unlink": os.unlink}
    found = {}
    for phase in PHASES:
        _forget()
        place.stat()  # the folder itself is known again
        step, before, begun = steps[phase], _requests(folder), time.monotonic_ns()
        times = []
        for path in paths:
            since = time.monotonic_ns()
            step(path)
            times.append(time.monotonic_ns() - since)
        took = time.monotonic_ns() - begun
        after = _requests(folder)
        sent = {key: after[key] - before.get(key, 0) for key in after if after[key] > before.get(key, 0)}
        found[phase] = {"files": count, "took_ns": took, "requests": sent, "times_ns": times}
    place.rmdir()
    output.write_text(json.dumps(found) + "\n", encoding="ascii")


def _create(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))


def _forget() -> None:
    """Let the kernel forget names and attributes, so that it has to ask."""
    with contextlib.suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("2", encoding="ascii")


def _requests(mounted: Path) -> dict[str, int]:
    return requests(Path("/proc/self/mountstats").read_text(encoding="ascii"), str(mounted))


def requests(mountstats: str, mounted: str) -> dict[str, int]:
    """How often each kind of request was sent for a mount; none where it is no share. Pure."""
    found: dict[str, int] = {}
    inside = False
    for line in mountstats.splitlines():
        if line.startswith("device "):
            inside = f" mounted on {mounted} with fstype nfs" in line
        elif inside and line.startswith("\t") and ":" in line:
            kind, _, numbers = line.strip().partition(":")
            if kind.isupper() and kind not in ASIDE and len(numbers.split()) > 7:
                found[kind] = int(numbers.split()[0])
    return found
