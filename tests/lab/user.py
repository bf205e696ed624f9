"""Somebody at a shell who keeps labs up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SMALL = str(Path(__file__).with_name("small.py"))
NAMES = str(ROOT / "topologies" / "names.py")
TESTBED = (sys.executable, "-P", "-m", "testbed")
WITHIN_S = 30.0


class User:
    """Somebody at a shell, with a runtime folder and a folder for temporary files of their own."""

    def __init__(self, home: Path) -> None:
        self.runtime, self.tmp = home / "runtime", home / "tmp"
        for folder in (self.runtime, self.tmp):
            folder.mkdir()
        self.env = {
            **os.environ, "XDG_RUNTIME_DIR": str(self.runtime), "TMPDIR": str(self.tmp), "PYTHONPATH": str(ROOT),
        }  # fmt: skip

    def words(self, *words: str) -> list[str]:
        """What is typed."""
        return [*TESTBED, *words]

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Begin a command."""
        pipe = subprocess.PIPE
        return subprocess.Popen([*TESTBED, *words], env=self.env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def run(self, *words: str, given: str | None = None, expect: int = 0, within_s: float = WITHIN_S) -> str:
        """A command from start to end: what it said on stdout, or on stderr where it fails as expected."""
        process = self.start(*words)
        try:
            out, err = process.communicate(given, timeout=within_s)
        finally:
            process.kill()
        assert process.returncode == expect, f"{words}: {process.returncode}\n{out}\n{err}"
        return out if expect == 0 else out + err

    def status(self, *words: str) -> dict[str, Any]:
        """What a lab is like."""
        found: dict[str, Any] = json.loads(self.run("status", "--json", *words))
        return found

    def lab(self, name: str) -> Path:
        """A lab's folder."""
        return self.runtime / "testbed" / "labs" / name

    def left(self) -> list[str]:
        """All that labs have left: folders, and processes of any of them."""
        found = [str(path) for path in (self.runtime / "testbed" / "labs").glob("*")]
        found += [str(path) for path in self.tmp.glob("testbed-*") if "cpus" not in path.name]
        return found + [process for process, cwd in processes() if str(self.tmp) in cwd or str(self.runtime) in cwd]


def processes() -> Iterator[tuple[str, str]]:
    """Every process of this machine that we may look at: its number, and where it is and what it was started as."""
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                yield process.name, f"{(process / 'cwd').readlink()} {words}"
            except OSError:
                continue


def until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    """Wait for something to be so."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "not so within its time"
        time.sleep(0.1)
