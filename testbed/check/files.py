"""What the metadata of many small files cost, read from the JSON that the probe left. Pure functions of the record."""

from __future__ import annotations

from dataclasses import dataclass

from testbed.history import History


@dataclass(frozen=True)
class Found:
    """One phase: files a second, requests that a share's client sent for each, and each file's time, sorted."""

    files_s: float
    requests: float
    times_s: tuple[float, ...]

    def quantile(self, share: float) -> float:
        """The smallest time that so many are not above."""
        return self.times_s[min(len(self.times_s) - 1, int(share * len(self.times_s)))]


def found(history: History, name: str, phase: str) -> Found | None:
    """One phase of the measurement of that name; ``None`` where it left nothing."""
    said = (history.read_json(f"files/{name}.json") or {}).get(phase)
    if not said or not said["took_ns"]:
        return None
    times = tuple(sorted(each / 1e9 for each in said["times_ns"]))
    return Found(1e9 * said["files"] / said["took_ns"], sum(said["requests"].values()) / said["files"], times)
