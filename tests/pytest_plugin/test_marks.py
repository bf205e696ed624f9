"""Claims about what the plugin says before a lab is started."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.sample import written


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("", "takes lab, and has no topology"),
        ("@pytest.mark.topology()", "takes one file"),
        ("@pytest.mark.topology('nowhere.py')", "nowhere.py: no such file"),
        ("@pytest.mark.topology(SMALL, delai='1 ms')", "did you mean 'delay'?"),
        ("@pytest.mark.topology(SMALL, delay='1')", "'1' is not a duration"),
        ("@pytest.mark.topology(SMALL, delay=1)", "delay=1: is no text"),
        ("@pytest.mark.topology(SMALL, scope='modul')", "did you mean 'module'?"),
        ("@pytest.mark.topology(SMALL, clock='fast')", "known: real, virtual"),
        ("@pytest.mark.topology(SMALL, needs='clutser')", "did you mean 'cluster'?"),
        ("@pytest.mark.topology('scenarios/failover.py')", "a test plays its own"),
    ],
)
def test_what_is_wrong_with_a_mark_is_told_and_nothing_is_started(
    pytester: pytest.Pytester, mark: str, said: str
) -> None:
    written(pytester, f"{mark}\ndef test_it(lab): pass\n")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    assert said in result.stdout.str()
    assert not (pytester.path / "runs").exists()


def test_a_fixture_must_not_live_longer_than_the_lab_it_takes(pytester: pytest.Pytester) -> None:
    written(
        pytester,
        """
@pytest.fixture(scope="module")
def broken(lab): pass

@pytest.mark.topology(SMALL)
def test_it(broken): pass
""",
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture broken of scope module takes lab, which lives for a function*"])


def test_a_users_own_fixture_of_that_name_is_the_users(pytester: pytest.Pytester) -> None:
    written(pytester, "@pytest.fixture\ndef lab(): return 7\n\ndef test_it(lab): assert lab == 7\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_without_a_kernel_a_test_is_skipped_with_what_is_missing(pytester: pytest.Pytester) -> None:
    """Pytester's home is empty, and so is the cache in it."""
    written(pytester, "@pytest.mark.topology(SMALL)\ndef test_it(lab): pass\ndef test_other(): pass\n")
    result = pytester.runpytest_subprocess("-rs")
    result.assert_outcomes(skipped=1, passed=1)
    result.stdout.fnmatch_lines(["SKIPPED*lacks guest: guest kernel: not built yet*"])


def test_a_test_that_needs_a_cluster_is_skipped_without_the_image_of_its_nodes(pytester: pytest.Pytester) -> None:
    written(pytester, "@pytest.mark.topology(SMALL, needs='cluster')\ndef test_it(lab): pass\n")
    pytester.runpytest_subprocess("-rs").stdout.fnmatch_lines(["SKIPPED*lacks cluster: node image: not there yet*"])


def test_what_is_required_and_missing_is_an_error(pytester: pytest.Pytester) -> None:
    written(pytester, "@pytest.mark.topology(SMALL)\ndef test_it(lab): pass\n")
    result = pytester.runpytest_subprocess("--testbed-require", "guest,cluster")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*lacks guest: guest kernel: not built yet*", "*testbed kernel build*"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--testbed-seeds", "0"), "invalid"),
        (("--testbed-seeds", "many"), "invalid"),
        (("--testbed-seed", "-1"), "invalid"),
        (("--testbed-require", "gast"), "known: guest, host, programs, cluster, all"),
        (("--testbed-baseline", "accept"), "needs --testbed-because"),
        (("--pdb", "--testbed-clock", "virtual"), "time is yours"),
        (("--testbed-kernel", "host", "--testbed-clock", "virtual"), "only the guest kernel has a virtual clock"),
    ],
)
def test_options_that_make_no_sense_end_pytest_before_anything(
    pytester: pytest.Pytester, words: tuple[str, ...], said: str
) -> None:
    result = pytester.runpytest_subprocess(*words)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()


def test_the_plugin_costs_a_suite_without_labs_no_import_of_the_testbed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import sys\ndef test_it(): assert 'testbed.plan' not in sys.modules\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
