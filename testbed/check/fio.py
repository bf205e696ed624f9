"""What fio found, read from the JSON that it left in a record. Pure functions of the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from testbed.history import History

QUANTILES = {"50.000000": "p50", "99.000000": "p99", "99.900000": "p99.9"}
"""As fio names them, and as we do."""


def ways(pattern: str) -> tuple[str, ...]:
    """What a pattern of fio does: ``read``, ``write``, or both."""
    return ("read", "write") if pattern in ("rw", "randrw") else tuple(w for w in ("read", "write") if w in pattern)


@dataclass(frozen=True)
class Found:
    """One direction of a measurement.

    Attributes:
        way: ``read`` or ``write``.
        iops: requests a second.
        byte_s: bytes a second.
        mean_s: from handing a request over until it is done, on average.
        quantiles_s: the same at :data:`QUANTILES`; fio's histogram is 1.6 % coarse.
        slowest_s: the longest time of all.
        requests: how many.
        errors: of the whole job.
    """

    way: str
    iops: float
    byte_s: float
    mean_s: float
    quantiles_s: Mapping[str, float]
    slowest_s: float
    requests: int
    errors: int


COARSE = 1 / 64
"""By how much a quantile may be too large: the histogram's bins. Source: fio stat.h, FIO_IO_U_PLAT_BITS."""


def flushes_s(history: History, name: str) -> Mapping[str, float]:
    """Quantiles of fsync(2), named as :data:`QUANTILES` does; empty where it was not called."""
    said: Mapping[str, Any] = history.read_json(f"fio/{name}.json") or {}
    times = (said.get("jobs") or [{}])[0].get("sync", {}).get("lat_ns", {}).get("percentile", {})
    return {ours: times[fios] / 1e9 for fios, ours in QUANTILES.items() if fios in times}


def found(history: History, name: str, way: str = "read") -> Found | None:
    """One way (``read`` or ``write``) of the measurement of that name; ``None`` where it left nothing."""
    said: Mapping[str, Any] = history.read_json(f"fio/{name}.json") or {}
    jobs = said.get("jobs") or [{}]
    part = jobs[0].get(way) or {}
    if not part.get("total_ios"):
        return None
    percentiles = part["lat_ns"].get("percentile", {})
    return Found(
        way=way,
        iops=part["iops"],
        byte_s=part["bw_bytes"],
        mean_s=part["lat_ns"]["mean"] / 1e9,
        quantiles_s={ours: percentiles[fios] / 1e9 for fios, ours in QUANTILES.items() if fios in percentiles},
        slowest_s=part["lat_ns"]["max"] / 1e9,
        requests=part["total_ios"],
        errors=jobs[0].get("error", 0),
    )
