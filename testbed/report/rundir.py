"""A run's directory, read and checked in one go, so that the rest of the report can trust what it is given."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from testbed.errors import InputError, Problem
from testbed.history import EVENTS, RECEIPT, SAMPLES, VERDICT, Event, History
from testbed.plan.plan import Plan
from testbed.plan.schema import plan_from_json
from testbed.report.lookups import Asked, read_lookups
from testbed.report.receipt import Receipt, read_receipt
from testbed.report.streams import Stream, read_stream
from testbed.verdict import Judgement, judge

T = TypeVar("T")

PLAN, ENVIRONMENT, RECORD, REPORT, CHARTS = "plan.json", "environment.json", "record", "report.html", "charts"
NOT_JUDGED = f"the record was not judged: there is no {VERDICT}"
OTHER = "the directory was damaged or changed by hand, or is from another version: run again"


@dataclass(frozen=True)
class Run:
    """All that a report is made from.

    ``start_ns`` and ``stop_ns`` bound the scenario on the record's scale; without one, everything that happened.
    """

    directory: Path
    plan: Plan
    environment: Mapping[str, Any]
    history: History
    judgement: Judgement
    receipt: Receipt | None
    streams: tuple[Stream, ...]
    asked: tuple[Asked, ...]
    start_ns: int
    stop_ns: int

    def since_start(self, t_ns: int) -> float:
        """Seconds from the start of the scenario."""
        return (t_ns - self.start_ns) / 10**9

    @property
    def axis(self) -> str:
        """Words for the axis of time."""
        begun = self.history.first("scenario.start") is not None
        return f"seconds since the {'scenario began' if begun else 'lab was built'}"

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of the record."""
        return self.history.events

    @property
    def failures(self) -> tuple[Event, ...]:
        """What ended the run before its time."""
        return tuple(self.history.of("run.failed"))


def read_run(directory: Path) -> Run:
    """Read a run's directory.

    Raises:
        InputError: with everything that is missing or cannot be read.
    """
    if not directory.is_dir():
        raise InputError(Problem(str(directory), "no such directory", "give the directory that a run wrote"))
    reader = _Reader(directory)
    record = directory / RECORD
    if not record.is_dir():
        reader.problems.append(Problem(f"{RECORD}/", "missing", OTHER))
    plan = reader.read(PLAN, plan_from_json, required=True)
    environment = reader.read(ENVIRONMENT, _object, required=True)
    judgement = reader.read(f"{RECORD}/{VERDICT}", lambda text: Judgement.from_json(_object(text)))
    receipt = reader.read(f"{RECORD}/{RECEIPT}", read_receipt)
    events = reader.read(f"{RECORD}/{EVENTS}", _events) or ()
    names = sorted(path.name for path in (record / SAMPLES).glob("*.csv"))
    streams = [reader.read(f"{RECORD}/{SAMPLES}/{name}", _reader_of(read_stream, name, events)) for name in names]
    asked = [reader.read(f"{RECORD}/{SAMPLES}/{name}", _reader_of(read_lookups, name, events)) for name in names]
    if reader.problems or plan is None or environment is None:
        raise InputError(reader.problems)
    start, stop = _bounds(events)
    return Run(
        directory, plan, environment, History(record), judgement or judge((), [NOT_JUDGED]), receipt,
        tuple(stream for stream in streams if stream is not None),
        tuple(each for each in asked if each is not None), start, stop,
    )  # fmt: skip


class _Reader:
    """Reads files of the run, and collects what is wrong with them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.problems: list[Problem] = []

    def read(self, name: str, parse: Callable[[str], T], *, required: bool = False) -> T | None:
        """The parsed file; ``None`` when there is none, or nothing to be made of it."""
        try:
            return parse((self.directory / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            if required:
                self.problems.append(Problem(name, "missing", OTHER))
        except InputError as error:
            self.problems += [Problem(name, problem.what, problem.hint or OTHER) for problem in error.problems]
        except (ValueError, OSError) as error:  # bad JSON, bad UTF-8 and pydantic's errors are all ValueErrors
            self.problems.append(Problem(name, f"cannot be read: {_first_lines(error)}", OTHER))
        return None


def _first_lines(error: Exception) -> str:
    lines = str(error).splitlines()
    return "; ".join(line.strip() for line in lines[:3]) + ("; ..." if len(lines) > 3 else "")


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"{type(value).__name__} instead of an object")
    return value


def _events(text: str) -> tuple[Event, ...]:
    events = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            event = Event.from_json(line)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"line {number} is not an event: {error!r}") from error
        if not isinstance(event.t_ns, int) or not isinstance(event.kind, str):
            raise ValueError(f"line {number} is not an event: t_ns {event.t_ns!r}, kind {event.kind!r}")
        events.append(event)
    return tuple(events)


def _reader_of(read: Callable[[str, str, str, str], T], file: str, events: tuple[Event, ...]) -> Callable[[str], T]:
    name = file.removesuffix(".csv")
    begun = next((e.fields for e in events if e.kind == "probe.start" and e.fields.get("probe") == name), {})
    return lambda text: read(text, name, str(begun.get("source", "")), str(begun.get("target", "")))


def _bounds(events: tuple[Event, ...]) -> tuple[int, int]:
    """From the start of the scenario to its end. What daemons do while the lab is taken down is not part of it."""
    instants = [event.t_ns for event in events] or [0]
    start = next((event.t_ns for event in events if event.kind == "scenario.start"), min(instants))
    stop = next((event.t_ns for event in events if event.kind == "scenario.stop"), max(instants))
    return start, max(stop, start + 1)
