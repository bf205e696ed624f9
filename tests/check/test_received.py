"""Claims about what is told from what arrived."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from testbed.check.received import jain


@given(st.lists(st.floats(min_value=1, max_value=1e9), min_size=1, max_size=20))
def test_jains_index_lies_between_one_over_n_and_one(rates: list[float]) -> None:
    index = jain(rates)
    assert index is not None
    assert 1 / len(rates) - 1e-9 <= index <= 1 + 1e-9


def test_jains_index_of_nothing_is_not_known() -> None:
    assert jain([]) is None
    assert jain([0.0, 0.0]) is None
