"""Show what long work does: one live line on a terminal, plain lines elsewhere. Always on stderr."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Any, Self

REFRESH_S = 0.2


class Progress:
    """What is being done, and for how long; the lab's time beside wall time."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._live = sys.stderr.isatty() and not quiet
        self._begun = time.monotonic()
        self._since = self._begun
        self._text = ""
        self._lab_ns: int | None = None
        self._lab_begun_ns: int | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._live:
            self._thread = threading.Thread(target=self._refresh, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def step(self, text: str) -> None:
        """Something begins."""
        self._text, self._since = text, time.monotonic()
        if not self._live and not self._quiet:
            sys.stderr.write(f"{self._line()}\n")
            sys.stderr.flush()

    def message(self, message: dict[str, Any]) -> None:
        """One message of a running lab."""
        if message["kind"] == "booted":  # another lab, if there was one: its time begins anew
            self._lab_ns = self._lab_begun_ns = None
        if "t_ns" in message:
            self._lab_ns = int(message["t_ns"])
            if self._lab_begun_ns is None:
                self._lab_begun_ns = self._lab_ns
        if message["kind"] == "booted":
            self.step("kernel is up")
        elif message["kind"] in ("progress", "up"):
            self.step(str(message["text"]))

    def _line(self) -> str:
        now = time.monotonic()
        lab = ""
        if self._lab_ns is not None and self._lab_begun_ns is not None:
            lab = f"  lab {(self._lab_ns - self._lab_begun_ns) / 10**9:7.1f} s"
        return f"[{now - self._begun:6.1f} s{lab}] {self._text}"

    def _refresh(self) -> None:
        while not self._stop.wait(REFRESH_S):
            sys.stderr.write(f"\r\x1b[K{self._line()} ({time.monotonic() - self._since:.0f} s)"[:150])
            sys.stderr.flush()
