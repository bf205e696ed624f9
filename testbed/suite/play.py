"""``testbed check``: every check of a suite, with every seed, in a lab of its own; the same results as tests give."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from testbed.boot.identity import digest
from testbed.boot.runner import Message, Options, Outcome, Play, run
from testbed.check.measured import of_fields
from testbed.errors import Exit, InputError, Problem, TestbedError, known
from testbed.fault.kinds import KINDS
from testbed.history import History
from testbed.kernel.detect import Choice
from testbed.load import Loaded, find_file, load
from testbed.run.way import Way
from testbed.suite import held
from testbed.suite.held import Held
from testbed.suite.judged import measure, shown
from testbed.suite.model import EXPECTATION, READING, CheckModel, FaultBlock, PathWait, ProbeBlock, SuiteModel
from testbed.suite.results import CaseResult, Verdict

MODULE = "testbed.suite.inside"


@dataclass(frozen=True)
class Planned:
    """One check that can be run."""

    name: str
    check: CheckModel
    loaded: Loaded
    settings: dict[str, str]
    seeds: int
    clock: str | None


@dataclass(frozen=True, kw_only=True)
class How:
    """How a suite is to be played. ``baseline``: ``check``, ``record`` or ``accept``; no ``seeds``: the checks' own."""

    suite: Path
    folder: Path
    seeds: Sequence[int]
    wall_limit_s: float
    baseline: str
    because: str


def plan(suite: SuiteModel, path: Path, given: Mapping[str, str]) -> list[Planned]:
    """Load every check's topology. Raises :class:`InputError` with everything that is wrong with any of them."""
    problems: dict[Problem, None] = {}
    found = []
    for name, check in suite.checks.items():
        try:
            settings = {**suite.set, **check.set, **given}
            topology = check.topology or suite.topology
            if not topology:
                raise InputError(Problem(name, "has no topology", "topology: topologies/hybrid.py"))
            loaded = load(str(find_file(topology, beside=path.parent)), settings)
            if wrong := [*_wrong(name, check, loaded)]:
                raise InputError(wrong)
            found.append(Planned(name, check, loaded, settings, check.seeds or suite.seeds, check.clock or suite.clock))
        except InputError as error:
            problems |= dict.fromkeys(error.problems)
    if problems:
        raise InputError(problems)
    return found


def _wrong(name: str, check: CheckModel, loaded: Loaded) -> Iterator[Problem]:
    nodes = [node.name for node in loaded.plan.nodes]
    probes = [block for block in check.during if isinstance(block, ProbeBlock)]
    names = [block.name for block in probes]
    for block in probes:
        for node in (block.source, block.target):
            if node not in nodes:
                yield Problem(f"{name}, probe {block.name}", f"{node}: no such node", known(node, nodes))
    for fault in (block for block in check.during if isinstance(block, FaultBlock)):
        if fault.fault not in KINDS:
            yield Problem(f"{name}, fault {fault.fault}", "no such kind", known(fault.fault, KINDS))
    for text in (*check.expect, *check.baseline.values()):
        match = EXPECTATION.fullmatch(text) or READING.fullmatch(text)
        if match is not None and match["probe"] not in names:
            yield Problem(f"{name}, {text}", f"no probe {match['probe']}", known(match["probe"], names))
    for wait in (each for each in check.wait if isinstance(each, PathWait)):
        try:
            way = Way(loaded.plan, dict, *wait.path)
            for link in filter(None, (wait.uses, wait.avoids)):
                way.uses(link)
        except InputError as error:
            yield from (Problem(f"{name}, {each.where}", each.what, each.hint) for each in error.problems)
    if not check.expect and not check.baseline:
        yield Problem(name, "expects nothing", "expect: [flow.longest_gap < 1s]")


def play(
    planned: Sequence[Planned], how: How, choose: Callable[[str | None], Choice], on_message: Callable[[Message], None]
) -> list[CaseResult]:
    """Run every check with every seed. Raises what this machine lacks."""
    results: list[CaseResult] = []
    for one in planned:
        choice = choose(one.clock)
        mine: list[CaseResult] = []
        noted: list[Held] = []
        for seed in how.seeds or range(1, one.seeds + 1):
            on_message({"kind": "progress", "text": f"{one.name}, seed {seed}"})
            mine.append(_run(one, seed, how, choice, on_message))
            if one.check.baseline and mine[-1].verdict == "PASS":
                noted.append(_held(one, seed, how, Path(mine[-1].directory)))
        if noted and len(noted) == len(mine):
            mine[-1] = _with_baseline(mine[-1], noted, how)
        results += mine
    return results


def _run(one: Planned, seed: int, how: How, choice: Choice, on_message: Callable[[Message], None]) -> CaseResult:
    words = ["testbed", "check", str(how.suite), "--only", one.name, "--seed", str(seed)]
    directory = how.folder / f"{held.plain(one.name)}-seed-{seed}"
    options = Options(
        seed=seed, kernel=choice.kernel, clock=choice.clock, out=directory, wall_limit_s=how.wall_limit_s,
        command=words, why=choice.why, report=False,
    )  # fmt: skip
    told: dict[str, Any] = {"name": one.name, "check": one.check.model_dump()}
    about = {"question": one.name, "hypothesis": "", "refuted_by": "", "file": how.suite.name, "charts": []}
    named = {"tests": [one.name], "tests_bytes": {how.suite.name: digest(how.suite)}}
    began = time.monotonic()
    outcome = run(one.loaded, one.settings, options, on_message, Play(MODULE, told, measure, named, about))
    return CaseResult(
        test=f"{one.name}, seed {seed}", name=one.name, seed=seed, topology=one.loaded.plan.topology,
        verdict=_verdict(outcome), why="; ".join(outcome.judgement.why[:3]), measured=_measured(directory),
        directory=str(directory), file=str(how.suite), line=0, wall_s=round(time.monotonic() - began, 3),
        again=shlex.join(words),
    )  # fmt: skip


def _verdict(outcome: Outcome) -> Verdict:
    found = outcome.judgement.verdict.name
    return "PASS" if found == "PASS" else "FAIL" if found == "FAIL" else "UNKNOWN"


def _measured(directory: Path) -> tuple[Any, ...]:
    return tuple(shown(of_fields(dict(event.fields))) for event in History(directory / "record").of("measured"))


def _held(one: Planned, seed: int, how: How, directory: Path) -> Held:
    file = held.baseline_file(how.suite.parent, f"{how.suite.stem}-{one.name}")
    events = [dict(event.fields) | {"allowed": ""} for event in History(directory / "record").of("measured")]
    noted = [each for each in events if each["name"] in one.check.baseline]
    return held.held(directory, file, one.name, held.named(one.check.model_dump_json()), one.settings, seed, noted)


def _with_baseline(last: CaseResult, noted: Sequence[Held], how: How) -> CaseResult:
    """The last seed's result also says what the baseline makes of all of them."""
    try:
        if how.baseline != "check":
            held.store(noted, how.because)
            return last
        verdict, reasons = held.judge(noted)
    except TestbedError as error:
        found: Verdict = "UNKNOWN" if error.exit is Exit.UNKNOWN else "FAIL"
        return replace(last, verdict=found, why="; ".join(str(error).splitlines()))
    if verdict.name == "PASS":
        return last
    return replace(last, verdict="FAIL" if verdict.name == "FAIL" else "UNKNOWN", why="; ".join(reasons))


def tidy(results: Sequence[CaseResult]) -> None:
    """Remove the run directories of what passed."""
    for each in results:
        if each.verdict == "PASS":
            shutil.rmtree(each.directory, ignore_errors=True)
