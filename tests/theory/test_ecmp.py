"""Flows that a broken path hits: a binomial number, and its ends."""

from __future__ import annotations

import pytest
from scipy.stats import binom

from testbed.theory.ecmp import hit
from testbed.theory.lossy import RARE


@pytest.mark.parametrize(("flows", "share"), [(8, 0.5), (200, 0.625), (1000, 0.25)])
def test_the_bounds_leave_out_no_more_than_they_may(flows: int, share: float) -> None:
    found = hit(flows, share)
    assert found.expected == flows * share and found.low is not None and found.high is not None
    law = binom(flows, share)
    assert law.cdf(found.low - 1) < RARE / 2 <= law.cdf(found.low)
    assert law.sf(found.high) < RARE / 2 <= law.sf(found.high - 1)


def test_all_or_none_is_exact() -> None:
    assert (hit(8, 1).low, hit(8, 0).high) == (8, 0)
    with pytest.raises(ValueError, match="no share"):
        hit(8, 1.5)
