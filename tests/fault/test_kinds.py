"""Claims about faults in a scenario, in virtual time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from testbed.history import History
from tests.conftest import RunScenario
from tests.fault.kinds_scenario import KINDS

pytestmark = pytest.mark.guest
FILE = str(Path(__file__).with_name("kinds_scenario.py"))


def test_every_kind_breaks_something_and_leaves_nothing(run_scenario: RunScenario) -> None:
    history = History(run_scenario(FILE).directory / "record")
    assert not [event.fields for event in history.of("run.failed")]
    seen = {event.fields["fault"]: event.fields for event in history.of("seen")}
    assert set(seen) == {kind for kind, _, _ in KINDS}
    # A flap of 4 s is up again after three; the routes come and go.
    assert not [kind for kind, fields in seen.items() if fields["converged"] and kind != "flap"]
    flaps = [event.t_ns for event in history.of("fault.flap")]
    # Up for a second, to within the milliseconds that epoll counts in.
    assert [after - before for before, after in pairwise(flaps)] == pytest.approx([10**9], abs=5 * 10**6)
    assert history.first("lab.healed") is not None
