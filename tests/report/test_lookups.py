"""Claims about the chart of names: what it says, what it is drawn from, and broken samples."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from testbed.check.lookups import HEADER
from testbed.errors import InputError
from testbed.report import charts, style
from testbed.report.lookups import lookup_sentence, read_lookups
from testbed.report.page import write_report
from testbed.report.rundir import read_run
from testbed.resolvers import RESULTS

ANSWER, TIMEOUT = RESULTS.index("answer"), RESULTS.index("timeout")
ROWS = [f"0,1000000000,1011000000,{ANSWER},60", f"1,2000000000,7000000000,{TIMEOUT},"]


@pytest.fixture
def asking(run_dir: Path) -> Path:
    """The run, in which a host asked for a name as well."""
    (run_dir / "record" / "samples" / "names.csv").write_text("\n".join([HEADER, *ROWS]) + "\n", encoding="ascii")
    events = run_dir / "record" / "events.jsonl"
    begun = {"t_ns": 1, "kind": "probe.start", "probe": "names", "source": "aws-a", "target": "dc-1", "sort": "dns"}
    events.write_text(f"{json.dumps(begun)}\n{events.read_text(encoding='utf-8')}", encoding="utf-8")
    return run_dir


def test_it_is_said_how_many_names_were_learned_and_what_became_of_the_others(asking: Path) -> None:
    said = lookup_sentence(read_run(asking).asked)
    assert said == "names: aws-a learned dc-1 in 1 of 2 lookups, median 11 ms; 1 timeout."


def test_the_report_has_the_chart(asking: Path) -> None:
    page = write_report(asking).read_text(encoding="utf-8")
    assert "Lookups of names" in page and (asking / "charts" / "lookups.svg").exists()


def test_answers_and_failures_have_marks_of_their_own(asking: Path) -> None:
    run = read_run(asking)
    with style.settings():
        figure = charts.lookup_figure(run, run.asked, ())
    marks = {line.get_marker(): np.asarray(line.get_ydata()).tolist() for line in figure.axes[0].lines}
    assert marks == {"o": [11.0], "x": [5000.0]}


def test_samples_of_another_kind_are_none() -> None:
    assert read_lookups("seq,sent_ns,reached_ns,returned_ns\n0,1,2,3\n", "x", "", "") is None


@pytest.mark.parametrize("line", ["0,1,2", "0,1,2,99,", "a,b,c,d,e"])
def test_a_broken_line_is_named(asking: Path, line: str) -> None:
    file = asking / "record" / "samples" / "names.csv"
    file.write_text(f"{HEADER}\n{ROWS[0]}\n{line}\n", encoding="ascii")
    with pytest.raises(InputError, match="line 3"):
        read_run(asking)
