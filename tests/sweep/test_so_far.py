"""Claims about what is seen while a study is played: whole tables that grow, and a report that never says PASS."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from pyarrow import parquet

from testbed.errors import InputError
from testbed.report.data import PARQUET
from testbed.study import Played, Study
from testbed.sweep import sofar, stream
from testbed.sweep.directory import asked, run_directory, write_json
from testbed.sweep.planned import Planned, plan_study
from testbed.verdict import Measurement, judge

HERE = Path(__file__).parent
GOOD = judge([Measurement("gap", 1.0, "s", low=0.0, high=2.0)])
BAD = judge([Measurement("gap", 9.0, "s", low=0.0, high=2.0)])


def rows(folder: Path) -> int:
    """As a reader sees the folder."""
    return int(parquet.read_table(folder / stream.STREAM).num_rows)


def test_a_stream_is_a_whole_table_whenever_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "ROWS_MOST", 3)
    found = stream.Stream(tmp_path)
    found.begin()
    for seed in range(1, 8):
        found.add({"delay": "1 ms"}, Played(seed, GOOD))
        assert seed < 3 or rows(tmp_path) == seed // 3 * 3
    found.flush()
    assert rows(tmp_path) == 7
    table = parquet.read_table(tmp_path / stream.STREAM).to_pylist()
    assert table[0]["delay"] == "1 ms" and [row["seed"] for row in table] == list(range(1, 8))
    found.end()
    assert not (tmp_path / stream.STREAM).exists()


def test_what_a_killed_play_was_writing_is_in_no_table_and_the_next_begins_anew(tmp_path: Path) -> None:
    first = stream.Stream(tmp_path)
    first.begin()
    first.add({}, Played(1, GOOD))
    first.flush()
    (tmp_path / stream.STREAM / ".000002.tmp").write_bytes(b"half")
    assert rows(tmp_path) == 1
    again = stream.Stream(tmp_path)
    again.begin()
    again.add({}, Played(1, GOOD))
    again.add({}, Played(2, GOOD))
    again.flush()
    assert rows(tmp_path) == 2


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    """Two cells of two seeds, of which nothing has been run yet."""
    study = Study("tiny.py", "?", "", "", 2)
    study.axis("distance", {"near": {"dx.delay": "1 ms"}, "far": {"dx.delay": "20 ms"}})
    found = plan_study(study, HERE, {})
    write_json(tmp_path / "study.json", asked(found, "study", "tiny.py", {}, ("guest", "virtual")))
    return found


def told(directory: Path, planned: Planned) -> sofar.Told:
    return sofar.Told(str(directory), planned.total, [(dict(cell.cell.at), cell.folder) for cell in planned.cells])


@pytest.mark.parametrize(("judgement", "words"), [(GOOD, "UNKNOWN"), (BAD, "FAIL")])
def test_the_report_says_how_many_runs_there_are_and_is_never_a_pass(
    tmp_path: Path, planned: Planned, judgement: object, words: str
) -> None:
    done = run_directory(tmp_path, planned.cells[0], 2)
    write_json(done / "record" / "verdict.json", (GOOD if judgement is GOOD else BAD).to_json())
    write_json(done.with_name("seed-1.part") / "half", {})
    page = sofar.report(told(tmp_path, planned)).read_text(encoding="utf-8")
    assert "<title>1 of 4 runs so far" in page
    assert 'http-equiv="refresh"' in page
    assert f'class="verdict {words.lower()}"' in page
    assert parquet.read_table(tmp_path / PARQUET).num_rows == 1


def test_it_is_made_by_a_process_of_its_own_one_at_a_time(
    tmp_path: Path, planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sofar, "FIRST_S", 0.0)
    write_json(run_directory(tmp_path, planned.cells[1], 1) / "record" / "verdict.json", GOOD.to_json())
    makes = sofar.SoFar(told(tmp_path, planned))
    deadline = time.monotonic() + 60
    while not (tmp_path / "report.html").exists():
        makes.update()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    makes.close()
    assert json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))["seeds"] == 2


def test_a_damaged_run_ends_the_report_and_not_the_play(tmp_path: Path, planned: Planned) -> None:
    (run_directory(tmp_path, planned.cells[0], 1) / "record").mkdir(parents=True)
    with pytest.raises(InputError):
        sofar.report(told(tmp_path, planned))
