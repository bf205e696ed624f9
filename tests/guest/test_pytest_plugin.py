"""Claims about tests that run where their lab is, by pytests of their own."""

from __future__ import annotations

import filecmp
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
            "*the sky to fall: not so within 1 s*", "run directory: */runs/tests-*seed=1", "SKIPPED*not today",
            "again: pytest *::test_fails --testbed-seed 1", "UNKNOWN *::test_unknown - *the sky to fall*",
        ]
    )  # fmt: skip
    assert len(list((pytester.path / "runs").glob("tests-*/*/record"))) == 1, "one lab for all"
