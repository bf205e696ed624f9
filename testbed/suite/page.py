"""The page of all labs of a session: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from testbed.errors import TestbedError
from testbed.numbers import counted, number, quantity
from testbed.report.content import MARKS
from testbed.report.drawing import Picture, save, write_page
from testbed.report.page import drawings
from testbed.report.rundir import read_run
from testbed.suite.results import CaseResult, Spread, counts, spreads, worst
from testbed.verdict import Verdict

TEMPLATE = "suite.html.j2"
DRAWN_MOST = 40
"""Labs that are drawn; arbitrary: a page with more is not read, and takes a while to make. The table has them all."""
SHOWN = ("timeline", "close-up")
"""Charts of each lab."""


@dataclass(frozen=True)
class Lab:
    """What the page has of one lab. ``note``: why there is no picture, if so."""

    name: str
    results: tuple[CaseResult, ...]
    pictures: tuple[Picture, ...]
    note: str


def write_page_of(results: Sequence[CaseResult], file: Path) -> Path:
    """Write the page. Labs whose directory is gone are told without pictures."""
    verdict = worst(results)
    found = counts(results)
    values = {
        "title": "Tests of networks", "verdict": verdict,
        "mark": MARKS[Verdict[verdict]],
        "sentence": ", ".join(f"{n} {word}" for word, n in found.items() if n) + f" of {counted(len(results), 'test')}",
        "reasons": [f"{each.test}: {each.why}" for each in results if each.verdict in ("FAIL", "UNKNOWN")],
        "results": sorted(results, key=lambda each: list(found).index(each.verdict)),
        "spreads": [_row(each) for each in spreads(results)], "labs": [*_labs(results)], "quantity": quantity,
    }  # fmt: skip
    return write_page(file, TEMPLATE, values)


def _row(spread: Spread) -> tuple[str, ...]:
    numbers = (number(value) for value in spread.summary.values())
    return (spread.test, spread.measurement, spread.unit, str(len(spread.values)), *numbers)


def _labs(results: Sequence[CaseResult]) -> Iterator[Lab]:
    """The worst first: of many labs only the first are drawn."""
    order = list(counts(results))
    directories = dict.fromkeys(
        each.directory for each in sorted(results, key=lambda one: order.index(one.verdict)) if each.directory
    )
    for index, directory in enumerate(directories):
        mine = tuple(each for each in results if each.directory == directory)
        pictures, note = _pictures(Path(directory), index) if index < DRAWN_MOST else ((), "not drawn: too many labs")
        yield Lab(Path(directory).name, mine, pictures, note)


def _pictures(directory: Path, index: int) -> tuple[tuple[Picture, ...], str]:
    try:
        every = drawings(read_run(directory))
        found = tuple(
            save(replace(each, name=f"lab-{index}-{each.name}"), directory, ()) for each in every if each.name in SHOWN
        )
    except TestbedError as error:
        return (), str(error)
    return found, "" if found else "nothing happened that a chart could show"
