"""One run where the network is: bring the plan up, look at it, calibrate it, run the scenario, heal, write the record.

The same code runs as init of the guest and in namespaces of the host. It judges nothing: that is done afterwards from
the record (:mod:`testbed.check`), so that a verdict can be made again without the lab.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from testbed.clock import Waiter
from testbed.daemons.base import Daemon, place_of
from testbed.daemons.bird import Bird
from testbed.daemons.dnsmasq import Dnsmasq
from testbed.daemons.frr import Frr
from testbed.daemons.strongswan import charons
from testbed.errors import InputError, Problem, RunError, TestbedError
from testbed.history import CALIBRATION, Recorder
from testbed.job import Job, wait_for_even_time
from testbed.kernel import programs
from testbed.load import Loaded, load
from testbed.net import filters, management, natting
from testbed.net.apply import Network
from testbed.net.observe import observe
from testbed.net.routes import RouteWatch
from testbed.net.tunnels import Tunnels
from testbed.plan.plan import Plan
from testbed.plan.schema import plan_json
from testbed.probe import reach
from testbed.run.calibrate import calibrate
from testbed.run.lab import Lab
from testbed.units import Duration

if TYPE_CHECKING:
    from testbed.kubernetes.cluster import Kubernetes

SCRATCH = Path("/run/testbed")
"""Sockets and scratch files; a private tmpfs in the guest and in the host's own mount namespace."""
CONVERGE_WITHIN = Duration.parse("120 s")
"""BGP's connect retry and IKE's first exchange fit in many times over; arbitrary."""


class Progress(Protocol):
    """Told what is going on: a text, of kind ``up`` when the lab is up; ``time`` only says that time passes."""

    def __call__(self, text: str, kind: str = "progress", /) -> None:
        """Tell."""


Play = Callable[[Lab], None]
"""What is done with a lab that is up, instead of its scenario."""
Around = Callable[[Job, Callable[[Play], None]], None]
"""Is given a job and what does it: it may get ready before, so that nothing of that happens while the lab is up."""


def plan_digest(plan: Plan) -> str:
    """Names a plan: what the guest brings up must be what the user was shown."""
    return hashlib.blake2b(plan_json(plan).encode(), digest_size=16).hexdigest()


def run_job(job: Job, progress: Progress, play: Play | None = None) -> None:
    """Carry out a run. Every failure but bad input ends up in the record as ``run.failed``.

    ``play`` is what to do with the lab once it is up, instead of its scenario: serve commands, or run tests.
    """
    recorder = Recorder(Path(job.record))
    try:
        loaded = load(job.file, job.settings, job.lab)
        if plan_digest(loaded.plan) != job.plan_digest:
            raise RunError(
                Problem(
                    job.file,
                    "gives another plan than it gave before the run",
                    "a topology must not depend on time, chance or the machine",
                )
            )
        programs.use(loaded.programs)
        wait_for_even_time(job.clock)
        recorder.begin()
        with contextlib.ExitStack() as undo:
            lab = _bring_up(job, loaded, recorder, progress, undo)
            if play is not None:
                play(lab)
            elif job.state != "made":
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
    scratch = SCRATCH / plan.lab
    scratch.mkdir(parents=True)
    undo.callback(shutil.rmtree, scratch, ignore_errors=True)
    network = Network(plan, job.seed, impaired=job.impaired)
    undo.callback(network.close)
    progress(f"building {len(plan.nodes)} nodes, {len(plan.links)} links")
    network.apply()
    filters.apply(plan, network.namespaces)
    natting.apply(plan, network.namespaces)
    observe(network)
    recorder.event("lab.applied", nodes=len(plan.nodes), cables=len(plan.cables))
    if not job.keep_up:  # a lab that is kept up is not measured by us, and its user waits in real time
        progress("calibrating the links")
        raw = calibrate(network, scratch, progress, clock=job.clock)
        (recorder.record / CALIBRATION).write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")
        recorder.event("lab.calibrated")
    waiter = Waiter(recorder)
    undo.callback(waiter.close)
    waiter.tick = lambda: progress("", "time")
    daemons = start_daemons(network, waiter, recorder, scratch, progress, undo)
    routes = RouteWatch(plan, network.namespaces, recorder.now_ns)
    undo.callback(routes.close)
    waiter.watch_routes(routes)
    lab = Lab(network, recorder, waiter, routes, daemons, scratch, loaded.parameters.declared, loaded.values)
    progress("waiting for routes and sessions")
    lab.wait_converged("routes and sessions of the plan", CONVERGE_WITHIN)
    recorder.event("lab.converged")
    if lab.stores.any:
        progress("mounting the stores")
        undo.callback(lab.stores.close)
        lab.stores.up()
        recorder.event("lab.stored")
    if plan.clusters:
        lab.clusters.update(_clusters(job, lab, progress, undo))
        if job.state != "made":
            lab.wait_converged("sessions with the clusters' nodes", CONVERGE_WITHIN)
    progress("the lab is up", "up")
    return lab


