"""Samples: thinning loses no extreme, and gaps are those that checks count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.check import flows
from testbed.report.charts import BINS_MAX, bin_width
from testbed.report.rundir import read_run
from testbed.report.streams import read_stream, thin

HEADER = "seq,sent_ns,reached_ns,returned_ns"


def test_gaps_are_those_that_the_checks_count(run_dir: Path) -> None:
    run = read_run(run_dir)
    (stream,) = run.streams
    assert stream.gaps == tuple(flows.gaps(flows.packets(run.history, "traffic")))
    assert stream.longest == flows.longest_gap(flows.packets(run.history, "traffic"))
    assert stream.who == "aws-a → dc-1"


def test_an_outage_that_lasts_to_the_end_is_a_gap_here() -> None:
    stream = read_stream(f"{HEADER}\n0,0,1,2\n1,10,,\n2,20,21,\n", "x", "", "")
    assert stream is not None
    assert [(gap.start_ns, gap.end_ns, gap.packets) for gap in stream.gaps] == [(10, 20, 2)]
    assert stream.rtt_ms[0] == 2e-6


@pytest.mark.parametrize("line", ["1,2,3", "a,b,c,d", "0,1.5,2,3", "0,,1,2"])
def test_a_broken_line_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="line 3"):
        read_stream(f"{HEADER}\n0,0,1,2\n{line}\n", "x", "", "")


@given(
    st.lists(st.tuples(st.floats(0, 10, exclude_max=True), st.floats(0, 100) | st.just(float("nan"))), max_size=200),
    st.integers(1, 50),
)
def test_thinning_keeps_both_extremes_of_every_column(points: list[tuple[float, float]], columns: int) -> None:
    points.sort(key=lambda point: point[0])
    table = np.array(points, dtype=np.float64).reshape(-1, 2)
    found = thin(table[:, 0], table[:, 1], 0.0, 10.0, columns)
    good = table[~np.isnan(table[:, 1])]
    for column in range(columns):
        inside = good[np.floor(good[:, 0] / (10.0 / columns)) == column, 1]
        if len(inside):
            assert found.low[column] == inside.min()
            assert found.high[column] == inside.max()
            assert found.low[column] <= found.middle[column] <= found.high[column]
        else:
            assert np.isnan(found.low[column])


@given(st.floats(0.001, 10**6))
def test_bars_of_the_loss_chart_are_round_and_not_too_many(end_s: float) -> None:
    width = bin_width(end_s)
    assert end_s / width <= BINS_MAX * (1 + 1e-6)
    assert f"{width:.0e}"[0] in "125"
