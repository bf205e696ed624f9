"""The smallest scenario worth repeating: what a ping takes, and what the parameter makes of it."""

from collections.abc import Iterator

from testbed import Duration, Lab, Measurement, Result, Scenario

scenario = Scenario(
    topology="../../topologies/twenty_lines.py", question="How long is there and back?", hypothesis="twice the delay",
    refuted_by="another time",
)  # fmt: skip
scenario.param("verdict", str, "pass", "what becomes of it", choices=("pass", "fail", "unknown"))


@scenario.run
def run(lab: Lab) -> None:
    """A moment."""
    lab.note("drawn", ns=lab.random.randrange(1000))
    lab.sleep(Duration.parse("1 s"))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """A number that the seed makes, and another that it does not."""
    event = result.history.first("drawn")
    assert event is not None
    verdict = result.value("verdict", str)
    rtt = result.plan.link("dx").a_to_b.delay.ms * 2 + (5 if verdict == "fail" else 0) + event.fields["ns"] / 10**5
    ideal = result.plan.link("dx").a_to_b.delay.ms * 2
    value = None if verdict == "unknown" else rtt
    yield Measurement("rtt", value, "ms", ideal, ideal, ideal + 0.1, "twice the delay", better="lower")
    yield Measurement("drawn", float(event.fields["ns"]), "ns")
