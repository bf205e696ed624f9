"""Claims about `testbed check`: what is wrong with a suite is told at once, with exit code 2, and nothing starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from testbed.cli.main import main
from tests.conftest import ROOT

SUITE = f"""
topology: {ROOT / "tests/lab/small.py"}
checks:
  one:
    during:
      - {{probe: udp, source: near, target: far, name: flow}}
      - {{fault: silent, target: wan}}
    wait:
      - {{sleep: 500 ms}}
    expect:
      - flow.longest_gap < 1s
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("flow.longest_gap < 1s", "flow.longest_gap < 1", "line 11, checks > one > expect > 1: '1' is not a duration"),
        ("flow.longest_gap < 1s", "flow.gap < 1s", "not of the form PROBE.READING < BOUND"),
        ("flow.longest_gap < 1s", "flo.longest_gap < 1s", "did you mean 'flow'?"),
        ("flow.longest_gap < 1s", "flow.lost < 1s", "'1s' has no unit of a ratio"),
        ("source: near", "source: nera", "did you mean 'near'?"),
        ("fault: silent", "fault: silence", "did you mean 'silent'?"),
        ("sleep: 500 ms", "path: [near, far], uses: wam", "did you mean 'wan'?"),
        ("sleep: 500 ms", "sleeps: 500 ms", "Extra inputs are not permitted"),
        ("expect:", "exspect:", "Extra inputs are not permitted"),
        ("topology:", "about:", "has no topology"),
        ("checks:", "seeds: 0\nchecks:", "greater than or equal to 1"),
        ("small.py", "smal.py", "no such file"),
    ],
)
def test_what_is_wrong_with_a_suite_is_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert old in SUITE
    (tmp_path / "suite.yaml").write_text(SUITE.replace(old, new), encoding="ascii")
    result = CliRunner().invoke(main, ["check", "suite.yaml"])
    assert (result.exit_code, said in result.output) == (2, True), result.output
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.yaml"], "no such file"),
        (["suite.yaml", "--only", "on"], "did you mean 'one'?"),
        (["suite.yaml", "--baseline", "accept"], "needs a reason"),
        (["suite.yaml", "--seeds", "0"], "0 is not in the range"),
    ],
)
def test_words_that_make_no_sense_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suite.yaml").write_text(SUITE, encoding="ascii")
    result = CliRunner().invoke(main, ["check", *words])
    assert (result.exit_code, said in result.output) == (2, True), result.output
