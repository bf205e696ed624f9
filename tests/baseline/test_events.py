"""Claims about the difference of two runs: earlier, later, changed, gone and new, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from testbed.baseline.events import differences
from testbed.baseline.model import event_from, event_line
from testbed.history import Event
from tests.baseline.sample import EVENTS, SECOND

MADE = st.builds(
    Event, st.integers(0, 10**6), st.sampled_from(["bgp", "route"]),
    st.fixed_dictionaries({"node": st.sampled_from("ab"), "state": st.sampled_from(["up", "down"])}),
)  # fmt: skip
HISTORY = st.lists(MADE, max_size=8).map(lambda events: tuple(sorted(events, key=lambda event: event.t_ns)))


def sorts(before: tuple[Event, ...], now: tuple[Event, ...]) -> list[str]:
    return [change.sort for change in differences(before, now).changes]


def test_the_same_events_have_no_difference() -> None:
    found = differences(EVENTS, EVENTS)
    assert (found.changes, found.same, [*found.lines()]) == ((), 5, ["all 5 events are the same"])


def test_each_sort_of_difference_is_told_as_what_it_is() -> None:
    bfd = EVENTS[2]
    later = Event(bfd.t_ns + SECOND, bfd.kind, bfd.fields)
    other = Event(bfd.t_ns, bfd.kind, {**bfd.fields, "detail": "Neighbor signalled down"})
    assert sorts((bfd,), (later,)) == ["later"]
    assert sorts((later,), (bfd,)) == ["earlier"]
    assert sorts((bfd,), (other,)) == ["changed"]
    assert sorts((bfd,), ()) == ["gone"]
    assert sorts((), (bfd,)) == ["new"]


def test_a_change_names_the_field_and_its_new_value() -> None:
    bfd = EVENTS[2]
    now = (Event(bfd.t_ns, bfd.kind, {**bfd.fields, "state": "up"}),)
    assert "now at 15.800 s state=up" in [*differences((bfd,), now).lines()][-1]


def test_what_is_gone_comes_before_what_only_moved_where_there_is_much_to_tell() -> None:
    many = tuple(Event(10 * number, "route", {"node": str(number)}) for number in range(40))
    moved = tuple(Event(event.t_ns + 1, event.kind, event.fields) for event in many[:-1])
    told = [*differences(many, moved).lines(most=3)]
    assert any(line.startswith("gone") for line in told) and told[-1] == "and 37 more"


@given(HISTORY, HISTORY)
def test_every_event_of_both_sides_is_counted_once(before: tuple[Event, ...], now: tuple[Event, ...]) -> None:
    found = differences(before, now)
    assert found.same + sum(change.before is not None for change in found.changes) == len(before)
    assert found.same + sum(change.now is not None for change in found.changes) == len(now)


@given(HISTORY)
def test_a_history_that_is_late_as_a_whole_is_later_event_by_event(before: tuple[Event, ...]) -> None:
    late = tuple(Event(event.t_ns + 7, event.kind, event.fields) for event in before)
    assert sorts(before, late) == ["later"] * len(before)


@given(MADE)
def test_an_event_comes_back_from_its_line(event: Event) -> None:
    assert event_from(event_line(event)) == event
