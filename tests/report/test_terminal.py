"""The end of a run in a terminal: the same words with and without colour."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from testbed.errors import InputError
from testbed.report.terminal import summary
from testbed.verdict import Measurement, judge


def judged(directory: Path, measurements: list[Measurement], *unknowns: str) -> Path:
    (directory / "record" / "verdict.json").write_text(json.dumps(judge(measurements, unknowns).to_json()))
    return directory


def test_verdict_numbers_and_report_in_aligned_columns(run_dir: Path) -> None:
    (run_dir / "report.html").write_text("")
    lines = summary(run_dir)
    assert lines[0] == "PASS  all that was measured lies where theory allows"
    assert lines[-1] == f"report  {run_dir / 'report.html'}"
    columns = [line.index(word) for line, word in ((lines[2], "must lie in"), (lines[3], "0.634 to 1.262 s"))]
    assert columns[0] == columns[1]
    assert all(line == line.rstrip() and "\n" not in line for line in lines)


def test_no_colour_where_there_is_no_terminal_and_the_same_words_with_it(run_dir: Path) -> None:
    plain = summary(run_dir)
    assert not [line for line in plain if "\x1b" in line]
    coloured = summary(run_dir, colour=True)
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in coloured] == plain
    assert "\x1b[32m" in "".join(coloured)


def test_every_reason_is_told(run_dir: Path) -> None:
    bad = Measurement("gap", 2.0, "s", 0.8, 0.6, 1.0)
    lines = summary(judged(run_dir, [bad], "no calibration receipt"))
    assert lines[0] == "FAIL  no calibration receipt"
    assert lines[1] == "      Gap: 2 s, where theory allows 0.6 to 1 s"
    assert any(line.endswith("FAIL") for line in lines[2:])


def test_many_numbers_are_cut_and_what_was_not_measured_says_so(run_dir: Path) -> None:
    many = [Measurement(f"n{number}", None, "s", 1.0, 0.0, 2.0) for number in range(20)]
    text = "\n".join(summary(judged(run_dir, many)))
    assert "not measured" in text
    assert "  and 8 more" in text


def test_a_directory_without_a_verdict_is_refused(run_dir: Path) -> None:
    verdict = run_dir / "record" / "verdict.json"
    verdict.write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        summary(run_dir)
    verdict.unlink()
    with pytest.raises(InputError, match="not judged"):
        summary(run_dir)