def _clusters(job: Job, lab: Lab, progress: Progress, undo: contextlib.ExitStack) -> dict[str, Kubernetes]:
    """Docker, and every cluster on it."""
    from testbed.kubernetes import making
    from testbed.kubernetes.cluster import Kubernetes
    from testbed.kubernetes.disk import DISK
    from testbed.kubernetes.engine import Engine  # late, as what speaks to Kubernetes takes long to load

    progress("starting Docker")
    engine = Engine(lab.network, lab.waiter, lab.recorder)
    undo.callback(engine.kill)
    engine.start(DISK)
    undo.callback(_count_management, lab)
    made: dict[str, Kubernetes] = {}
    if job.state == "made":
        progress("loading the image of nodes")
        making.load_image(engine)
    for plan in lab.plan.clusters:
        cluster = made[plan.name] = Kubernetes(plan, engine, lab.waiter, lab.recorder, job.clock, progress)
        undo.callback(cluster.close)
        progress(f"{'making' if job.state == 'made' else 'starting'} cluster {plan.name}, {len(plan.nodes)} nodes")
        if job.state == "made":
            cluster.create()
        else:
            cluster.start()
    if job.state != "made":
        for cluster in made.values():  # all are started by now, and get ready side by side
            cluster.settle()
        return made
    progress("stopping the clusters, to be kept")
    for cluster in made.values():
        cluster.stop()
    engine.stop()
    return made


def _count_management(lab: Lab) -> None:
    """Note what crossed Docker's own network, by node."""
    for node in sorted(management.nodes(lab.plan)):
        counts = filters.counts(lab.network.namespaces, node)
        ours, stray = (sum(n for name, n in counts.items() if name.startswith(kind))
                       for kind in (management.OURS, management.STRAY))  # fmt: skip
        lab.recorder.event("cluster.management", node=node, ours=ours, stray=stray)


def start_daemons(
    network: Network, waiter: Waiter, recorder: Recorder, scratch: Path, progress: Progress, undo: contextlib.ExitStack
) -> list[Daemon]:
    """Tunnels first, since routing runs over them. Undoing stops each daemon and takes events from its log."""
    plan = network.plan
    daemons: list[Daemon] = []
    undo.callback(_collect, daemons, recorder)
    if plan.tunnels:
        progress(f"establishing {len(plan.tunnels)} tunnels")
        tunnels = Tunnels(network)
        tunnels.up()
        ipsec = charons(plan)
        for charon in ipsec:
            _start(charon, daemons, network, waiter, recorder, scratch, undo)
        tunnels.wait(lambda tunnel: all(c.established(tunnel.name) for c in ipsec if tunnel in c.tunnels))
    progress("starting routing daemons")
    for routing in plan.routing:
        router: Daemon = Frr(routing) if routing.daemon == "frr" else Bird(routing)
        _start(router, daemons, network, waiter, recorder, scratch, undo)
    for resolver in plan.resolvers:
        _start(Dnsmasq(plan, resolver), daemons, network, waiter, recorder, scratch, undo)
    return daemons


def _start(
    daemon: Daemon, daemons: list[Daemon], network: Network, waiter: Waiter, recorder: Recorder, scratch: Path,
    undo: contextlib.ExitStack,
) -> None:  # fmt: skip
    daemons.append(daemon)
    undo.callback(daemon.stop)
    place = place_of(daemon, recorder.record, scratch)
    waiter.watch_program(daemon.start(network.namespaces, place))


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
    with played(lab):
        progress("running the scenario")
        if scenario is None:
            for pair in reach.check(lab.network.namespaces, lab.plan):
                recorder.event("reach", source=pair.source, target=pair.target, family=pair.family, ok=pair.ok)
        elif scenario.run_function is not None:
            scenario.run_function(lab)


@contextlib.contextmanager
def played(lab: Lab) -> Iterator[None]:
    """What is done with a lab happens in this block; afterwards the lab must be as it was, or :class:`RunError`."""
    lab.recorder.event("scenario.start")
    try:
        yield
    finally:
        lab.recorder.event("scenario.stop")
        lab.fault.heal_all()
    settle(lab)
    lab.recorder.event("lab.healed")


def settle(lab: Lab) -> None:
    """Heal what is broken, and wait until the lab is as it was. Raises :class:`RunError`."""
    lab.fault.heal_all()
    lab.wait_converged("the plan's routes and sessions after healing", CONVERGE_WITHIN)
