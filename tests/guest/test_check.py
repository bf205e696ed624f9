"""Claims about `testbed check` in labs: its exit codes are those of every command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from testbed.cli.main import main
from tests.suite.test_check import SUITE

pytestmark = [pytest.mark.guest, pytest.mark.usefixtures("guest_kernel")]


@pytest.mark.parametrize(
    ("old", "new", "code", "why"),
    [
        ("< 1s", "< 2s", 0, ""),
        ("< 1s", "< 100 ms", 1, "one: flow.longest_gap < 100 ms: it is 5"),
        ("sleep: 500 ms", "path: [near, far], avoids: wan, within: 2 s", 3, "avoids wan: not so within 2 s"),
    ],
)
def test_a_check_passes_fails_or_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, code: int, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suite.yaml").write_text(SUITE.replace(old, new), encoding="ascii")
    result = CliRunner().invoke(main, ["check", "suite.yaml", "--json", "--junit", "j.xml"])
    assert result.exit_code == code, result.output
    (told,) = json.loads(result.stdout)["tests"]
    assert why in told["why"] and (tmp_path / "j.xml").exists()
    assert Path(told["directory"]).exists() == bool(code), "what passed is gone"
