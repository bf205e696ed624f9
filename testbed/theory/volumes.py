"""Classes of block storage as AWS documents them: requests and bytes a second, bursts, and the time of a request.

What documents say in limits is exact here. What they say in words (single-digit milliseconds) is a band within them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from testbed.theory.interval import Expectation
from testbed.theory.storage import carried
from testbed.units import Duration, Size

KIB, MIB, TIB = 2**10, 2**20, 2**40


@dataclass(frozen=True)
class VolumeClass:
    """One class.

    Attributes:
        iops: requests a second; ``iops_max``: most that can be provisioned.
        byte_s: bytes a second, or for a class that bursts, most of it.
        counted: a request of more bytes counts as several.
        fastest, slowest: time of a request where nothing is exceeded: evenly between them.
        base_s, burst_s: bytes a second for each TiB: earned, and most while there are credits; 0: no bursts.
        source: where the limits come from.
    """

    iops: int
    iops_max: int
    byte_s: int
    counted: Size
    fastest: Duration
    slowest: Duration
    source: str
    base_s: int = 0
    burst_s: int = 0


_US = 1000
ASKING = Duration(20 * _US)
"""What a request takes from fio to the volume and back: some forty system calls of 512 ns; arbitrary."""
CLASSES: Mapping[str, VolumeClass] = {
    "gp3": VolumeClass(
        3000, 16_000, 125 * MIB, Size(256 * KIB), Duration(500 * _US), Duration(1500 * _US),
        "AWS EC2 user guide, general purpose SSD volumes (2023 copy): 3,000 IOPS, 125 MiB/s; single-digit ms, the band "
        "is arbitrary within it",
    ),
    "io2": VolumeClass(
        16_000, 256_000, 4000 * MIB, Size(256 * KIB), Duration(200 * _US), Duration(400 * _US),
        "AWS EC2 user guide, EBS volume types (2023 copy): io2 Block Express, up to 256,000 IOPS, 4,000 MiB/s; under "
        "500 us on average, the band is arbitrary within it; 16,000 IOPS unless told otherwise",
    ),
    "st1": VolumeClass(
        500, 500, 500 * MIB, Size(MIB), Duration(2000 * _US), Duration(8000 * _US),
        "AWS EC2 user guide, EBS volume types (2023 copy): 500 IOPS of 1 MiB, 500 MiB/s; 40 MiB/s for each TiB, 250 in "
        "a burst, credits for 1 TiB for each TiB (not checked); the band is arbitrary",
        base_s=40 * MIB, burst_s=250 * MIB,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What one volume of a class has: requests and bytes a second, and credits in bytes, at the start and most."""

    iops: int
    byte_s: float
    base_s: float
    credits: float
    credits_max: float


def limits(kind: str, size: Size, iops: int | None = None, credits: Size | None = None) -> Limits:
    """The limits of a volume of that class and size. Pure."""
    volume = CLASSES[kind]
    if not volume.burst_s:
        return Limits(iops or volume.iops, volume.byte_s, volume.byte_s, 0, 0)
    tib = size / TIB
    base, burst = (min(volume.byte_s, rate * tib) for rate in (volume.base_s, volume.burst_s))
    return Limits(iops or volume.iops, burst, base, size if credits is None else min(credits, size), size)


def saturated(kind: str, have: Limits, block: Size, byte_s: float | None = None) -> Expectation:
    """Requests a second of ``block`` bytes with enough of them under way: the class's limit in requests or bytes.

    Source: the class's documents (:data:`CLASSES`).
    """
    volume = CLASSES[kind]
    requests = have.iops / max(1, -(-block // volume.counted))
    bytes_ = carried(have.byte_s if byte_s is None else byte_s, block).expected or 0.0
    rate = min(requests, bytes_)
    return Expectation(rate, None, None, "1/s", volume.source)


def one_at_a_time(kind: str, have: Limits, over: int) -> Expectation:
    """Mean time in s of one small request at a time: the middle of the class's band, of ``over`` of them.

    Four standard deviations of the mean either way, for a uniform band its width / sqrt(12 n), and :data:`ASKING`.
    Where the limit lets fewer through than the band, 1 / IOPS, of which asking is a part; where the two meet, a bound.
    Source: the class's documents.
    """
    volume = CLASSES[kind]
    fastest, slowest, apart = volume.fastest / 1e9, volume.slowest / 1e9, 1 / have.iops
    if apart > slowest:
        return Expectation(apart, apart - ASKING.seconds, apart + ASKING.seconds, "s", f"{volume.source}; 1 / IOPS")
    if apart > fastest:
        return Expectation(None, apart, slowest, "s", f"{volume.source}; between 1 / IOPS and the band's end")
    middle, slack = (fastest + slowest) / 2, 4 * (slowest - fastest) / (12 * over) ** 0.5
    source = f"{volume.source}; 4 standard deviations of the mean"
    return Expectation(middle, middle - slack, middle + slack + ASKING.seconds, "s", source)


def burst_lasts(have: Limits) -> float:
    """How long, in s, a load that always asks for more has the burst's rate: ``credits / (burst - base)``."""
    return have.credits / (have.byte_s - have.base_s) if have.byte_s > have.base_s else 0.0
