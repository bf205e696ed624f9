"""Claims about bisecting: the fewest changes that are bad are found, in few tries, and mixtures are what they say."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.baseline.bisect import Search, Sides, cause_lines, nearer
from testbed.baseline.changes import Lines, Setting, Versions, at_commits, lines, set_to, settings, text_with
from testbed.baseline.delta import minimal
from testbed.baseline.model import Recorded
from testbed.baseline.play import Wanted
from testbed.errors import InputError, RunError
from testbed.verdict import Verdict
from tests.baseline.sample import by_seed, recorded


@given(
    st.integers(1, 40).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1), min_size=1)))
)
def test_exactly_the_changes_that_are_bad_together_are_found(case: tuple[int, set[int]]) -> None:
    count, guilty = case

    def attempt(changes: Sequence[int]) -> Verdict:
        return Verdict.FAIL if guilty <= set(changes) else Verdict.PASS

    assert set(minimal(range(count), attempt)) == guilty


@pytest.mark.parametrize("guilty", range(0, 64, 7))
def test_one_change_of_many_takes_few_tries_and_none_is_made_twice(guilty: int) -> None:
    tries: list[tuple[int, ...]] = []

    def attempt(changes: Sequence[int]) -> Verdict:
        tries.append(tuple(changes))
        return Verdict.FAIL if guilty in changes else Verdict.PASS

    assert minimal(range(64), attempt) == [guilty]
    assert len(tries) <= 2 * math.log2(64)
    assert len(set(tries)) == len(tries)


def test_what_cannot_be_run_is_no_cause() -> None:
    """Changes 2 and 3 need each other: one without the other cannot be run."""

    def attempt(changes: Sequence[int]) -> Verdict:
        if (2 in changes) != (3 in changes):
            return Verdict.UNKNOWN
        return Verdict.FAIL if 3 in changes else Verdict.PASS

    assert minimal(range(6), attempt) == [2, 3]


TEXT = st.lists(st.sampled_from("abc"), max_size=8).map("\n".join)


@given(TEXT, TEXT)
def test_all_changes_of_a_file_make_the_bad_version_and_none_the_good_one(good: str, bad: str) -> None:
    versions = Versions(Path("net.py"), good, bad)
    every = [*lines(versions)]
    assert text_with(versions, []).splitlines() == (good.splitlines() or [""])
    assert text_with(versions, every).splitlines() == (bad.splitlines() or [""])


def test_settings_differ_by_name_and_come_alone() -> None:
    good, bad = {"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "4", "d": "5"}
    every = settings(good, bad)
    assert every == [Setting("b", "2", "4"), Setting("c", "3", None), Setting("d", None, "5")]
    assert set_to(good, every) == bad
    assert set_to(good, every[:1]) == {"a": "1", "b": "4", "c": "3"}


def test_a_file_at_two_commits_is_read_and_a_commit_without_it_is_told(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@x", *words], check=True)

    git("init", "-q")
    for text in ("one\n", "two\n"):
        (tmp_path / "net.py").write_text(text, encoding="utf-8")
        git("add", "net.py")
        git("commit", "-qm", text)
    found = at_commits(tmp_path / "net.py", "HEAD~1", "HEAD")
    assert (found.good, found.bad) == ("one\n", "two\n")
    assert [*lines(found)] == [Lines("net.py", 0, 1, ("one",), ("two",))]
    with pytest.raises(InputError) as told:
        at_commits(tmp_path / "net.py", "nothere", "neither")
    assert len(told.value.problems) == 2


def searched(tmp_path: Path, good: dict[str, str], bad: dict[str, str], values: dict[str, float]) -> Search:
    """A search whose runs take 1 s, and more by what is set to "bad"."""

    def run(wanted: Wanted) -> Recorded:
        if wanted.settings.get("broken") == "bad":
            raise RunError([])
        gap = 1.0 + sum(more for name, more in values.items() if wanted.settings[name] == "bad")
        return recorded({"gap": by_seed(gap, gap), "same": by_seed(1.0, 1.0)})

    wanted = Wanted(
        file="x.py", settings=good, beside=tmp_path, seeds=(1, 2), directory=tmp_path, kernel="guest", clock="virtual"
    )
    return Search(Sides(good=good, bad=bad), wanted, run, lambda text: None, scenario=True)


def test_the_one_change_that_makes_the_difference_is_named_with_what_it_does(tmp_path: Path) -> None:
    names = "abcdefgh"
    search = searched(tmp_path, dict.fromkeys(names, "good"), dict.fromkeys(names, "bad"), {"f": 39.0, "b": 0.5})
    found = search.cause(None)
    assert (found.changes, found.enough) == ((Setting("f", "good", "bad"),), True)
    said = [*cause_lines(found)]
    assert said[0].startswith("One change makes the difference, of 8")
    assert said[2] == "gap: good 1 s, bad 40.5 s; with it alone 40 s"
    assert said[3] == "with all others and without: 1.5 s, as good"


def test_a_second_cause_is_said_to_be_there(tmp_path: Path) -> None:
    search = searched(tmp_path, dict.fromkeys("ab", "good"), dict.fromkeys("ab", "bad"), {"a": 30.0, "b": 30.0})
    found = search.cause(None)
    assert len(found.changes) == 2 or not found.enough


def test_sides_that_do_not_differ_or_do_the_same_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="good and bad are the same"):
        searched(tmp_path, {"a": "good"}, {"a": "good"}, {"a": 1.0}).cause(None)
    with pytest.raises(RunError, match="every measurement is the same"):
        searched(tmp_path, {"a": "good"}, {"a": "bad"}, {"a": 0.0}).cause(None)
    with pytest.raises(InputError, match="did you mean 'gap'"):
        searched(tmp_path, {"a": "good"}, {"a": "bad"}, {"a": 1.0}).cause("gaps")


def test_nearer_is_a_question_of_distance_and_nothing_is_neither() -> None:
    assert [nearer(value, 1.0, 3.0) for value in (0.5, 1.9, 2.1, 9.0, None)] == [
        Verdict.PASS, Verdict.PASS, Verdict.FAIL, Verdict.FAIL, Verdict.UNKNOWN,
    ]  # fmt: skip
