"""One check of a suite in a lab that is up: the same words of a lab that a test in Python uses."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Mapping
from re import Match
from typing import Any

from testbed.check.measured import Measured
from testbed.probe.readings import Readings
from testbed.run.engine import played
from testbed.run.lab import Lab
from testbed.suite.model import (
    EXPECTATION,
    READING,
    CheckModel,
    ConvergedWait,
    FaultBlock,
    PathWait,
    ProbeBlock,
    SleepWait,
)
from testbed.units import Duration
from testbed.verdict import Verdict

RELATIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
TAIL = Duration.parse("1 s")
"""As tests in Python have it; arbitrary, longer than any round trip."""


def play(lab: Lab, *, name: str, check: CheckModel) -> None:
    """Carry it out, and note what came of it. Raises :class:`RunError` where nothing can be said."""
    lab.probe.tail = TAIL
    with played(lab):
        lab.recorder.event("test.start", test=name)
        probes: dict[str, Readings] = {}
        with contextlib.ExitStack() as blocks:
            for block in check.during:
                _open(lab, block, blocks, probes)
            for wait in check.wait:
                _wait(lab, wait)
        why = [text for text in check.expect if not _holds(text, probes)]
        for measurement, reading in check.baseline.items():
            found = READING.fullmatch(reading)
            assert found is not None, "it was read before"
            lab.measured(measurement, _read(found, probes))
        outcome = Verdict.FAIL if why else Verdict.PASS
        told = [f"{text}: it is {_read(_match(text), probes)}" for text in why]
        lab.recorder.event("test.stop", test=name, outcome=outcome.name, why=told)


def _open(
    lab: Lab, block: ProbeBlock | FaultBlock, blocks: contextlib.ExitStack, probes: dict[str, Readings]
) -> None:  # fmt: skip
    if isinstance(block, FaultBlock):
        blocks.enter_context(lab.fault.start(block.fault, block.target, block.direction, **block.options))
        return
    start = lab.probe.udp if block.probe == "udp" else lab.probe.ping
    probes[block.name] = blocks.enter_context(start(block.source, block.target, block.interval, name=block.name))


def _wait(lab: Lab, wait: PathWait | SleepWait | ConvergedWait) -> None:
    if isinstance(wait, SleepWait):
        lab.sleep(wait.sleep)
    elif isinstance(wait, ConvergedWait):
        lab.wait_converged("the plan's routes and sessions", wait.within)
    else:
        path = lab.path(*wait.path)
        if wait.uses:
            lab.wait_until(path.uses(wait.uses), within=wait.within)
        if wait.avoids:
            lab.wait_until(path.avoids(wait.avoids), within=wait.within)


def _match(text: str) -> Match[str]:
    found = EXPECTATION.fullmatch(text)
    assert found is not None, "it was read before"
    return found


def _holds(text: str, probes: Mapping[str, Readings]) -> bool:
    found = _match(text)
    return RELATIONS[found["relation"]](_read(found, probes), found["bound"])


def _read(found: Match[str], probes: Mapping[str, Readings]) -> Measured:
    probe = probes[found["probe"]]
    if found["reading"] == "rtt":
        return probe.rtt(found["share"] or "50 %")
    reading: Measured = getattr(probe, found["reading"])
    return reading
