"""Every kind of fault, one after the other, on a lab in virtual time."""

from collections.abc import Iterator
from typing import Any

from testbed import Lab, Measurement, Result, Scenario

scenario = Scenario(
    topology="../lab/small.py",
    question="Does each kind of fault break what it says, and is all well afterwards?",
    hypothesis="it does, and it is",
    refuted_by="a fault without effect, or one that stays",
)
KINDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("silent", "wan", {}),
    ("carrier", "wan", {}),
    ("impaired", "wan", {"delay": "2 s"}),
    ("flap", "wan", {"period": "4 s", "duty": "75 %"}),
    ("partition", "two", {}),
    ("kill", "left", {}),
    ("freeze", "right/bird", {}),
)


@scenario.run
def run(lab: Lab) -> None:
    """Break, look, heal, wait."""
    for kind, target, options in KINDS:
        with lab.fault.start(kind, target, **options):
            lab.sleep("6 s")
            lab.note("seen", fault=kind, converged=lab.converged(), left=len(lab.fault.active))
        lab.wait_converged(f"all well after {kind}")


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """How many broke something."""
    yield Measurement("broken", float(sum(not e.fields["converged"] for e in result.history.of("seen"))), "faults")
