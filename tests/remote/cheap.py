"""The cheapest run worth sending to another machine: two hosts of one site, no daemon, and a number from the seed."""

from collections.abc import Iterator

from testbed import Lab, Measurement, Result, Scenario

scenario = Scenario(
    topology="one_site.py", question="Is it the same wherever it is run?", hypothesis="it is", refuted_by="it is not",
)  # fmt: skip
scenario.param("number", int, "1", "makes cells")


@scenario.run
def run(lab: Lab) -> None:
    """A moment."""
    lab.note("drawn", ns=lab.random.randrange(1000))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """What the seed and the cell make."""
    event = result.history.first("drawn")
    assert event is not None
    value = float(event.fields["ns"]) + 1000 * result.value("number", int)
    yield Measurement("drawn", value, "ns", None, 0.0, None, "any is right")
