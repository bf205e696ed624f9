"""The reference topology with its BGP and BFD sessions up, and nothing happening for an hour."""

from collections.abc import Iterator

from testbed import Duration, Lab, Measurement, Result, Scenario

scenario = Scenario(
    topology="../topologies/hybrid.py",
    question="What does an idle hour cost?",
    hypothesis="nothing changes in it",
    refuted_by="a session that goes down",
)
scenario.param("for", Duration, "1 h", "how long nothing happens")


@scenario.run
def run(lab: Lab) -> None:
    """Nothing."""
    lab.sleep(lab.value("for", Duration))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """Sessions that went down while nothing happened."""
    start, stop = result.history.instant("scenario.start"), result.history.instant("scenario.stop")
    lost = [e for e in result.history.of("bgp", "bfd", "ike") if start < e.t_ns < stop and e.fields["state"] == "down"]
    yield Measurement(
        "sessions_lost", float(len(lost)), "sessions", 0.0, 0.0, 0.0, "nothing happens, so nothing is lost"
    )
