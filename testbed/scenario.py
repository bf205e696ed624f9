"""A scenario: a question to a network, what is expected, and what would prove that wrong.

A scenario file makes one and gives it two functions::

    scenario = Scenario(topology="../topologies/hybrid.py", question="...", hypothesis="...", refuted_by="...")

    @scenario.run
    def run(lab): ...          # where the lab is, on the lab's clock

    @scenario.measure
    def measure(result): ...   # afterwards, from the record alone: yields measurements
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from testbed.errors import Problem
from testbed.parameters import Parameter
from testbed.theory.interval import Expectation
from testbed.units import Duration
from testbed.verdict import Measurement

if TYPE_CHECKING:
    from testbed.history import History
    from testbed.plan.plan import Plan
    from testbed.run.lab import Lab

T = TypeVar("T")
Run = Callable[["Lab"], None]
Measure = Callable[["Result"], Iterable[Measurement]]
Check = Callable[["Plan", Mapping[str, object]], Iterable[Problem]]
Theory = Callable[["Plan", Mapping[str, Parameter], Mapping[str, object]], Iterable[tuple[str, Expectation]]]


@dataclass(frozen=True)
class Declared:
    """A parameter of a scenario, before the user's value is known."""

    name: str
    kind: Callable[[str], object] | type
    default: str
    help: str
    choices: tuple[str, ...] = ()
    sets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Chart:
    """Measurements that belong into one picture.

    Attributes:
        name: of its files.
        title: what it shows.
        series: for each mark or curve its label and a measurement's name; a ``*`` in it stands for what differs
            between the rows of a run's chart. A sweep draws each row along its axis.
    """

    name: str
    title: str
    series: Mapping[str, str]


@dataclass
class Scenario:
    """See the module.

    Attributes:
        programs: of this machine that the scenario itself runs, besides those of the plan; told before a run.
    """

    topology: str
    question: str
    hypothesis: str
    refuted_by: str
    programs: Sequence[str] = ()
    parameters: list[Declared] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    run_function: Run | None = None
    measure_function: Measure | None = None
    check_function: Check | None = None
    theory_function: Theory | None = None

    def param(
        self, name: str, kind: Callable[[str], object] | type, default: str, help: str, *,
        choices: tuple[str, ...] = (), sets: Mapping[str, Mapping[str, str]] | None = None,
    ) -> str:  # fmt: skip
        """Declare a parameter. Returns its name, to look its value up with in ``lab.parameters``.

        ``sets``: what other parameters are, by this one's value, where the user gave them no value of their own. Those
        that the topology does not have are left alone.
        """
        self.parameters.append(Declared(name, kind, default, help, choices, sets or {}))
        return name

    def chart(self, name: str, title: str, series: Mapping[str, str]) -> None:
        """Declare a chart of measurements: :class:`Chart`."""
        self.charts.append(Chart(name, title, dict(series)))

    def check(self, function: Check) -> Check:
        """Decorator: what is wrong with a plan and the parameters' values, told before anything starts."""
        self.check_function = function
        return function

    def theory(self, function: Theory) -> Theory:
        """Decorator: what is expected of measurements before any is made, by name, from plan and parameters.

        A study of the scenario draws what it measured beside these distributions, and tests whether they agree.
        """
        self.theory_function = function
        return function

    def run(self, function: Run) -> Run:
        """Decorator: what happens while the lab is up."""
        self.run_function = function
        return function

    def measure(self, function: Measure) -> Measure:
        """Decorator: what is measured, from the record alone."""
        self.measure_function = function
        return function


@dataclass(frozen=True)
class Result:
    """What a measure function looks at: the history, the plan and the values of the scenario's parameters.

    Attributes:
        late: how late the receipt allows each link to be each way, on the clock and the kernel of this run.
    """

    history: History
    plan: Plan
    parameters: Mapping[str, Parameter]
    values: Mapping[str, object]
    late: Duration = Duration(0)

    def value(self, name: str, kind: type[T]) -> T:
        """The value of one of the scenario's parameters."""
        value = self.values[name]
        assert isinstance(value, kind), f"{name} is a {type(value).__name__}"
        return value
