"""Claims about faults in a scenario, in virtual time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from testbed.fault.kinds import KINDS as ALL_KINDS
from testbed.history import History
from tests.conftest import RunScenario
from tests.fault.kinds_scenario import KINDS

pytestmark = pytest.mark.guest
FILE = str(Path(__file__).with_name("kinds_scenario.py"))


def test_every_kind_breaks_something_and_leaves_nothing(run_scenario: RunScenario) -> None:
    history = History(run_scenario(FILE).directory / "record")
    assert not [event.fields for event in history.of("run.failed")]
    seen = {event.fields["fault"]: event.fields for event in history.of("seen")}
    assert set(seen) == {f"{kind} {target}" for kind, target, _, _ in KINDS}
    # Routing misses no store: tests/guest/test_storage.py lets one stall.
    assert {kind for kind, _, _, _ in KINDS} | {"stall"} == set(ALL_KINDS)
    # Without charon the kernel goes on carrying ESP, and what comes in is proof of life: nobody misses it.
    assert [fault for fault, fields in seen.items() if fields["converged"]] == ["kill cgw/charon"]
    flaps = [event.t_ns for event in history.of("fault.flap")]
    # Up for a second, to within the milliseconds that epoll counts in.
    assert [after - before for before, after in pairwise(flaps)] == pytest.approx([10**9], abs=5 * 10**6)
    assert history.first("lab.healed") is not None
