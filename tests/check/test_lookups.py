"""Claims about reading lookups back from a record."""

from __future__ import annotations

from pathlib import Path

from testbed.check.lookups import Lookup, between, lookups, median_ms, results
from testbed.history import History, Recorder
from testbed.probe.dns import COLUMNS
from testbed.resolvers import RESULTS


def test_samples_come_back_with_their_words(tmp_path: Path) -> None:
    rows = [(0, 10, 2_000_010, RESULTS.index("answer"), 60), (1, 20, 5_000_020, RESULTS.index("timeout"), None)]
    Recorder(tmp_path).samples("names", COLUMNS, rows)
    found = lookups(History(tmp_path), "names")
    assert found == (Lookup(10, 2_000_010, "answer", 60), Lookup(20, 5_000_020, "timeout", None))
    assert [each.ok for each in found] == [True, False]
    assert median_ms(found) == 2.0 and results(found) == {"answer": 1, "timeout": 1}
    assert between(found, 10, 20) == found[:1]


def test_without_samples_nothing_is_known(tmp_path: Path) -> None:
    Recorder(tmp_path)
    assert lookups(History(tmp_path), "names") == () and median_ms(()) is None
