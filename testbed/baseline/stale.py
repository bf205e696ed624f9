"""Whether a baseline still speaks of what was run: if not, that is said, and is no failure of the network. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from testbed.baseline.model import Baseline, Made, Recorded
from testbed.baseline.things import changed
from testbed.numbers import listed

DIGITS = 12
"""Of a digest or a key, in words; arbitrary."""


def stale(baseline: Baseline, now: Recorded, *, same_bytes: bool = False) -> list[str]:
    """A sentence for each thing that is another one: structure, scenario, question, seeds, kernel, tools.

    Other tools that leave the ``same_bytes`` change nothing.
    """
    tools = [] if same_bytes else [*_tools(baseline, now)]
    return [*_asked(baseline.recorded.made, now.made), *_seeds(baseline.recorded, now), *tools]


def drifted(baseline: Baseline, now: Recorded) -> list[str]:
    """A line for each thing of the network that is set otherwise. That makes nothing stale: it is what is guarded."""
    return [*changed(baseline.recorded.made.numbers, now.made.numbers)]


def _asked(before: Made, now: Made) -> Iterator[str]:
    if before.structure != now.structure:
        yield "the topology is another one: " + "; ".join(_structure(before, now))
    if before.content != now.content:
        yield f"{Path(now.file).name} is not what it was: it says something else"
    for name in {**before.asked, **now.asked}:
        old, new = (made.asked.get(name, "not there") for made in (before, now))
        if old != new:
            yield f"something else is asked: {name} was {old}, and is {new}"
    for what, old, new in (("kernel", before.kernel, now.kernel), ("clock", before.clock, now.clock)):
        if old != new:
            yield f"recorded with the {old} {what}, run with the {new} one"


def _structure(before: Made, now: Made) -> Iterator[str]:
    old, new = ({line.split(": ", 1)[0]: line for line in made.structure} for made in (before, now))
    for words, names in (
        ("new", [name for name in new if name not in old]),
        ("gone", [name for name in old if name not in new]),
        ("elsewhere", [name for name in new if name in old and old[name] != new[name]]),
    ):
        if names:
            yield f"{words}: {listed(names)}"


def _seeds(before: Recorded, now: Recorded) -> Iterator[str]:
    """In real time seeds are repeats; in virtual time each is compared with itself."""
    other = sorted({*now.runs, *now.unknown} - set(before.runs))
    if other and now.made.clock == "virtual":
        yield f"seeds without a baseline: {', '.join(map(str, other))}"


def _tools(baseline: Baseline, now: Recorded) -> Iterator[str]:
    old, new = baseline.recorded.made.tools, now.made.tools
    for name in dict.fromkeys((*old, *new)):
        one, other = old.get(name, "none"), new.get(name, "none")
        if one != other:
            yield f"another {_word(name)}: {shortened(name, one)} then, {shortened(name, other)} now"


def _word(name: str) -> str:
    return {
        "testbed": "version of the testbed",
        "source": "source of the testbed",
        "packages": "set of Python packages",
    }.get(name, f"version of {name}")


def shortened(name: str, value: str) -> str:
    """A tool's version; of a digest its beginning."""
    return value[:DIGITS] if name in ("source", "packages") else value
