"""Claims about what is made of results: verdicts, distributions, GitHub's words, JUnit."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from testbed.suite import github, junit
from testbed.suite.results import CaseResult, Verdict, spreads, to_json, worst
from testbed.suite.told import seed_lines
from testbed.verdict import Measurement


def case(verdict: Verdict, seed: int = 1, value: float = 1.0, why: str = "") -> CaseResult:
    return CaseResult(
        test=f"t.py::test[seed-{seed}]", name="t.py::test", seed=seed, topology="hybrid", verdict=verdict, why=why,
        measured=(Measurement("gap", value, "s"),), directory="", file="t.py", line=3, wall_s=1.0, again="pytest t.py",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        (["PASS", "SKIPPED"], "PASS"), (["PASS", "UNKNOWN"], "UNKNOWN"), (["UNKNOWN", "FAIL", "PASS"], "FAIL"),
        (["SKIPPED"], "UNKNOWN"), ([], "UNKNOWN"),
    ],
)  # fmt: skip
def test_the_worst_counts_and_nothing_done_is_no_pass(verdicts: list[Verdict], whole: str) -> None:
    assert worst([case(verdict) for verdict in verdicts]) == whole


def test_a_measurement_over_seeds_has_its_quartiles() -> None:
    several = [case("PASS", seed, value) for seed, value in enumerate([4.0, 1.0, 2.0, 3.0, 5.0], start=1)]
    (spread,) = spreads(several)
    assert [*spread.summary.values()] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert spreads(several[:1]) == []
    assert json.loads(to_json(several))["distributions"][0]["median"] == 3.0


def test_seeds_that_did_not_pass_are_named() -> None:
    lines = [*seed_lines([case("FAIL", 7), case("PASS", 1), case("FAIL", 3)])]
    assert "t.py::test: 3 seeds, 1 PASS, 2 FAIL (seed 3, 7)" in lines


def test_workflow_commands_of_github_are_escaped() -> None:
    (line,) = github.commands([case("FAIL", why="50 %\nand more"), case("PASS")])
    assert line == "::error file=t.py,line=3,title=FAIL%3A t.py%3A%3Atest%2C seed 1::50 %25%0Aand more%0Apytest t.py"


def test_a_summary_is_a_table_that_no_text_breaks() -> None:
    text = github.summary([case("UNKNOWN", why="a | b <script>")])
    assert "| UNKNOWN | t.py::test | 1 | a \\| b &lt;script> | gap 1 s |" in text


def test_in_junit_unknown_is_an_error_of_its_own_kind(tmp_path: Path) -> None:
    file = tmp_path / "j.xml"
    junit.write([case("FAIL", why='"x" < y'), case("UNKNOWN", why="?"), case("SKIPPED"), case("PASS")], file)
    suite = ET.parse(file).getroot()[0]
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["4", "1", "1", "1"]
    assert [each.get("message") for each in suite.iter("failure")] == ['"x" < y']
    assert [each.get("type") for each in suite.iter("error")] == [junit.KIND]
