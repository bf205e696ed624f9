"""Which one change makes the difference between a good and a bad environment? Mixtures of both are run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from testbed.baseline.changes import Change, Versions, lines, set_to, settings, text_with
from testbed.baseline.check import Finding, check
from testbed.baseline.delta import minimal
from testbed.baseline.keep import keep
from testbed.baseline.model import Recorded
from testbed.baseline.play import Wanted
from testbed.errors import InputError, Problem, RunError, known
from testbed.load import TOPOLOGY
from testbed.numbers import counted, quantity
from testbed.verdict import Verdict

CLEAR = 0.1
"""A measurement that differs by so much of the larger value is looked at before others; arbitrary."""
KEY_DIGITS = 8
Run = Callable[[Wanted], Recorded]
Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Sides:
    """What is good and what is bad: settings, and (or none) the topology's file at two commits."""

    good: Mapping[str, str]
    bad: Mapping[str, str]
    versions: Versions | None = None

    @property
    def changes(self) -> tuple[Change, ...]:
        """All that differs."""
        return (*settings(self.good, self.bad), *(lines(self.versions) if self.versions else ()))


@dataclass(frozen=True)
class Cause:
    """The fewest changes that make the difference.

    Attributes:
        alone: the measurement's median with these changes and no other.
        without: with all others and without these; none where that cannot be run or nothing else differs.
        enough: without these it is good: they are the only cause.
    """

    measurement: str
    unit: str
    good: float
    bad: float
    changes: tuple[Change, ...]
    of: int
    tries: int
    alone: float
    without: float | None
    enough: bool


