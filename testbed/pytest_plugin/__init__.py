"""The pytest plugin: a test that takes ``lab`` runs where the lab is, in the testbed's own kernel and on its clock.

    @pytest.mark.topology("topologies/hybrid.py", dx_delay="10ms")
    def test_losing_direct_connect_is_felt_less_than_a_second(lab):
        with lab.probe.udp("aws-a", "dc-1") as flow, lab.fault.silent("dx"):
            lab.wait_until(lab.path("aws-a", "dc-1").uses("vpn"), within="5s")
        assert flow.longest_gap < "1s"

Two pytests take part. The user's (:mod:`.outside`) collects, selects and reports. For each lab it starts a kernel, in
which a second one (:mod:`.player`) with the same root, options and node ids runs the tests of the lab, with everything
that pytest has: rewritten assertions, fixtures, parameters. Its reports come back as they are made, as xdist's do.

This module is imported by every pytest of an environment, so it imports nothing of the testbed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testbed.run.lab import Lab

MARK = "topology"
INSIDE = "testbed_inside"
"""An option that only the second pytest has."""
UNKNOWN = "unknown"
"""Pytest's summary counts tests of this kind, beside passed, failed and error."""
LAB = pytest.StashKey["Lab"]()
SEED = "testbed_seed"
"""A fixture: the seed of the lab."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, all of which begin with ``--testbed-``."""
    from testbed.pytest_plugin.options import add

    add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark, and take over tests that need a lab."""
    config.addinivalue_line(
        "markers",
        f"{MARK}(file, *, scope='function', clock=None, needs='', **parameters): the topology of the test's lab",
    )
    if not inside(config):
        from testbed.pytest_plugin.options import check
        from testbed.pytest_plugin.outside import Outside

        check(config)
        config.pluginmanager.register(Outside(config), "testbed-outside")
        if not hasattr(config, "workerinput"):  # xdist's workers send their reports to where this is
            from testbed.pytest_plugin.session import Session

            config.pluginmanager.register(Session(config), "testbed-session")


def inside(config: pytest.Config) -> bool:
    """Whether this is the pytest in the lab."""
    return bool(getattr(config.option, INSIDE, False))


def takes_lab(item: pytest.Item) -> bool:
    """Whether a test, or a fixture of it, takes ``lab``, and that is the one below: users may have one of their own."""
    info = getattr(item, "_fixtureinfo", None)
    found = [] if info is None else [*info.name2fixturedefs.get("lab", ())]
    return bool(found) and found[-1].func.__module__ == __name__


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``--testbed-seeds N``: every test of a lab, N times; seed by seed, so that Ctrl-C leaves all of them alike."""
    seeds = metafunc.config.getoption("testbed_seeds")
    if seeds is not None and SEED in metafunc.fixturenames:
        several = range(1, seeds + 1)
        ids = [f"seed-{seed}" for seed in several]
        metafunc.parametrize(SEED, several, indirect=True, ids=ids, scope="session")


@pytest.fixture(scope="session")
def testbed_seed(request: pytest.FixtureRequest) -> int:
    """The seed of the test's lab."""
    seed = getattr(request, "param", None)
    return int(request.config.getoption("testbed_seed") if seed is None else seed)


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest, testbed_seed: int) -> Lab:
    """The lab of the test's topology, up and calibrated: :class:`testbed.Lab`. Its scope is the mark's."""
    return request.config.stash[LAB]


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """UNKNOWN is of a kind of its own."""
    from testbed.pytest_plugin.carried import told_of

    if report.failed and told_of(report).get("verdict") == "UNKNOWN":
        return UNKNOWN, "U", ("UNKNOWN", {"red": True})
    return None
