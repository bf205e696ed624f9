"""Claims about a baseline's file: it comes back as it was, is read by people, and says so where it is not whole."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from testbed.baseline.file import parse, read, text_of, write
from testbed.baseline.keep import accept, keep
from testbed.baseline.model import Baseline
from testbed.errors import InputError, MachineError
from tests.baseline.sample import by_seed, real, recorded


def sample() -> Baseline:
    first = keep(recorded({"gap": by_seed(0.866, 0.71), "lost": by_seed(3, 0)}), {"gap": "50 ms"}, "How long: is it?")
    return accept(first, first.recorded, "as agreed: with the carrier", {"lost": "fixed 10 %"})


@example([0.0], "one line\x85and the next\u2028of\r\nthem")
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5), st.text(min_size=1))
def test_a_baseline_comes_back_as_it_was(values: list[float], question: str) -> None:
    made = keep(recorded({"gap": by_seed(*values)}), {}, question)
    try:
        text = text_of(made)
        text.encode()
    except UnicodeEncodeError:
        return  # half of a surrogate pair is no text
    assert parse(text, "x") == made
    assert made.question.split() == question.split()


def test_reasons_and_allowances_come_back_and_the_same_baseline_gives_the_same_bytes() -> None:
    assert parse(text_of(sample()), "x") == sample()
    assert text_of(sample()) == text_of(sample())


def test_a_baseline_of_real_time_has_no_events() -> None:
    made = keep(recorded({"gap": by_seed(*range(1, 11))}, real()), {"gap": "2 s"})
    assert parse(text_of(made), "x") == made
    assert "scenario.start" not in text_of(made)


def test_people_find_the_summary_what_is_allowed_the_environment_and_the_events() -> None:
    text = text_of(sample())
    for line in ("allowed: 0.05 s", "median: 0.788", "lowest: 0.71", "allowed: fixed 10 %", "bird: bird2 2.0.12-7"):
        assert line in text
    assert "\n      15000000000 fault.start {" in text, "an event is a line of its own"


def test_a_change_of_any_byte_is_said_to_be_one() -> None:
    text = text_of(sample())
    edited = text.replace("median: 0.788", "median: 0.789")
    assert edited != text
    with pytest.raises(InputError, match=r"changed by hand or damaged.*checksum") as told:
        parse(edited, "b.yaml")
    assert "testbed baseline accept b.yaml --allow" in str(told.value)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_said_to_be(share: float) -> None:
    text = text_of(sample())
    with pytest.raises(InputError, match=r"cut short|is empty|was changed"):
        parse(text[: int(len(text) * share)], "b.yaml")


def test_line_ends_of_another_system_are_no_change() -> None:
    assert parse(text_of(sample()).replace("\n", "\r\n"), "x") == sample()


def test_another_format_is_said_to_be_one() -> None:
    from testbed.baseline import file

    body = text_of(sample()).rpartition("checksum: ")[0].replace("format: 1", "format: 9")
    with pytest.raises(InputError, match="format 9, and this version reads 1"):
        parse(f"{body}checksum: {file._digest(body)}\n", "x")


def test_what_is_no_baseline_or_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such baseline"):
        read(tmp_path / "none.yaml")
    (tmp_path / "binary").write_bytes(b"\xff\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "binary")


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "b.yaml"
    write(path, sample())
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(MachineError, match="the disk is full"):
        write(path, keep(recorded({"gap": by_seed(1.0)}), {}))
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["b.yaml"]