@dataclass
class Search:
    """Runs mixtures of two sides, each once.

    Attributes:
        wanted: what is run, with the good settings; each mixture gets a folder of its own below its directory.
        file: the scenario is run on the topology's mixture; without one the mixture itself is what is run.
    """

    sides: Sides
    wanted: Wanted
    run: Run
    tell: Tell
    scenario: bool
    done: dict[tuple[Change, ...], Recorded | None] = field(default_factory=dict)

    def cause(self, on: str | None) -> Cause:
        """Find it.

        Raises:
            InputError: the sides do not differ, or ``on`` is not measured.
            RunError: good or bad cannot be run, or do the same.
        """
        every = self.sides.changes
        if not every:
            raise InputError(Problem("bisect", "good and bad are the same", "say what differs: --good ... --bad ..."))
        good, bad = self._side((), "good"), self._side(every, "bad")
        about = _about(good, bad, on)
        assert about.before is not None and about.now is not None
        self.tell(f"{about.name}: good {quantity(about.before, about.unit)}, bad {quantity(about.now, about.unit)}")

        def attempt(changes: Sequence[Change]) -> Verdict:
            value = self._median(tuple(changes), about.name)
            verdict = nearer(value, about.before or 0.0, about.now or 0.0)
            said = {Verdict.FAIL: "bad", Verdict.PASS: "good"}.get(verdict, "cannot be run")
            of = f"{len(changes)} of {counted(len(every), 'change')}"
            self.tell(f"{of}: {quantity(value, about.unit)}, {said}" if value is not None else f"{of}: {said}")
            return verdict

        found = tuple(minimal(every, attempt))
        rest = tuple(each for each in every if each not in found)
        verdict = attempt(rest) if rest else Verdict.PASS
        alone = self._median(found, about.name)
        assert alone is not None
        return Cause(
            about.name, about.unit, about.before, about.now, found, len(every), len(self.done), alone,
            self._median(rest, about.name) if rest else None, verdict is Verdict.PASS,
        )  # fmt: skip

    def _side(self, changes: tuple[Change, ...], name: str) -> Recorded:
        found = self._recorded(changes, strict=True)
        if found is None or not found.series:
            why = next(iter(found.unknown.values()), "nothing was measured") if found else ""
            raise RunError(Problem(f"the {name} side", f"cannot be judged: {why}", "mend that first"))
        return found

    def _median(self, changes: tuple[Change, ...], name: str) -> float | None:
        found = self._recorded(changes)
        series = found.series.get(name) if found else None
        return series.median if series and series.values else None

    def _recorded(self, changes: tuple[Change, ...], *, strict: bool = False) -> Recorded | None:
        """What a mixture does; none where it cannot be run at all."""
        if changes not in self.done:
            try:
                self.done[changes] = self.run(self._mixed(changes))
            except (InputError, RunError) as error:
                if strict:
                    raise
                self.tell(str(error.problems[0]).splitlines()[0])
                self.done[changes] = None
        return self.done[changes]

    def _mixed(self, changes: tuple[Change, ...]) -> Wanted:
        """The runs of a mixture, in a folder that is named by what it is."""
        given = set_to(self.sides.good, changes)
        text = text_with(self.sides.versions, changes) if self.sides.versions else ""
        key = hashlib.blake2b(repr((sorted(given.items()), text)).encode(), digest_size=KEY_DIGITS // 2).hexdigest()
        folder = self.wanted.directory / key
        file = self.wanted.file
        if self.sides.versions:
            place = folder / self.sides.versions.path.name  # of the same name: it names the lab
            folder.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
            given, file = ({**given, TOPOLOGY: str(place)}, file) if self.scenario else (given, str(place))
        return Wanted(
            file=file, settings=given, beside=self.wanted.beside, seeds=self.wanted.seeds, directory=folder,
            kernel=self.wanted.kernel, clock=self.wanted.clock,
        )  # fmt: skip


def nearer(value: float | None, good: float, bad: float) -> Verdict:
    """FAIL: nearer to ``bad``; PASS: nearer to ``good``."""
    if value is None:
        return Verdict.UNKNOWN
    return Verdict.FAIL if abs(value - bad) < abs(value - good) else Verdict.PASS


def _about(good: Recorded, bad: Recorded, on: str | None) -> Finding:
    """The measurement that is looked at: the first one that differs much, else the one that differs most."""
    both = [
        each for each in check(keep(good, {"*": "nothing"}), bad, judge_stale=True).findings
        if each.before is not None and each.now is not None
    ]  # fmt: skip
    if on is not None and on not in [each.name for each in both]:
        names = [each.name for each in both]
        raise InputError(Problem(f"--on {on}", "is not measured on both sides", known(on, names)))
    wanted = [each for each in both if each.before != each.now and on in (None, each.name)]
    if not wanted:
        what = f"{on or 'every measurement'} is the same on both sides"
        raise RunError(Problem("bisect", what, "more --seeds, another --on, or sides that differ"))
    return next((each for each in wanted if _share(each) >= CLEAR), max(wanted, key=_share))


def _share(each: Finding) -> float:
    old, new = each.before or 0.0, each.now or 0.0
    return abs(new - old) / max(abs(new), abs(old))


def cause_json(found: Cause) -> dict[str, object]:
    """What was found, for programs."""
    return {
        "changes": [line for change in found.changes for line in change.words()], "of": found.of, "tries": found.tries,
        "only_cause": found.enough, "measurement": found.measurement, "unit": found.unit, "good": found.good,
        "bad": found.bad, "alone": found.alone, "without": found.without,
    }  # fmt: skip


def cause_lines(found: Cause) -> Iterator[str]:
    """What was found, in words."""
    count = len(found.changes)
    makes = "One change makes" if count == 1 else f"{count} changes together make"
    yield f"{makes} the difference, of {found.of} (in {counted(found.tries, 'try', 'tries')}):"
    yield from (f"  {line}" for change in found.changes for line in change.words())
    good, bad, alone = (quantity(each, found.unit) for each in (found.good, found.bad, found.alone))
    yield f"{found.measurement}: good {good}, bad {bad}; with {'it' if count == 1 else 'them'} alone {alone}"
    if found.of > count:
        without = quantity(found.without, found.unit)
        so = "as good" if found.enough else "not good either: there is more than one cause"
        yield f"with all others and without: {without if found.without is not None else 'cannot be run'}, {so}"
