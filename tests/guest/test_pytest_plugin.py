"""Claims about tests that run where their lab is, by pytests of their own."""

from __future__ import annotations

import filecmp
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.pytest_plugin.sample import HYBRID, with_kernel, written

pytestmark = [pytest.mark.guest, pytest.mark.usefixtures("guest_kernel")]


@pytest.fixture(autouse=True)
def _with_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    with_kernel(monkeypatch)


def same(one: Path, other: Path) -> None:
    """Two folders have the same files with the same bytes."""
    names = sorted(str(path.relative_to(one)) for path in one.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(other)) for path in other.rglob("*") if path.is_file())
    assert "events.jsonl" in names
    different = [name for name in names if not filecmp.cmp(one / name, other / name, shallow=False)]
    assert different == []


def test_the_example_passes_and_one_seed_gives_one_record(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_example=HYBRID)
    for out in ("first", "the-second-time"):
        pytester.runpytest_subprocess("--testbed-out", out).assert_outcomes(passed=1)
    same(*(next((pytester.path / out).glob("*/record")) for out in ("first", "the-second-time")))
    assert not (pytester.path / "runs").exists()


LAB_OF_A_MODULE = """
pytestmark = pytest.mark.topology(SMALL, scope="module", delay="7 ms")
made = []

@pytest.fixture(scope="session")
def whole():
    made.append("session")

@pytest.fixture(scope="module")
def shared(whole, lab):
    made.append("module")
    return lab

@pytest.fixture(scope="class")
def of_class(shared):
    made.append("class")

@pytest.fixture
def flow(lab):
    with lab.probe.udp("near", "far", "5 ms") as flow:
        lab.sleep("1 s")
    made.append("function")
    return flow

@pytest.mark.usefixtures("of_class")
class TestClass:
    def test_fixture_of_a_function(self, flow, shared):
        assert flow.lost == "0" and "14 ms" <= flow.rtt() < "14.5 ms"

    @pytest.mark.parametrize("within", ["1 s", "2 s"])
    def test_parameters(self, lab, within):
        assert lab.converged()

def test_leaves_a_fault(lab):
    lab.fault.begin("silent", "wan")
    lab.wait_until(lambda: not lab.converged(), "routes gone", within="5 s")

def test_finds_no_fault(lab):
    assert lab.converged() and not lab.fault.active

def test_each_scope_was_set_up_once_for_what_it_is(lab):
    assert made == ["session", "module", "class", "function"]

def test_fails(lab, flow):
    print("words of the test")
    assert flow.rtt() < "10 ms"

def test_a_bare_number(lab, flow):
    assert flow.longest_gap < 1

def test_unknown(lab):
    lab.wait_until(lambda: False, "the sky to fall", within="1 s")

@pytest.mark.xfail(reason="known")
def test_unknown_is_no_expected_failure(lab):
    lab.wait_until(lambda: False, "pigs to fly", within="1 s")

@pytest.mark.xfail(reason="known")
def test_an_expected_failure(lab):
    assert False

def test_skips(lab):
    pytest.skip("not today")
"""


def test_tests_of_a_module_share_its_lab_and_all_that_pytest_has(pytester: pytest.Pytester) -> None:
    written(pytester, LAB_OF_A_MODULE)
    result = pytester.runpytest_subprocess("-rs", "--no-header")
    outcomes = result.parseoutcomes()
    assert outcomes == {"passed": 6, "failed": 2, "unknown": 2, "xfailed": 1, "skipped": 1}
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines_random(
        [
            "E*AssertionError: assert 14.* ms < '10 ms'", "words of the test", "*it takes a number and a unit*",
            "*the sky to fall: not so within 1 s*", "run directory: */runs/tests-*seed-1", "SKIPPED*not today",
            "again: pytest *::test_fails --testbed-seed 1", "UNKNOWN *::test_unknown - *the sky to fall*",
        ]
    )  # fmt: skip
    assert len(list((pytester.path / "runs").glob("tests-*/*/record"))) == 1, "one lab for all"


SEVERAL = """
@pytest.mark.topology(SMALL)
def test_measures(lab, testbed_seed):
    with lab.probe.udp("near", "far", "5 ms", name="flow") as flow:
        lab.sleep("1 s")
    assert flow.rtt() < "11 ms"
    lab.measured("took", f"{testbed_seed} ms")
    assert testbed_seed != 2, "the second one"

@pytest.mark.topology(SMALL)
def test_unknown(lab):
    lab.wait_until(lambda: False, "never", within="1 s")
"""


