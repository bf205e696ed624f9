"""What one direction of a link must deliver of what was asked of it, number by number. Pure.

Chance must not reject a link that is right: where a number is drawn (loss, jitter) its bounds are those that it keeps
with such a probability that all checks of the receipt together hold at :data:`testbed.check.statistics.LEVEL`. What is
not chance has a fixed bound. A number that could not be measured is ``null``, and so is the answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from testbed.check import loss_statistics, statistics
from testbed.check.loss_statistics import LossProcess
from testbed.check.statistics import Interval
from testbed.job import Clock, Kernel
from testbed.model import FourState, GilbertElliott, Impairment
from testbed.plan.impairments import deviations_ns, reordered_share
from testbed.plan.plan import Direction, PlannedLink
from testbed.units import Ratio

DELAY_MS: dict[tuple[Kernel, Clock], float] = {
    ("guest", "virtual"): 0.01,
    ("host", "real"): 0.025,
    ("guest", "real"): 0.2,
}
"""Allowed for each direction, so twice that for a round trip: in virtual time some system calls of half a microsecond
each; on the real clock what timers and interrupts of an idle machine take, and in the guest, whose timers are signals
of the host, about twice what they were seen to take (0.04 to 0.09 ms); arbitrary."""
JITTER_SHARE = 0.05
"""Of the standard deviation that was asked; arbitrary. Fewer samples than that takes widen it."""
RATE_SHARE = 0.02
"""Of the rate; arbitrary."""
SAMPLES_MIN = 50
"""Fewer tell nothing of a deviation (:func:`testbed.check.statistics.sd_bounds`)."""
CORRELATION_MAX = 0.95
"""Above this :func:`testbed.check.loss_statistics.correlated_loss` knows nothing."""


@dataclass(frozen=True)
class Check:
    """One number of one direction. ``low`` and ``high`` bound what may be delivered, both inclusive."""

    name: str
    unit: str
    asked: float
    delivered: float | None
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """With numbers rounded to what they mean: a nanosecond, a bit a second, a hundred-millionth."""
        ok = None if self.delivered is None else self.low <= self.delivered <= self.high
        numbers = {"asked": self.asked, "delivered": self.delivered, "low": self.low, "high": self.high}
        rounded = {key: None if value is None else round(float(value), 6) for key, value in numbers.items()}
        return {"name": self.name, "unit": self.unit, **rounded, "ok": ok}


@dataclass(frozen=True)
class Way:
    """One direction of one link, and what was measured of it; ``measured`` is empty where nothing was."""

    link: PlannedLink
    direction: Direction
    measured: Mapping[str, Any]
    clock: Clock
    kernel: Kernel

    @property
    def late_ms(self) -> float:
        """How late a frame may be."""
        return DELAY_MS[self.kernel, self.clock]

    @property
    def asked(self) -> Impairment:
        """What was asked."""
        return self.link.impairment(self.direction)

    def count(self, *names: str) -> int | None:
        """A sum of counts; ``None`` where nothing was measured, or the receiver had no room for some frames."""
        if not self.measured or self.measured["missed"]:
            return None
        return sum(int(self.measured[name]) for name in names)


Judge = Callable[[Way, float], Check]
"""From a way and the level that one check must have."""


def judges(way: Way) -> Iterator[Judge]:
    """What is to be checked of a way. What nobody asked for is checked where it was seen."""
    asked, seen = way.asked, way.measured
    yield _delay
    # On the real clock a link without jitter has the machine's, which the delay's bound covers.
    if asked.jitter or (way.clock == "virtual" and asked.slot is None):
        yield _jitter
    yield _loss
    if asked.duplicate or (seen and seen["twice"]):
        yield _duplicates
    if asked.corrupt or (seen and seen["changed"]):
        yield _corruption
    if asked.reorder:
        yield _reordering
    elif asked.ordered:
        yield _order
    if way.link.rate is not None:
        yield _rate
    yield _mtu


def _delay(way: Way, level: float) -> Check:
    """Mean of a delay with jitter, median of one without. No serialisation: a shaper's bucket lets a frame pass."""
    asked, bound = way.asked, way.late_ms
    sample = way.measured.get("delay_ns")
    delay = asked.delay.ms
    low, high = -bound, bound
    if asked.slot is not None:
        high += asked.slot.max.ms
    if asked.jitter and sample:
        chance, _ = _chance(asked, sample["samples"], level)
        low, high = low + min(0.0, chance.low), high + max(0.0, chance.high)
    delivered = sample["mean" if asked.jitter else "median"] / 1e6 if sample else None
    return Check("delay", "ms", delay, delivered, max(0.0, delay + low), delay + high)


def _jitter(way: Way, level: float) -> Check:
    asked, sample = way.asked, way.measured.get("delay_ns")
    jitter, bound = asked.jitter.ms, way.late_ms
    if not asked.jitter:
        return Check("jitter", "ms", 0.0, sample["sd"] / 1e6 if sample else None, 0.0, bound)
    low, high = jitter * (1 - JITTER_SHARE), jitter * (1 + JITTER_SHARE)
    # Waiting for slots is no jitter, and cannot be told from it.
    if not sample or sample["samples"] < SAMPLES_MIN or asked.slot is not None:
        return Check("jitter", "ms", jitter, None, low, high)
    _, chance = _chance(asked, sample["samples"], level)
    low, high = min(low, chance.low), max(high, chance.high)
    if way.clock == "real":
        high += bound
    return Check("jitter", "ms", jitter, sample["sd"] / 1e6, low, high)


