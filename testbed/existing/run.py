"""One run on a cluster that exists already: look, rehearse, make, measure, remove, judge and report."""

from __future__ import annotations

import contextlib
import json
import math
import secrets
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from testbed.boot.guest import signals_raise
from testbed.boot.runner import WALL_LIMIT_S, Outcome, about, make_directory, of_this_machine, write_what
from testbed.check.judge import EXISTING, judge_run
from testbed.clock import Waiter
from testbed.errors import InputError, Problem, RunError, TestbedError
from testbed.existing.access import Access
from testbed.existing.asked import refuse
from testbed.existing.cluster import ExistingCluster, told
from testbed.existing.defaults import IMAGE, NAMESPACE, SITE_LABEL
from testbed.existing.lab import Agents, ExistingLab
from testbed.existing.leftovers import GONE_S, Leftovers
from testbed.existing.line import PodLine
from testbed.existing.manifests import Frame, namespace
from testbed.existing.rehearsal import Rehearsed, as_lab, rehearse
from testbed.existing.sites import Found, plan_of
from testbed.history import History, Recorder
from testbed.load import Loaded, load_on
from testbed.probe.parcel import COMMAND
from testbed.probe.remote import Line

LATER_S = 120
"""How long after the run's own limit pods end by themselves; arbitrary."""
REMOVE_S = 3 * GONE_S
"""For pods, then a namespace, and an API server that takes its time; arbitrary."""
RUN_BYTES = 4
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """Where and how a run is to be done."""

    kubeconfig: Path
    context: str = ""
    label: str = SITE_LABEL
    namespace: str = NAMESPACE
    image: str = IMAGE
    seed: int = 1
    out: Path | None = None
    wall_limit_s: float = WALL_LIMIT_S
    command: Sequence[str] = ()


@dataclass(frozen=True)
class Prepared:
    """Everything that is known before anything is made.

    Attributes:
        new_namespace: there is none of that name yet.
    """

    options: Options
    access: Access
    found: Found
    loaded: Loaded
    frame: Frame
    rehearsed: Rehearsed
    new_namespace: bool
    things: list[dict[str, Any]] = field(default_factory=list)


def prepare(file: str, settings: Mapping[str, str], options: Options) -> Prepared:
    """Look at the cluster and rehearse the scenario. Raises :class:`InputError`; makes nothing."""
    refuse(file)
    access = Access(options.kubeconfig, options.context)
    found = access.find(options.label)
    loaded = load_on(file, settings, plan_of(found))
    frame = Frame(
        options.namespace, options.image, secrets.token_hex(RUN_BYTES), options.label,
        math.ceil(options.wall_limit_s) + LATER_S, found.taints(),
    )  # fmt: skip
    rehearsed = rehearse(loaded, options.seed, frame)
    new = not access.has_namespace(options.namespace)
    own = [namespace(frame, host_network=rehearsed.host_network)] if new else []
    return Prepared(options, access, found, loaded, frame, rehearsed, new, [*own, *rehearsed.things])


def run(prepared: Prepared, tell: Tell) -> Outcome:
    """Do the run. All that it made is gone afterwards, however it ends.

    Raises:
        InputError: something of another run is there; nothing has been made.
    """
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="existing-") as folder:
        leftovers = Leftovers(prepared.access, prepared.options.namespace, str(Path(folder, "discovered.json")))
        if not prepared.new_namespace:
            _refuse_company(leftovers, prepared.options)
        directory = make_directory(prepared.loaded, prepared.options.out)
        record = directory / "record"
        recorder = Recorder(record)
        try:
            with signals_raise():
                _recorded(prepared, leftovers, recorder, Path(folder), tell)
        finally:
            recorder.write()
    write_what(directory, prepared.loaded, {"seed": prepared.options.seed})
    judgement = judge_run(record, prepared.loaded, ended={"problem": "", "spins": 0})
    environment = _environment(prepared, time.monotonic() - begun, History(record))
    (directory / "environment.json").write_text(json.dumps(environment, indent=1) + "\n", encoding="utf-8")
    from testbed.report.page import write_report

    tell("writing the report")
    return Outcome(directory, judgement, write_report(directory))


def _refuse_company(leftovers: Leftovers, options: Options) -> None:
    if found := leftovers.find():
        runs = ", ".join(sorted({thing.run for thing in found}))
        what = f"has {', '.join(map(str, found))} of run {runs}, which goes on, or was killed"
        hint = f"wait for it, or: testbed clean --kubeconfig {options.kubeconfig} --namespace {options.namespace}"
        raise InputError(Problem(f"namespace {options.namespace}", what, hint))


