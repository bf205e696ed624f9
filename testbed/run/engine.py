"""One run where the network is: bring the plan up, look at it, calibrate it, run the scenario, heal, and write the record.

The same code runs as init of the guest and in namespaces of the host. It judges nothing: that is done afterwards from the
record (:mod:`testbed.check`), so that a verdict can be made again without the lab.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from testbed.daemons.base import Daemon, Place
from testbed.daemons.bird import Bird
from testbed.errors import InputError, Problem, RunError, TestbedError
from testbed.load import Loaded, load
from testbed.net.apply import Network
from testbed.net.routes import RouteWatch
from testbed.plan.plan import Plan
from testbed.plan.schema import plan_json
from testbed.run.clock import Waiter
from testbed.run.history import Recorder
from testbed.run.job import Job
from testbed.run.lab import Lab
from testbed.units import Duration

SCRATCH = Path("/run/testbed")
"""Sockets and scratch files; a private tmpfs in the guest and in the host's own mount namespace."""
CONVERGE_WITHIN = Duration.parse("120 s")
"""BGP's connect retry and IKE's first exchange fit in many times over; arbitrary."""

Progress = Callable[[str], None]


def plan_digest(plan: Plan) -> str:
    """Names a plan: what the guest brings up must be what the user was shown."""
    return hashlib.blake2b(plan_json(plan).encode(), digest_size=16).hexdigest()


def run_job(job: Job, progress: Progress) -> None:
    """Carry out a run. Every failure but bad input ends up in the record as ``run.failed``."""
    recorder = Recorder(Path(job.record))
    try:
        loaded = load(job.file, job.settings, job.lab)
        if plan_digest(loaded.plan) != job.plan_digest:
            raise RunError(Problem(job.file, "gives another plan than it gave before the run", "a topology must not depend on time, chance or the machine"))
        with contextlib.ExitStack() as undo:
            lab = _bring_up(job, loaded, recorder, progress, undo)
            _play(lab, loaded, recorder, progress)
    except TestbedError as error:
        for problem in error.problems:
            recorder.event("run.failed", where=problem.where, what=problem.what, hint=problem.hint)
        if isinstance(error, InputError):
            raise
    except Exception as error:  # the record must say so, whatever it was
        recorder.event("run.failed", where="testbed", what=f"{type(error).__name__}: {error}", hint="")
        raise
    finally:
        recorder.write()


def _bring_up(job: Job, loaded: Loaded, recorder: Recorder, progress: Progress, undo: contextlib.ExitStack) -> Lab:
    plan = loaded.plan
    network = Network(plan, job.seed)
    undo.callback(network.close)
    progress(f"building {len(plan.nodes)} nodes, {len(plan.links)} links")
    network.apply()
    recorder.event("lab.applied", nodes=len(plan.nodes), cables=len(plan.cables))
    waiter = Waiter(recorder)
    undo.callback(waiter.close)
    routes = RouteWatch(plan, network.namespaces, recorder.now_ns)
    undo.callback(routes.close)
    waiter.watch_routes(routes)
    scratch = SCRATCH / plan.lab
    scratch.mkdir(parents=True)
    undo.callback(shutil.rmtree, scratch, ignore_errors=True)
    progress("starting daemons")
    daemons = [_daemon(plan, index) for index in range(len(plan.routing))]
    undo.callback(_collect, daemons, recorder)
    for daemon in daemons:
        undo.callback(daemon.stop)
        place = Place(Path(job.record) / "daemons" / daemon.node, scratch / daemon.node)
        waiter.watch_program(daemon.start(network.namespaces, place))
    lab = Lab(network, recorder, waiter, routes, scratch, loaded.parameters.declared, loaded.values)
    progress("waiting for routes")
    lab.wait_until(lab.converged, "routes of the plan", CONVERGE_WITHIN)
    recorder.event("lab.converged")
    return lab


def _daemon(plan: Plan, index: int) -> Daemon:
    return Bird(plan.routing[index])


def _collect(daemons: list[Daemon], recorder: Recorder) -> None:
    """Turn the daemons' own logs into events."""
    for daemon in daemons:
        for change in daemon.changes():
            recorder.event(
                change.protocol, t_ns=change.t_ns - recorder.epoch_ns, node=change.node, session=change.session,
                state=change.state, detail=change.detail,
            )  # fmt: skip


def _play(lab: Lab, loaded: Loaded, recorder: Recorder, progress: Progress) -> None:
    scenario = loaded.scenario
    recorder.event("scenario.start")
    progress("running the scenario")
    try:
        if scenario is not None and scenario.run_function is not None:
            scenario.run_function(lab)
    finally:
        recorder.event("scenario.stop")
        lab.fault.heal_all()
    lab.wait_until(lab.converged, "routes back to the plan's after healing", CONVERGE_WITHIN)
    recorder.event("lab.healed")