@lru_cache(maxsize=256)
def _chance(asked: Impairment, samples: int, level: float) -> tuple[Interval, Interval]:
    """Bounds in ms of the mean deviation from the delay, and of the standard deviation."""
    shape = statistics.shape([value / 1e6 for value in deviations_ns(asked)])
    spread = Interval(0.0, math.inf) if samples < SAMPLES_MIN else statistics.sd_bounds(shape, samples, level=level)
    return statistics.mean_bounds(shape, samples, level=level), spread


def _loss(way: Way, level: float) -> Check:
    """A frame is lost when neither it nor its duplicate arrives: netem loses the original and keeps the copy."""
    process = _loss_process(way.asked)
    single = 1 - way.asked.duplicate.fraction
    sent, arrived = way.count("sent"), way.count("arrived", "changed")
    lost = None if sent is None or arrived is None else max(0, sent - arrived)
    return _share("loss", process.ratio, process.ratio * single, process.inflation, lost, sent, level)


def _duplicates(way: Way, level: float) -> Check:
    """Seen are those of which neither the original nor the copy is lost (``netem_enqueue`` draws for each)."""
    process = _loss_process(way.asked)
    share = way.asked.duplicate.fraction
    inflation = _inflation(way.asked.duplicate, way.asked.duplicate_correlation) * process.inflation
    both = (1 - process.ratio) ** 2
    return _share("duplicates", share, share * both, inflation, way.count("twice"), way.count("sent"), level)


def _corruption(way: Way, level: float) -> Check:
    share = way.asked.corrupt.fraction
    inflation = _inflation(way.asked.corrupt, way.asked.corrupt_correlation)
    came = way.count("arrived", "twice", "changed")
    return _share("corruption", share, share, inflation, way.count("changed"), came, level)


def _reordering(way: Way, level: float) -> Check:
    """Frames that skipped the delay. A gap makes them more regular than chance, so the bounds are safe."""
    share = reordered_share(way.asked)
    inflation = _inflation(way.asked.reorder, way.asked.reorder_correlation)
    return _share("reordering", share, share, inflation, way.count("early"), way.count("timed_arrived"), level)


def _order(way: Way, level: float) -> Check:
    return _share("out of order", 0.0, 0.0, 1.0, way.count("late"), way.count("arrived"), level)


def _share(
    name: str, asked: float, expected: float, inflation: float, hits: int | None, trials: int | None, level: float
) -> Check:
    """``expected`` is the share of ``trials`` that shows when ``asked`` is delivered; the check tells it as asked."""
    if not trials or hits is None:
        return Check(name, "%", 100 * asked, None, 0.0, 100.0)
    scale = 100 * (asked / expected if expected else 1.0)
    low, high = _hit_bounds(trials, round(expected, 12), round(inflation, 6), level)
    return Check(name, "%", 100 * asked, scale * hits / trials, scale * low / trials, scale * high / trials)


@lru_cache(maxsize=1024)
def _hit_bounds(trials: int, share: float, inflation: float, level: float) -> tuple[int, int]:
    """The smallest and the largest count whose confidence interval holds ``share``: Clopper and Pearson's, turned."""
    if share in (0.0, 1.0):
        return round(trials * share), round(trials * share)

    def interval(hits: int) -> Interval:
        return loss_statistics.loss_interval(hits, trials, level=level, inflation=inflation)

    low = _first(0, trials, lambda hits: interval(hits).high >= share)
    high = _first(low, trials + 1, lambda hits: hits > trials or interval(hits).low > share) - 1
    return low, high


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The first number for which something holds that then holds for all further ones, and for ``high``."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _loss_process(asked: Impairment) -> LossProcess:
    loss = asked.loss
    if isinstance(loss, GilbertElliott):
        return loss_statistics.gilbert_elliott(
            loss.p.fraction, loss.r.fraction, loss.loss_bad.fraction, loss.loss_good.fraction
        )
    if isinstance(loss, FourState):
        return loss_statistics.four_state(
            loss.p13.fraction, loss.p31.fraction, loss.p32.fraction, loss.p23.fraction, loss.p14.fraction
        )
    return LossProcess(loss.fraction, _inflation(loss, asked.loss_correlation))


@lru_cache(maxsize=256)
def _inflation(share: Ratio, correlation: Ratio) -> float:
    """By how much correlation makes a share scatter more."""
    if not correlation or not 0 < share.fraction < 1:
        return 1.0
    if correlation.fraction > CORRELATION_MAX:
        return (1 + correlation.fraction) / (1 - correlation.fraction)
    return loss_statistics.correlated_loss(share.fraction, correlation.fraction).inflation


def _rate(way: Way, level: float) -> Check:
    """What passes a policer, and a host's own netem, is told from counts, which loss makes scatter."""
    assert way.link.rate is not None
    asked, within = way.link.rate / 1e6, RATE_SHARE
    rate = None if way.count() is None else way.measured["rate_bit_s"]
    process = _loss_process(way.asked)
    if rate and 0 < process.ratio < 1 and (way.link.policed or way.link.kind == "access"):
        counted = 1 / way.measured["rate_frames"] + 1 / way.measured["sent"]
        odds = process.ratio / (1 - process.ratio)
        within += statistics.two_sided_z(level) * (odds * process.inflation * counted) ** 0.5
    delivered = rate / 1e6 if rate else None
    return Check("rate", "Mbit/s", asked, delivered, asked * (1 - within), asked * (1 + within))


def _mtu(way: Way, level: float) -> Check:
    mtu = way.measured.get("mtu")
    return Check("mtu", "B", way.link.mtu, mtu, way.link.mtu, way.link.mtu)
