"""What every lab gives a scenario, also one whose network is not the testbed's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import TypeVar

from testbed.check.measured import Measured, measurement
from testbed.clock import Waiter
from testbed.history import Recorder
from testbed.parameters import Parameter
from testbed.plan.plan import Plan
from testbed.run.plain_probes import PlainProbes
from testbed.run.pods import AnyCluster, Pods
from testbed.units import Duration, Quantity

T = TypeVar("T")


class PlainLab:
    """What a scenario is given that asks for nothing but probes, pods and time.

    Attributes:
        plan: the plan that was applied; of a cluster that exists already, what was found.
        parameters: every parameter by name, with ``values`` as typed values of the scenario's own.
        probe: start probes.
        waiter: where the lab's time passes.
        clusters: Kubernetes clusters by name.
        pods: give their pods and services names for probes.
        random: chance of the run's seed, for phases and choices.
    """

    plan: Plan
    parameters: Mapping[str, Parameter]
    values: Mapping[str, object]
    recorder: Recorder
    waiter: Waiter
    random: Random
    probe: PlainProbes
    clusters: Mapping[str, AnyCluster]
    pods: Pods[AnyCluster]

    def __init__(
        self, plan: Plan, recorder: Recorder, waiter: Waiter, parameters: Mapping[str, Parameter],
        values: Mapping[str, object], random: Random,
    ) -> None:  # fmt: skip
        self.plan = plan
        self.parameters = parameters
        self.values = values
        self.recorder = recorder
        self.waiter = waiter
        self.random = random

    def value(self, name: str, kind: type[T]) -> T:
        """The value of one of the scenario's parameters."""
        value = self.values[name]
        assert isinstance(value, kind), f"{name} is a {type(value).__name__}"
        return value

    def now_ns(self) -> int:
        """Now, in nanoseconds since the agent started."""
        return self.recorder.now_ns()

    def note(self, kind: str, **fields: object) -> None:
        """Note an event of the scenario's own."""
        self.recorder.event(kind, t_ns=None, **fields)

    def sleep(self, duration: str | Duration) -> None:
        """Let the lab's time pass."""
        self.waiter.sleep(Duration.parse(duration))

    def measured(self, name: str, value: str | Quantity | Measured) -> Measured:
        """Note a measurement of one's own: a quantity with its unit. Raises :class:`InputError` for a bare number."""
        made = measurement(name, value)
        self.recorder.event("measured", **made.fields())
        return made

    def wait_until(self, condition: Callable[[], bool], what: str = "", within: str | Duration = "60 s") -> None:
        """Wait for a state of the network. A wait that times out ends the run with UNKNOWN.

        Args:
            condition: is so, or not yet.
            what: words for it; a condition of :meth:`path` has its own.
            within: how long to wait.
        """
        __tracebackhide__ = True  # a test's reader wants the line that waited
        self.waiter.until(condition, what or str(condition), Duration.parse(within))