def test_seeds_are_told_apart_in_words_json_junit_page_and_on_github(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "summary.md"))
    written(pytester, SEVERAL)
    files = "--testbed-json=out/r.json", "--testbed-html=out/r.html", "--junitxml=out/j.xml"
    result = pytester.runpytest_subprocess("--testbed-seeds=3", "-k", "measures or (unknown and seed-1)", *files)
    assert result.parseoutcomes() == {"passed": 2, "failed": 1, "unknown": 1, "deselected": 2}
    result.stdout.fnmatch_lines_random(
        [
            "*::test_measures: 3 seeds, 2 PASS, 1 FAIL (seed 2)", "again: pytest *::test_measures --testbed-seed 2",
            "  took *0.001 * 0.0015 * 0.002 * 0.0025 * 0.003 *s",
            "::error file=*,line=*,title=FAIL%3A *test_measures%2C seed 2::*the second one*--testbed-seed 2",
            "::error file=*,line=*,title=UNKNOWN%3A *test_unknown%2C seed 1::never: not so within 1 s*",
        ]
    )  # fmt: skip
    told = json.loads((pytester.path / "out" / "r.json").read_text())
    assert told["counts"] == {"FAIL": 1, "UNKNOWN": 1, "PASS": 2, "SKIPPED": 0} and told["verdict"] == "FAIL"
    assert [each["seed"] for each in told["tests"] if each["verdict"] == "FAIL"] == [2]
    suite = ET.parse(pytester.path / "out" / "j.xml").getroot()[0]
    assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "4", "failures": "1", "errors": "1",
    }  # fmt: skip
    errors = [(case.get("name"), each.get("type")) for case in suite for each in case.findall("error")]
    assert errors == [("test_unknown[seed-1]", "testbed.unknown")]
    of = {each.get("name"): each.get("value") for each in suite[0].iter("property")}
    assert of["testbed.seed"] == "1" and of["testbed.measured.took"] == "0.001 s" and "testbed.directory" in of
    page = (pytester.path / "out" / "r.html").read_text()
    assert page.count("<svg") >= 3 and "test_measures" in page
    assert "| FAIL | " in (pytester.path / "summary.md").read_text()
    kept = sorted(path.name for path in (pytester.path / "runs").glob("tests-*/*"))
    assert len(kept) == 2, "those that did not pass"


def test_what_stops_at_the_first_failure_leaves_the_rest_alone(pytester: pytest.Pytester) -> None:
    body = "pytestmark = pytest.mark.topology(SMALL, scope='module')\n"
    body += "".join(f"def test_{n}(lab): assert {n} != 1\n" for n in range(3))
    written(pytester, body)
    result = pytester.runpytest_subprocess("-x")
    assert result.parseoutcomes() == {"passed": 1, "failed": 1}


def test_workers_of_xdist_report_as_one_pytest_does(pytester: pytest.Pytester) -> None:
    body = "pytestmark = pytest.mark.topology(SMALL, scope='module')\n"
    body += "".join(f"def test_{n}(lab): assert {n} != 1\n" for n in range(3)) + "def test_plain(): pass\n"
    written(pytester, body)
    result = pytester.runpytest_subprocess("-n", "2", "--dist", "loadfile", "--testbed-json=r.json")
    assert result.parseoutcomes() == {"passed": 3, "failed": 1}
    directories = {each["directory"] for each in json.loads((pytester.path / "r.json").read_text())["tests"]}
    assert len(directories) == 1, "they share a lab"


HELD = """
import os

@pytest.mark.topology(SMALL)
def test_held(lab):
    lab.baseline.check("took", os.environ["TOOK"], allowed="5 ms")
"""


def test_a_baseline_is_recorded_held_against_and_taken_over(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(pytester, HELD)
    took = "TOOK"

    def told(*words: str) -> tuple[dict[str, int], str]:
        result = pytester.runpytest_subprocess(*words)
        return result.parseoutcomes(), result.stdout.str()

    monkeypatch.setenv(took, "100 ms")
    outcome, words = told()
    assert outcome == {"unknown": 1} and "no such baseline" in words
    outcome, words = told("--testbed-baseline=record")
    assert outcome == {"passed": 1} and ".yaml: recorded" in words
    monkeypatch.setenv(took, "104 ms")
    assert told()[0] == {"passed": 1}
    monkeypatch.setenv(took, "120 ms")
    outcome, words = told()
    assert outcome == {"failed": 1} and "took: 0.1 -> 0.12 s" in words
    outcome, words = told("--testbed-baseline=accept", "--testbed-because=slower and right")
    assert outcome == {"passed": 1} and "taken over" in words
    assert told()[0] == {"passed": 1}
    file = next((pytester.path / "baselines").iterdir())
    file.write_text(file.read_text().replace("median: 0.12", "median: 0.13"))
    outcome, words = told()
    assert outcome == {"failed": 1} and "changed by hand" in words


DEBUGGED = """
pytestmark = pytest.mark.topology(SMALL, scope="module")

def test_stops(lab):
    answer = 6 * 7
    assert answer != 42

def test_next(lab):
    pass
"""


@pytest.mark.parametrize(("last", "tests"), [("c", 2), ("q", 1)], ids=["continued", "ended"])
def test_a_debugger_reaches_into_the_lab(pytester: pytest.Pytester, last: str, tests: int) -> None:
    written(pytester, DEBUGGED)
    argv = [sys.executable, "-m", "pytest", "--pdb"]
    with subprocess.Popen(
        argv, cwd=pytester.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        said = ""
        while "(Pdb) " not in said:
            letter = process.stdout.read(1)
            assert letter, said
            said += letter
        process.stdin.write(f"p answer, lab.plan.topology\n{last}\n")
        process.stdin.flush()
        said += process.stdout.read()
    assert "(42, 'small')" in said, said
    # The lab's clock is real here, so on a machine with other work its links may be late: UNKNOWN then, and rightly.
    unknown = re.findall(r"^UNKNOWN \S+ - (.*)", said, re.MULTILINE)
    assert all("links do not deliver" in why for why in unknown), said
    outcomes = re.findall(r"(\d+) (failed|passed|unknown)", said.splitlines()[-1])
    assert sum(int(count) for count, _ in outcomes) == tests, said
    assert "1 failed" in said or unknown, said