def _recorded(prepared: Prepared, leftovers: Leftovers, recorder: Recorder, scratch: Path, tell: Tell) -> None:
    """Play. What fails ends up in the record as ``run.failed``, but for bad input."""
    found = prepared.found
    recorder.event(EXISTING, name=found.name, server=found.server, version=found.version, sites=found.sites())
    try:
        with contextlib.ExitStack() as undo:
            undo.callback(_remove, prepared, leftovers, tell)
            with _limited("the run", prepared.options.wall_limit_s, "--wall-limit"):
                _play(prepared, recorder, scratch, tell, undo)
    except InputError:
        raise
    except TestbedError as error:
        for problem in error.problems:
            recorder.event("run.failed", where=problem.where, what=problem.what, hint=problem.hint)
    except Exception as error:  # the record must say so, whatever it was
        recorder.event("run.failed", where="testbed", what=f"{type(error).__name__}: {error}", hint="")
        raise


def _play(prepared: Prepared, recorder: Recorder, scratch: Path, tell: Tell, undo: contextlib.ExitStack) -> None:
    options, access, loaded = prepared.options, prepared.access, prepared.loaded
    if prepared.new_namespace:
        tell(f"making namespace {options.namespace}")
        with told(f"namespace {options.namespace}"):
            access.core.create_namespace(prepared.things[0])
    waiter = Waiter(recorder)
    undo.callback(waiter.close)
    (plan,) = loaded.plan.clusters
    cluster = ExistingCluster(plan, access, prepared.frame, waiter, recorder, scratch)
    undo.callback(cluster.close)
    agents = Agents(partial(_dial, access, options.namespace), recorder)
    undo.enter_context(agents.closing())
    waiter.tick = agents.stay_alive
    lab = ExistingLab(loaded, options.seed, cluster, agents, recorder, waiter, agents.enter)
    assert loaded.scenario is not None
    tell("running the scenario")
    recorder.event("scenario.start")
    try:
        if loaded.scenario.run_function is not None:
            loaded.scenario.run_function(as_lab(lab))
    finally:
        recorder.event("scenario.stop")


def _dial(access: Access, namespace: str, pod: Mapping[str, Any]) -> Line:
    return PodLine(access.programs, namespace, str(pod["metadata"]["name"]), COMMAND)


def _remove(prepared: Prepared, leftovers: Leftovers, tell: Tell) -> None:
    tell("removing what was made")
    with _shielded(), _limited("removing what was made", REMOVE_S, "testbed clean --kubeconfig removes what is left"):
        if not prepared.new_namespace or prepared.access.has_namespace(prepared.options.namespace):
            leftovers.remove()
            if prepared.new_namespace:
                leftovers.remove_namespace()


@contextlib.contextmanager
def _shielded() -> Iterator[None]:
    """A second Ctrl-C does not break off what is done because of the first: that has limits of its own."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _limited(what: str, seconds: float, hint: str) -> Iterator[None]:
    """Raise :class:`RunError` in the block when it takes longer."""

    def over(signum: int, frame: object) -> None:
        raise RunError(Problem(what, f"took longer than its limit of {seconds:g} s", hint))

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _environment(prepared: Prepared, wall_s: float, history: History) -> dict[str, Any]:
    options, found = prepared.options, prepared.found
    last = max((event.t_ns for event in history.events), default=0)
    return {
        **of_this_machine(options.command),
        "seed": options.seed,
        "kernel": "that of each node",
        "clock": "real",
        "why": "the network is that of an existing cluster",
        "wall_s": round(wall_s, 2),
        "lab_s": round(last / 10**9, 2),
        "finished": history.first("run.failed") is None,
        "cluster": {
            "name": found.name, "server": found.server, "version": found.version, "site_label": found.label,
            "sites": found.sites(), "namespace": options.namespace, "image": options.image,
            "nodes": {
                node["metadata"]["name"]: ", ".join(
                    str(node["status"].get("nodeInfo", {}).get(fact, ""))
                    for fact in ("osImage", "kernelVersion", "containerRuntimeVersion", "kubeletVersion")
                )
                for node in found.used
            },
        },
        "scenario": about(prepared.loaded),
    }  # fmt: skip
