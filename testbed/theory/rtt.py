"""Round-trip time over a chain of links."""

from __future__ import annotations

from collections.abc import Iterable

from testbed.theory.interval import Expectation
from testbed.units import Duration

PER_LINK = Duration(50_000)
"""Arbitrary: what a link may add to its delay, there and back: serialisation of a small packet and forwarding."""


def median(links: Iterable[tuple[Duration, Duration, Duration]], late: Duration = Duration(0)) -> Expectation:
    """Median RTT in ms over links given as (delay there, delay back, largest standard deviation of either).

    ``sum of all delays``, and at most the deviations and :data:`PER_LINK` for each link away from that. Valid for idle
    links: a queue adds its own time.

    Args:
        links: the path.
        late: how late the machine's timers may let a packet go, each link and way (:attr:`testbed.Result.late`).
    """
    chain = list(links)
    ideal = sum(there + back for there, back, _ in chain) / 10**6
    slack = sum(deviation + max(PER_LINK, Duration(2 * late)) for _, _, deviation in chain) / 10**6
    return Expectation(ideal, ideal - slack, ideal + slack, "ms", "sum of the one-way delays of the path's links")
