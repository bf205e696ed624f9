"""Two runs of one seed in virtual time as a difference of events: earlier, later, changed, gone, new. Pure.

The same events are found first (the longest common sequence of what happened, whenever it happened); of the rest, what
has the same kind and subject is a change, and what has no counterpart is gone or new.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from testbed.history import Event
from testbed.numbers import counted, seconds

SUBJECT = ("node", "session", "probe", "source", "target", "family", "sort", "fault", "link", "program", "prefix")
"""Fields that say what an event is about; the others say what became of it."""
LINES = 12
"""Differences that are told one by one; arbitrary: more are not read."""
INSTANT = "_ns"
"""Ends the names of fields that are instants: they differ wherever the event's own does."""

Sort = Literal["later", "earlier", "changed", "gone", "new"]


@dataclass(frozen=True)
class Change:
    """One event that is not as it was. ``before`` is none for a new one, ``now`` for one that is gone."""

    sort: Sort
    before: Event | None
    now: Event | None

    @property
    def at_ns(self) -> int:
        """Where on the time line it is told: when it was, or is."""
        first = self.before or self.now
        assert first is not None
        return first.t_ns

    @property
    def shift_ns(self) -> int:
        """By how much later it is; negative: earlier."""
        return 0 if self.before is None or self.now is None else self.now.t_ns - self.before.t_ns


@dataclass(frozen=True)
class Differences:
    """All changes in the order of time, and how many events are the same to the nanosecond."""

    changes: tuple[Change, ...]
    same: int
    start_ns: int

    def lines(self, most: int = LINES) -> Iterator[str]:
        """A sentence that counts, then the first changes one by one."""
        if not self.changes:
            yield f"all {counted(self.same, 'event')} are the same"
            return
        yield f"{self._counts()}; {counted(self.same, 'event')} the same to the nanosecond"
        first = self.changes[0]
        yield f"the first difference is at {self._at(first.at_ns)}"
        told = sorted(self.changes, key=lambda each: (_small(each), each.at_ns))[:most]
        yield from (self._words(each) for each in sorted(told, key=lambda each: each.at_ns))
        if len(self.changes) > most:
            yield f"and {len(self.changes) - most} more"

    def _counts(self) -> str:
        sorts: tuple[Sort, ...] = ("later", "earlier", "changed", "gone", "new")
        counts = {sort: sum(each.sort == sort for each in self.changes) for sort in sorts}
        return ", ".join(f"{count} {sort}" for sort, count in counts.items() if count)

    def _words(self, each: Change) -> str:
        if each.before is None:
            assert each.now is not None
            return f"new      {self._at(each.now.t_ns)}  {describe(each.now)}"
        if each.now is None:
            return f"gone     {self._at(each.before.t_ns)}  {describe(each.before)}"
        what = describe(each.before)
        if each.sort == "changed":
            return f"changed  {self._at(each.before.t_ns)}  {what}; now at {self._at(each.now.t_ns)} {_new(each)}"
        by = seconds(abs(each.shift_ns) / 10**9)
        return f"{each.sort:8} {self._at(each.before.t_ns)}  {what}: {by} {each.sort}, at {self._at(each.now.t_ns)}"

    def _at(self, t_ns: int) -> str:
        return f"{(t_ns - self.start_ns) / 10**9:.3f} s"


def _small(each: Change) -> int:
    """What is told first: gone, new and changed before what only moved, and of these what moved by more."""
    return 0 if each.sort in ("gone", "new", "changed") else 1 + (abs(each.shift_ns) < 10**6)


def describe(event: Event) -> str:
    """Kind and fields, without instants."""
    fields = " ".join(f"{name}={_plain(value)}" for name, value in event.fields.items() if not name.endswith(INSTANT))
    return f"{event.kind} {fields}".rstrip()


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _new(each: Change) -> str:
    assert each.before is not None and each.now is not None
    old, new = each.before.fields, each.now.fields
    return " ".join(f"{name}={_plain(value)}" for name, value in new.items() if old.get(name) != value)


def differences(before: Sequence[Event], now: Sequence[Event]) -> Differences:
    """What became of the events of ``before`` in ``now``."""
    old, new = [_key(event) for event in before], [_key(event) for event in now]
    changes: list[Change] = []
    gone: list[Event] = []
    came: list[Event] = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, a, a_end, b, b_end in matcher.get_opcodes():
        if tag != "equal":
            gone += before[a:a_end]
            came += now[b:b_end]
            continue
        for one, other in zip(before[a:a_end], now[b:b_end], strict=True):
            changes += [] if one == other else [_moved(one, other)]
    changes += _paired(gone, came)
    same = len(before) - sum(change.before is not None for change in changes)
    start = next((event.t_ns for event in before if event.kind == "scenario.start"), 0)
    return Differences(tuple(sorted(changes, key=lambda each: each.at_ns)), same, start)


def _moved(before: Event, now: Event) -> Change:
    """The same thing at another instant, or (where only a field that is an instant differs) changed."""
    if before.t_ns == now.t_ns:
        return Change("changed", before, now)
    return Change("later" if now.t_ns > before.t_ns else "earlier", before, now)


def _key(event: Event) -> str:
    """What happened, whenever it did."""
    fields = {name: value for name, value in event.fields.items() if not name.endswith(INSTANT)}
    return f"{event.kind} {json.dumps(fields, sort_keys=True)}"


def _paired(gone: Sequence[Event], came: Sequence[Event]) -> Iterator[Change]:
    """First what happened all the same, in another order; then what is about the same subject; then the rest."""
    left = list(came)
    rest: list[Event] = []
    for event in gone:
        other = next((each for each in left if _key(each) == _key(event)), None)
        if other is None:
            rest.append(event)
        else:
            left.remove(other)
            if other != event:
                yield _moved(event, other)
    for event in rest:
        other = next((each for each in left if _subject(each) == _subject(event)), None)
        if other is not None:
            left.remove(other)
        yield Change("gone" if other is None else "changed", event, other)
    yield from (Change("new", None, event) for event in left)


def _subject(event: Event) -> tuple[object, ...]:
    return (event.kind, *(json.dumps(event.fields.get(name)) for name in SUBJECT))
