"""Every kind of fault, one after the other, on a lab in virtual time."""

from collections.abc import Iterator
from typing import Any

from testbed import Lab, Measurement, Result, Scenario

scenario = Scenario(
    topology="../../topologies/hybrid.py",
    question="Does each kind of fault break what it says, and is all well afterwards?",
    hypothesis="it does, and it is",
    refuted_by="a fault without effect, or one that stays",
)
KINDS: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("silent", "dx", {}, "6 s"),
    ("silent", "vpn-1", {}, "31 s"),
    ("carrier", "dx", {}, "6 s"),
    ("impaired", "dx", {"delay": "2 s"}, "6 s"),
    ("brownout", "dx", {"loss": "70 %", "extra": "1 s"}, "6 s"),
    ("flap", "dx", {"period": "4 s", "duty": "75 %"}, "6 s"),
    ("partition", "dc", {}, "6 s"),
    ("kill", "vgw/bird", {}, "6 s"),
    ("kill", "cgw/charon", {}, "45 s"),
    ("freeze", "cgw/bird", {}, "6 s"),
    ("freeze", "vgw", {}, "6 s"),
    ("off", "cgw", {}, "6 s"),
    ("off", "aws", {}, "6 s"),
)
"""Kind, target, options, and how long it takes to show."""


@scenario.run
def run(lab: Lab) -> None:
    """Break, look, heal, wait."""
    for kind, target, options, shows in KINDS:
        with lab.fault.start(kind, target, **options):
            lab.sleep(shows)
            lab.note("seen", fault=f"{kind} {target}", missing=lab.missing(), converged=lab.converged())
        lab.wait_converged(f"all well after {kind}")


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """How many broke something."""
    yield Measurement("broken", float(sum(not e.fields["converged"] for e in result.history.of("seen"))), "faults")
