"""A scenario played with nobody: what it would make, and what it asks for in vain, before anything is touched.

Nothing is made and no time passes. Every wait is over at once and every probe sees one answer that came at once, so
that a scenario comes to its end. What it makes of that is thrown away.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from testbed.clock import Waiter
from testbed.errors import InputError, Problem
from testbed.existing.lab import ExistingLab, Refusing
from testbed.existing.manifests import Frame, fitted, own_place
from testbed.history import Recorder
from testbed.kubernetes.objects import NAMESPACE
from testbed.kubernetes.workloads import Manifest
from testbed.load import Loaded
from testbed.plan.clusters import PlannedCluster
from testbed.probe.ends import End, Task
from testbed.run.lab import Lab
from testbed.run.pods import AnyCluster
from testbed.units import Duration

WAITS_MAX = 10_000
"""A scenario that waits more often waits for what no rehearsal brings about; arbitrary."""
ADDRESS = "192.0.2.1"
"""Nobody's: RFC 5737."""
PORT = 32767
"""The last that a service may have on its nodes (kube-apiserver, --service-node-port-range); it is not used."""
ANSWERS: Mapping[str, Mapping[str, Sequence[int]]] = {
    "Sending": {"sent": [0], "returned": [0, 0]},
    "Echoing": {"reached": [0, 0]},
    "Asking": {"sent": [0], "answers": [0, 0, 64, -1]},
    "Connecting": {"rows": [0, 0, 0, 0]},
    "Accepting": {},
    "Streaming": {"looks": [0, 1, 1, 0, 0, 1, 0, 0, 0]},
    "Sinking": {},
}
"""What ends note, by their task: one packet or connection, and all of it at once."""


@dataclass
class Rehearsed:
    """What came of it.

    Attributes:
        things: as they would be put on the cluster, in order.
        open_end: why it is not known what comes after them; empty: nothing does.
    """

    things: list[Manifest] = field(default_factory=list)
    open_end: str = ""

    @property
    def host_network(self) -> bool:
        """Whether a pod uses its node's network."""
        return any(thing["spec"].get("hostNetwork") for thing in self.things if thing["kind"] == "Pod")


def rehearse(loaded: Loaded, seed: int, frame: Frame) -> Rehearsed:
    """Play a scenario. Raises :class:`InputError`: it asks for what is not there, by name."""
    found = Rehearsed()
    assert loaded.scenario is not None
    run = loaded.scenario.run_function
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
        recorder = Recorder(Path(folder))
        waiter = _Hasty(recorder)
        cluster = cast(AnyCluster, _Nowhere(loaded.plan.clusters[0], frame, found))
        lab = ExistingLab(loaded, seed, cluster, _Nobody(), recorder, waiter, lambda called, pod: called)
        lab.probe.tail = Duration(0)
        try:
            if run is not None:
                run(as_lab(lab))
        except InputError:
            raise
        except Exception as error:  # whatever it is, it comes of numbers that were made up
            found.open_end = f"{type(error).__name__}: {error}"
        finally:
            waiter.close()
    return found


def as_lab(lab: ExistingLab) -> Lab:
    """The lab, for a scenario that is written for the testbed's own; what those have besides is refused by name."""
    return cast(Lab, lab)


class _Hasty(Waiter):
    """Every wait is over at once."""

    _waits = 0

    def sleep(self, duration: Duration) -> None:
        """Count it."""
        self._waits += 1
        if self._waits > WAITS_MAX:
            raise TimeoutError("it waits for what is measured")

    def until(self, condition: Callable[[], bool], what: str, within: Duration) -> None:
        """It is so."""
        self.sleep(within)


class _Nobody:
    """Ends that have seen what a rehearsal needs."""

    one_clock = False

    def begin(self, node: str, name: str, task: Task) -> End:
        """Nothing begins."""
        return _Seen(ANSWERS[type(task).__name__])

    def ahead_ns(self, node: str) -> int:
        """There is no clock."""
        return 0


@dataclass(frozen=True)
class _Seen:
    answers: Mapping[str, Sequence[int]]

    def stop(self) -> None:
        """It never began."""

    def numbers(self) -> Mapping[str, Sequence[int]]:
        """As if it had."""
        return self.answers


@dataclass
class _Nowhere(Refusing):
    """A cluster on which nothing is made: it notes what would be."""

    plan: PlannedCluster
    frame: Frame
    found: Rehearsed
    called = "lab.pods.cluster()"

    @property
    def watching(self) -> _Ready:
        """Everything is ready."""
        return _Ready(self.found)

    def apply(self, *things: Manifest, namespace: str = NAMESPACE) -> None:
        """Note them."""
        for thing in things:
            own_place(f"{thing['kind'].lower()} {thing['metadata']['name']}", namespace, self.frame)
            self.found.things.append(fitted(thing, self.frame))

    def delete(self, version: str, kind: str, name: str, namespace: str = NAMESPACE) -> None:
        """Only what is its own."""
        own_place(f"{kind.lower()} {name}", namespace, self.frame)

    def read(self, version: str, kind: str, name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
        """What was noted, with what a cluster adds to it."""
        own_place(f"{kind.lower()} {name}", namespace, self.frame)
        thing = _noted(self.found, kind, name)
        if kind != "Service":
            return thing
        ports = [{"nodePort": PORT, **port} for port in thing["spec"]["ports"]]
        return {**thing, "spec": {"clusterIP": ADDRESS, **thing["spec"], "ports": ports}}

    def run_in(self, pod: str, *argv: str, namespace: str = NAMESPACE, within: str = "60 s") -> str:
        """Nothing is printed."""
        own_place(f"pod {pod}", namespace, self.frame)
        return ""


class _Ready(Refusing):
    called = "lab.pods.cluster().watching"

    def __init__(self, found: Rehearsed) -> None:
        self._found = found

    def pod_ready(self, name: str, namespace: str = NAMESPACE) -> bool:
        """It is."""
        return True

    def why_not_ready(self, name: str, namespace: str = NAMESPACE) -> str:
        """Nothing keeps it."""
        return ""

    def pod(self, name: str, namespace: str = NAMESPACE) -> Mapping[str, Any]:
        """A pod, somewhere."""
        thing = _noted(self._found, "Pod", name)
        return {**thing, "spec": {**thing["spec"], "nodeName": ""}, "status": {"podIP": ADDRESS}}


def _noted(found: Rehearsed, kind: str, name: str) -> Manifest:
    """A thing that the scenario had made before. Raises :class:`InputError`."""
    for thing in found.things:
        if (thing["kind"], thing["metadata"]["name"]) == (kind, name):
            return thing
    what = "is read, and the scenario did not make it"
    raise InputError(
        Problem(f"{kind.lower()} {name}", what, "on a cluster that is not the testbed's own it sees its own things")
    )
