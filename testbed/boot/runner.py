"""One run from the outside: make its directory, start the job in a kernel, judge the record, write the report."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import platform
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from testbed import __version__
from testbed.boot import cpu, guest, host
from testbed.boot.identity import identity, packages, source
from testbed.boot.making import in_guests, on_the_host
from testbed.boot.means import Means, kernel_key, means_for
from testbed.boot.states import with_clusters
from testbed.check.judge import Measure, judge_run
from testbed.errors import InputError, MachineError, Problem
from testbed.history import CALIBRATION, IDENTITY, RECEIPT, History
from testbed.job import Clock, Job, Kernel
from testbed.load import TOPOLOGY, Loaded
from testbed.plan.plan import Plan
from testbed.plan.schema import plan_json
from testbed.run.engine import plan_digest
from testbed.run.needs import check, versions
from testbed.units import Size
from testbed.verdict import Judgement

WALL_LIMIT_S = 600.0
DISK_NEEDED = Size(64 * 2**20)
"""A record is a few MB; arbitrary."""

Message = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """How a run is to be done."""

    seed: int
    kernel: Kernel
    clock: Clock
    out: Path | None
    wall_limit_s: float = WALL_LIMIT_S
    command: Sequence[str] = ()
    why: str = ""
    report: bool = True
    impaired: bool = True


@dataclass(frozen=True)
class Play:
    """What is done with a lab instead of its scenario.

    Attributes:
        module: run where the lab is; see :func:`testbed.boot.init.run_and_tell` and :mod:`testbed.boot.host`.
        told: for it, in the job.
        measure: what is measured afterwards.
        named: what the run is a run of, for ``identity.json``, besides its topology.
        about: stands in ``environment.json`` for the scenario.
        line: a descriptor that leads to a terminal, for whoever debugs there.
    """

    module: str
    told: Mapping[str, Any]
    measure: Measure
    named: Mapping[str, Any]
    about: Mapping[str, Any]
    line: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What a run left; no report where none was asked for."""

    directory: Path
    judgement: Judgement
    report: Path | None


def run(
    loaded: Loaded, settings: dict[str, str], options: Options, on_message: Callable[[Message], None],
    play: Play | None = None,
) -> Outcome:  # fmt: skip
    """Do a run. Raises for bad input and for what this machine lacks; anything else is in the outcome."""
    check(loaded, options.kernel)
    means = None
    if options.kernel == "guest":
        means = means_for(loaded.plan, lambda text: on_message({"kind": "progress", "text": text}))
    directory = make_directory(loaded, options.out)
    record = directory / "record"
    bare = {} if options.impaired else {"impaired": False}
    write_what(directory, loaded, {"seed": options.seed, **bare, **({} if play is None else play.named)})
    job = Job(
        file=str(loaded.path), settings=_absolute(settings, loaded), lab=loaded.plan.lab, record=str(record),
        seed=options.seed, kernel=options.kernel, clock=options.clock, plan_digest=plan_digest(loaded.plan),
        told={} if play is None else play.told, impaired=options.impaired,
    )  # fmt: skip
    ended = _start(job, loaded.plan, means, options, on_message, play)
    problem = ended.problem()
    _judge_receipt(record, loaded, options)
    measure = None if play is None else play.measure
    judgement = judge_run(record, loaded, ended={"problem": problem, "spins": ended.spins}, measure=measure)
    _write_environment(directory, loaded, options, ended, means, about(loaded) if play is None else play.about)
    if not options.report:
        return Outcome(directory, judgement, None)
    from testbed.report.page import write_report

    on_message({"kind": "progress", "text": "writing the report"})
    return Outcome(directory, judgement, write_report(directory))


def write_what(directory: Path, loaded: Loaded, named: Mapping[str, Any]) -> None:
    """Write what a run is a run of, its ``named`` part among it: ``identity.json`` of the record, and the plan."""
    text = json.dumps({**identity(loaded), **named}, indent=1) + "\n"
    (directory / "record" / IDENTITY).write_text(text, encoding="utf-8")
    (directory / "plan.json").write_text(plan_json(loaded.plan), encoding="utf-8")


def _absolute(settings: dict[str, str], loaded: Loaded) -> dict[str, str]:
    """The settings, with the topology's file where it is found from anywhere."""
    return settings | ({TOPOLOGY: str(loaded.topology)} if TOPOLOGY in settings else {})


