"""A lab whose network is somebody else's: probes between pods, things in one namespace, and time that really passes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, NoReturn

from testbed.clock import Waiter
from testbed.errors import InputError, Problem, known
from testbed.history import Recorder
from testbed.load import Loaded
from testbed.net.apply import derive
from testbed.probe.ends import End, Ends, Task
from testbed.probe.flow import Family
from testbed.probe.place import Place
from testbed.probe.remote import Line, RemoteAgent
from testbed.run.plain_lab import PlainLab
from testbed.run.plain_probes import PlainProbes
from testbed.run.pods import AnyCluster, Enter, Pods

MISSING = "there is no such thing on a cluster that is not the testbed's own"
INSTEAD = "run it without --kubeconfig, in a lab of the testbed's own"
ALIVE_S = 60.0
"""How often an agent that nobody asks is asked how it is, so that nothing on the way takes its connection for dead: a
network load balancer of AWS does after 350 s (Elastic Load Balancing user guide, connection idle timeout)."""


class Refusing:
    """Says of what only a lab of the testbed's own has that it is not here."""

    called = "lab"

    def __getattr__(self, name: str) -> NoReturn:
        """A name that is not here."""
        if name.startswith("_"):
            raise AttributeError(name)
        raise lacking(f"{self.called}.{name}")


def lacking(what: str) -> InputError:
    """What a scenario asks for, and this lab does not have."""
    return InputError(Problem(what, MISSING, INSTEAD))


class ExistingProbes(Refusing, PlainProbes):
    """Starts probes between pods."""

    called = "lab.probe"

    def place(self, name: str, seen_from: str = "", family: Family = 4) -> Place:
        """A pod or service that was given a name, as an end of a probe."""
        if name in self._aliases:
            return self._aliases[name]
        what = "no pod or service of that name is known; here, probes begin and end in pods"
        raise InputError(
            Problem(f"probe at {name}", what, f"lab.pods.pod(NAME) gives names; {known(name, self._aliases)}")
        )


class ExistingLab(Refusing, PlainLab):
    """What a scenario's ``run`` is given on a cluster that exists already."""

    def __init__(
        self, loaded: Loaded, seed: int, cluster: AnyCluster, ends: Ends, recorder: Recorder, waiter: Waiter,
        enter: Enter,
    ) -> None:  # fmt: skip
        declared, chance = loaded.parameters.declared, Random(derive(seed, "scenario"))
        super().__init__(loaded.plan, recorder, waiter, declared, loaded.values, chance)
        self.probe = ExistingProbes(ends, recorder, waiter)
        self.clusters: Mapping[str, AnyCluster] = {cluster.plan.name: cluster}
        self.pods: Pods[AnyCluster] = Pods(self.plan, self.clusters, self.probe, waiter, enter)


@dataclass
class Agents:
    """Ends of probes, held by an agent in each pod that is one.

    Attributes:
        dial: starts an agent in a pod, by what the cluster says of it.
        one_clock: nodes have clocks of their own, and how they differ is known to half a round trip only.
    """

    dial: Callable[[Mapping[str, Any]], Line]
    recorder: Recorder
    one_clock: bool = False
    agents: dict[str, RemoteAgent] = field(default_factory=dict)
    _asked_s: float = field(default_factory=time.monotonic)

    def enter(self, called: str, pod: Mapping[str, Any]) -> str:
        """Have an agent in a pod, by its name for probes."""
        if called not in self.agents:
            agent = self.agents[called] = RemoteAgent(called, self.dial(pod))
            self.recorder.event(
                "pod.clock", pod=called, node=str(pod["spec"]["nodeName"]), ahead_ns=agent.clock.ahead_ns,
                within_ns=agent.clock.within_ns, python=agent.python,
            )  # fmt: skip
        return called

    def begin(self, node: str, name: str, task: Task) -> End:
        """Begin one end of a probe."""
        return self.agents[node].begin(name, task)

    def ahead_ns(self, node: str) -> int:
        """How far the clock of a pod's node is ahead of ours."""
        return self.agents[node].clock.ahead_ns

    def stay_alive(self) -> None:
        """Ask each agent how it is, if that was not done for a while. Raises :class:`RunError`: one is gone."""
        if time.monotonic() - self._asked_s >= ALIVE_S:
            self._asked_s = time.monotonic()
            for agent in self.agents.values():
                agent.ask("hello")

    @contextlib.contextmanager
    def closing(self) -> Iterator[None]:
        """Hang up when the block ends."""
        try:
            yield
        finally:
            for agent in self.agents.values():
                with contextlib.suppress(OSError):
                    agent.close()
            self.agents.clear()
