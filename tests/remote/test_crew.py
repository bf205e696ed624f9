"""Claims about who does which run: each ends once, none is at two workers, whoever comes, goes or is refused."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from testbed.remote.crew import LOST_MAX, Crew

ADDRESSES = ("a", "b", "c", "d")
RUNS = 6
THERE = some.dictionaries(some.sampled_from(ADDRESSES), some.integers(1, 3))
STEPS = some.lists(some.tuples(THERE, some.sets(some.sampled_from(ADDRESSES)), some.integers(0, 3)), max_size=12)


def ready(crew: Crew, there: dict[str, int]) -> None:
    for address in crew.roll(there).came:
        crew.workers[address].ready = True


@given(STEPS, some.none() | some.integers(1, 4))
def test_each_run_ends_once_and_is_never_at_two_workers(
    steps: list[tuple[dict[str, int], set[str], int]], at_once: int | None
) -> None:
    crew, ended, under_way = Crew(RUNS, at_once), list[int](), dict[int, str]()
    for there, refused, finish in [*steps, *[({"z": 1}, set[str](), 1)] * (RUNS + 1)]:
        ready(crew, there)
        for address in refused:
            crew.refuse(address, ("why not",))
        under_way = {run: at for run, at in under_way.items() if at in crew.workers and not crew.workers[at].refused}
        ended += [run for run in crew.lost if crew.given_up(run) and run not in ended]
        for run, address in crew.assign():
            assert run not in under_way and run not in ended
            under_way[run] = address
        assert sorted(under_way) == crew.under_way
        assert at_once is None or len(under_way) <= at_once
        for worker in crew.workers.values():
            assert len(worker.under_way) <= worker.threads
        for run, address in sorted(under_way.items())[:finish]:
            crew.done(run, address)
            del under_way[run]
            ended.append(run)
    assert sorted(ended) == list(range(RUNS))


def test_a_lost_run_is_the_next() -> None:
    crew = Crew(3)
    ready(crew, {"a": 1, "b": 1})
    assert crew.assign() == [(0, "a"), (1, "b")]
    ready(crew, {"b": 1, "c": 1})
    assert crew.assign() == [(0, "c")]
    assert crew.lost == {0: ["a"]}


def test_a_run_that_takes_every_worker_down_is_given_up_with_their_names() -> None:
    crew = Crew(1)
    for number in range(LOST_MAX):
        assert not crew.given_up(0)
        ready(crew, {f"w{number}": 1})
        assert crew.assign() == [(0, f"w{number}")]
    ready(crew, {"last": 1})
    assert crew.assign() == []
    assert "w0" in crew.given_up(0) and f"w{LOST_MAX - 1}" in crew.given_up(0)


def test_there_is_no_hope_where_all_are_refused_or_nobody_is_there() -> None:
    crew = Crew(1)
    assert crew.hopeless()
    crew.roll({"a": 1})
    assert not crew.hopeless()
    crew.refuse("a", ("another kernel",))
    assert crew.hopeless()
    assert crew.assign() == []