def _start(
    job: Job, plan: Plan, means: Means | None, options: Options, on_message: Callable[[Message], None],
    play: Play | None,
) -> guest.GuestRun:  # fmt: skip
    line = play.line if play else None
    limit = options.wall_limit_s

    def tell(text: str) -> None:
        on_message({"kind": "progress", "text": text})

    if job.kernel == "host":
        with with_clusters(job, plan, on_the_host(limit, on_message), tell) as ready:
            return host.run(ready, limit, on_message, play.module if play else host.RUN, line)
    assert means is not None
    with cpu.claimed() as number, with_clusters(job, plan, in_guests(means, number, limit, on_message), tell) as ready:
        module = play.module if play else guest.RUN
        return guest.run(means.kernel, ready, means.memory, number, limit, on_message, module, line)


def make_directory(loaded: Loaded, out: Path | None) -> Path:
    """A new folder for a run and its record. Raises :class:`InputError` or :class:`MachineError`."""
    if out is not None:
        directory = out.absolute()
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise InputError(Problem(f"--out {out}", "exists and is not empty", "name a new folder, or empty that one"))
    else:
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        directory = Path("runs", f"{loaded.path.stem}-{stamp}-{os.getpid()}").absolute()
    try:
        (directory / "record" / "samples").mkdir(parents=True)
    except OSError as error:
        raise MachineError(
            Problem(str(directory), f"cannot be made: {error.strerror}", "choose another place with --out")
        ) from error
    check_disk(directory)
    return directory


def check_disk(directory: Path) -> None:
    """Raise where a record may not fit on the disk."""
    room = os.statvfs(directory)
    if room.f_bavail * room.f_frsize < DISK_NEEDED:
        what, hint = f"less than {DISK_NEEDED} free on this disk", "make room, or choose another place with --out"
        raise MachineError(Problem(str(directory), what, hint))


def _judge_receipt(record: Path, loaded: Loaded, options: Options) -> None:
    raw = History(record).read_json(CALIBRATION)
    if raw is None:
        return
    from testbed.check.receipt import judge_receipt

    receipt = judge_receipt(raw, loaded.plan, options.clock, options.kernel)
    (record / RECEIPT).write_text(json.dumps(receipt, indent=1) + "\n", encoding="utf-8")


def about(loaded: Loaded) -> Mapping[str, Any] | None:
    """What ``environment.json`` says of the scenario."""
    scenario = loaded.scenario
    return None if scenario is None else {
        "question": scenario.question, "hypothesis": scenario.hypothesis, "refuted_by": scenario.refuted_by,
        "file": loaded.path.name, "parameters": [each.name for each in scenario.parameters],
        "charts": [asdict(chart) for chart in scenario.charts],
    }  # fmt: skip


def _write_environment(
    directory: Path, loaded: Loaded, options: Options, ended: guest.GuestRun, means: Means | None,
    about: Mapping[str, Any] | None,
) -> None:  # fmt: skip
    """Everything that depends on the machine or on wall time; the record has none of it."""
    last = max((event.t_ns for event in History(directory / "record").events), default=0)
    environment = {
        **of_this_machine(options.command),
        "seed": options.seed,
        "kernel": options.kernel,
        "clock": options.clock,
        "why": options.why,
        "wall_s": round(ended.wall_s, 2),
        "up_s": round(ended.up_s, 2),
        "lab_s": round(last / 10**9, 2),
        "spins_broken": ended.spins,
        "finished": ended.finished,
        "console": list(ended.console),
        "guest_kernel": kernel_key(means.kernel) if means else "",
        "programs": versions(loaded),
        "scenario": about,
    }
    (directory / "environment.json").write_text(json.dumps(environment, indent=1) + "\n", encoding="utf-8")


def of_this_machine(command: Sequence[str]) -> dict[str, Any]:
    """What ``environment.json`` says of the machine, the testbed and the time, whatever was run."""
    return {
        "testbed": __version__,
        "command": shlex.join(command),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "host_kernel": platform.release(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "commit": commit(),
        "source": source(),
        "packages": packages(),
    }


def commit() -> str:
    """The checkout's commit, where this is one."""
    with contextlib.suppress(OSError):
        done = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip()
    return ""
