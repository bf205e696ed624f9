"""How many frames it takes to say what a link delivers, and how to send them so that none meets another. Pure.

The counts aim at what a receipt promises: a standard deviation to within 5 %, a share to within half of itself. They
are chosen without knowing how many checks there will be, and without scipy, since this runs in the guest; the receipt
computes its bounds from the counts that were really used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean

from testbed.model import FourState, GilbertElliott, Impairment
from testbed.net.frames import FRAME, SLOTS
from testbed.net.shaping import policer
from testbed.plan.impairments import deviations_ns, reordered_share
from testbed.plan.plan import PlannedLink
from testbed.units import Ratio

MS = 10**6
Z = 4.0
"""Normal quantile of each check: leaves 6e-5 outside, what 16 checks at 99.9 % together allow each; arbitrary."""
JITTER_WITHIN = 0.05
SHARE_WITHIN = 0.5
TIMED = 20
"""Timed frames of a link without jitter: all alike in virtual time, and enough for a median in real time; arbitrary."""
TIMED_MAX, SHARE_MIN, SHARE_MAX = 10_000, 1000, 50_000
"""Bounds of the counts: no more than some 0.3 s of wall time, no less than it takes to see a loss of 0.5 %; arbitrary.
A loss of 0.01 % then shows itself five times."""
FRAMES_OF_ALL, SHARE_LEAST = 200_000, 100
"""More than a hundred links without loss share so many frames, and each direction gets at least so many: then it takes
a loss of 5 % to be seen for sure; arbitrary."""
GAP_NS = MS
SLACK_NS, SLACK_REAL_NS = 2 * MS, 50 * MS
"""What a frame may take beyond its delay before it counts as lost; on the real clock a busy machine's lateness."""
REAL_BUDGET_NS = 2 * 10**9
"""How long one phase may take on the real clock; arbitrary."""
_STATES_STEPS = 500


@dataclass(frozen=True)
class Need:
    """What to send into one direction of a link.

    Attributes:
        timed, gap_ns: frames sent one by one, and their distance.
        burst: further frames sent back to back, ``chunk`` at a time, with ``pause_ns`` after each.
        reach_ns: after which a frame has arrived or is lost.
    """

    timed: int
    gap_ns: int
    burst: int
    chunk: int
    pause_ns: int
    reach_ns: int


def need(link: PlannedLink, impairment: Impairment, *, real: bool, ways: int = 1) -> Need:
    """The frames for one direction, of ``ways`` that are measured. ``real``: time passes for the user too."""
    deviations = deviations_ns(impairment)
    spread = (deviations[0], deviations[-1]) if deviations else (0.0, 0.0)
    slot = impairment.slot.max if impairment.slot else 0
    in_slot = frames_in_slot(impairment, FRAME)
    reach = int(impairment.delay + spread[1]) + 2 * slot + (SLACK_REAL_NS if real else SLACK_NS)
    frame_ns = FRAME * 8 * 10**9 // link.rate if link.rate else 0
    gap = max(GAP_NS, math.ceil(spread[1] - spread[0]), 2 * frame_ns, slot // in_slot)
    timed = max(TIMED, _for_jitter(deviations), _for_reordering(impairment))
    burst = _for_shares(impairment, max(SHARE_LEAST, min(SHARE_MIN, FRAMES_OF_ALL // ways)))
    if real:
        timed = min(timed, max(TIMED, REAL_BUDGET_NS // gap))
        burst = min(burst, REAL_BUDGET_NS // frame_ns) if frame_ns else burst
    chunk = min(SLOTS, _queue_bytes(link) // 2 // FRAME, in_slot)
    # A rate must be kept, each slot be used once, and netem's queue never be more than half full.
    pause = max(chunk * frame_ns, slot, 2 * reach * chunk // link.packets_in_flight)
    return Need(timed, gap, max(0, burst - timed), chunk, pause, reach)


def frames_in_slot(impairment: Impairment, length: int) -> int:
    """How many frames one slot lets through; many where there are no slots, or slots without a limit."""
    slot = impairment.slot
    if slot is None:
        return SLOTS
    by_bytes = math.ceil(slot.bytes / length) if slot.bytes else SLOTS
    return min(SLOTS, slot.packets or SLOTS, by_bytes)


def _queue_bytes(link: PlannedLink) -> int:
    """What fits into the link's own queue or bucket at once."""
    if link.shaper is not None:
        return link.shaper.limit_bytes
    if link.policed and link.rate is not None:
        return policer(link.mtu, rate=link.rate).burst_bytes
    return SLOTS * FRAME * 2


def _for_jitter(deviations: tuple[float, ...]) -> int:
    """``z^2 (kurtosis - 1) / (4 within^2)``: see :func:`testbed.check.statistics.probes_for_sd`."""
    if not deviations:
        return 0
    mean = fmean(deviations)
    squares = [(value - mean) ** 2 for value in deviations]
    kurtosis = fmean([square * square for square in squares]) / fmean(squares) ** 2
    return min(math.ceil(Z**2 * (kurtosis - 1) / (4 * JITTER_WITHIN**2)), TIMED_MAX)


def _for_reordering(impairment: Impairment) -> int:
    share = reordered_share(impairment)
    return min(_for_share(share), TIMED_MAX) if share else 0


def _for_shares(impairment: Impairment, least: int) -> int:
    counts = [least]
    for share, correlation in (
        (impairment.duplicate, impairment.duplicate_correlation), (impairment.corrupt, impairment.corrupt_correlation),
    ):  # fmt: skip
        counts.append(_for_share(share.fraction, _correlated(correlation)))
    counts.append(_for_share(*_loss(impairment)))
    return min(max(counts), SHARE_MAX)


def _for_share(share: float, inflation: float = 1.0) -> int:
    """``z^2 (1 - share) / (share within^2)``: see :func:`testbed.check.loss_statistics.probes_for_loss`."""
    return math.ceil((Z / SHARE_WITHIN) ** 2 * (1 - share) / share * inflation) if 0 < share < 1 else 0


def _correlated(correlation: Ratio) -> float:
    """Of an autoregressive process, which bounds what its sign does."""
    return (1 + correlation.fraction) / max(1 - correlation.fraction, 0.05)


def _loss(impairment: Impairment) -> tuple[float, float]:
    """(ratio, inflation) of the loss, roughly: only a count follows from it."""
    loss = impairment.loss
    if isinstance(loss, Ratio):
        return loss.fraction, _correlated(impairment.loss_correlation)
    if isinstance(loss, GilbertElliott):
        p, r, bad, good = loss.p.fraction, loss.r.fraction, loss.loss_bad.fraction, loss.loss_good.fraction
        return ((p * bad + r * good) / (p + r), 2 / (p + r)) if p + r else (good, 1.0)
    assert isinstance(loss, FourState)
    weight = [1.0, 0.0, 0.0, 0.0]
    p13, p31, p32, p23, p14 = (v.fraction for v in (loss.p13, loss.p31, loss.p32, loss.p23, loss.p14))
    for _ in range(_STATES_STEPS):
        one, two, three, four = weight
        weight = [
            one * (1 - p13 - p14) + three * p31 + four, two * (1 - p23) + three * p32,
            one * p13 + two * p23 + three * (1 - p31 - p32), one * p14,
        ]  # fmt: skip
    return weight[2] + weight[3], 2 / max(p31 + p32, 1e-3)
