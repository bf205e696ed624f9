"""Claims about plan, show and --help: they touch nothing, and bad input is exit code 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from testbed import presets
from testbed.cli.main import main
from testbed.errors import Exit

ROOT = Path(__file__).parent.parent
HYBRID = str(ROOT / "topologies" / "hybrid.py")
BAD = ROOT / "tests" / "plan" / "bad"
HEAVY = ("pydantic", "pyroute2", "scipy", "numpy", "matplotlib", "yaml", "networkx", "scapy", "jinja2")


def call(*words: str) -> Result:
    """The command line, in this process."""
    return CliRunner().invoke(main, words)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory in which anything that is written would be seen."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", ["", "plan", "show", "run", "report", "schema", "presets"])
def test_help_tells_what_a_command_does_and_its_exit_codes(command: str) -> None:
    result = call(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Exit codes: 0 PASS, 1 FAIL, 2 the input is wrong, 3 UNKNOWN" in " ".join(result.stdout.split())


def test_plan_tells_every_step_in_order_and_writes_nothing(empty: Path) -> None:
    result = call("plan", HYBRID)
    assert result.exit_code == 0
    actions = [line.split()[1] for line in result.stdout.splitlines() if line[:1].isdigit()]
    assert actions == [
        "namespaces", "bridges", "cables", "links", "loopbacks", "forwarding", "routes", "filters", "observe",
        "calibrate", "tunnels", "daemons", "converge",
    ]  # fmt: skip
    assert "dx: vgw -- cgw, shaped to 1 Gbit/s; both ways delay 5 ms" in result.stdout
    assert list(empty.iterdir()) == []


def test_plan_as_json_is_one_object_and_nothing_else(empty: Path) -> None:
    result = call("plan", HYBRID, "--json", "--set", "dx.delay=7ms")
    assert result.exit_code == 0
    plan = json.loads(result.stdout)
    assert plan["parameters"]["dx.delay"] == "7 ms"
    assert plan["links"][0]["a_to_b"]["delay"] == 7 * 10**6


@pytest.mark.parametrize("command", ["plan", "show", "run"])
@pytest.mark.parametrize("name", ["links.py", "syntax.py", "keys.yaml", "nowhere.py"])
def test_bad_input_is_exit_code_2_with_words_and_writes_nothing(command: str, name: str, empty: Path) -> None:
    result = call(command, str(BAD / name))
    assert result.exit_code == Exit.INPUT
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("words", [["run"], ["run", HYBRID, "--seed", "x"], ["plan", HYBRID, "--bogus"], ["presto"]])
def test_words_that_no_command_takes_are_one_json_object_where_json_is_asked_for(words: list[str], empty: Path) -> None:
    result = call(*words, "--json")
    assert result.exit_code == Exit.INPUT
    told = json.loads(result.stdout)
    assert told["exit"] == Exit.INPUT
    assert told["problems"][0]["what"] in result.stderr
    assert call(*words).stdout == ""


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (ZeroDivisionError("ours"), Exit.UNKNOWN)])
def test_what_ends_a_command_in_the_middle_is_no_verdict_and_one_json_object(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(*_: object) -> None:
        raise error

    monkeypatch.setattr("testbed.load.load", ends)
    result = call("plan", HYBRID, "--json")
    assert result.exit_code == code
    assert json.loads(result.stdout)["exit"] == code


def test_a_picture_that_cannot_be_written_is_exit_code_2(empty: Path) -> None:
    result = call("show", HYBRID, "--out", "nowhere/picture.svg")
    assert result.exit_code == Exit.INPUT
    assert "--out nowhere/picture.svg: cannot be written: No such file or directory" in result.stderr


def test_a_bad_setting_is_exit_code_2_with_the_closest_name(empty: Path) -> None:
    result = call("plan", HYBRID, "--set", "dx.dealy=7ms", "--set", "dx.loss=1")
    assert result.exit_code == Exit.INPUT
    assert "--set dx.dealy: no such parameter" in result.stderr
    assert "did you mean 'dx.delay'?" in result.stderr
    assert "--set dx.loss: '1' is not a ratio" in result.stderr


def test_show_lists_parameters_with_their_values_and_draws(empty: Path) -> None:
    result = call("show", HYBRID, "--set", "dx.delay=7ms", "--out", "picture.svg")
    assert result.exit_code == 0, result.output
    assert "7 ms (default 5 ms)" in result.stdout
    assert [path.name for path in empty.iterdir()] == ["picture.svg"]


@pytest.mark.parametrize("words", [["--help"], ["plan", HYBRID]])
def test_a_light_command_loads_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys\n"
        "from testbed.cli.main import main\n"
        f"main({words!r}, standalone_mode=False)\n"
        f"sys.stderr.write(' '.join(sorted(set({HEAVY!r}) & set(sys.modules))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr == ""


def test_every_preset_is_listed_with_its_source() -> None:
    said = call("presets").stdout
    for name, preset in presets.listed().items():
        assert name in said and preset.source in said


@pytest.mark.parametrize("what", ["topology", "plan"])
def test_a_schema_is_the_one_in_the_docs(what: str) -> None:
    assert call("schema", what).stdout == (ROOT / "docs" / "schema" / f"{what}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_are_told_how_to_complete(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "testbed"], capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, "_TESTBED_COMPLETE": f"{shell}_source"},
    )  # fmt: skip
    assert "testbed" in done.stdout
