"""What address translation does to connections: a NAT gateway's idle timeout and limit, and sites with the same range.

Any topology with a NAT gateway or mapped ranges will do: ``--set topology=FILE``.
"""

from collections.abc import Iterator, Mapping

from testbed import Duration, Lab, Measurement, Result, Scenario
from testbed.check import translation as check_translation
from testbed.errors import Problem
from testbed.plan.plan import Plan
from testbed.probe.flows import PORTS
from testbed.probe.silence import Silence
from testbed.run import translation

scenario = Scenario(
    topology="../topologies/overlapping.py",
    question="What becomes of connections through a NAT gateway, and between sites whose ranges are the same?",
    hypothesis="after the idle timeout a connection is reset, unless it was kept alive; mapped sites reach each other",
    refuted_by="a connection that outlives the timeout or dies before it, or a peer that sees another address",
)
scenario.param("margin", Duration, "1 s", "how far below and above the idle timeout silences are")
scenario.param("edge", Duration, "250 ms", "the same, closer: for when connections are forgotten")
scenario.param("keepalive", Duration, "300 s", "after which TCP asks whether the other end lives")
scenario.param("keepalive.for", Duration, "1000 s", "how long the connection that is kept alive is silent")
scenario.param(
    "limit", str, "scaled", "connections to one place that the gateway holds: few, or as many as AWS's (half a minute)",
    choices=("scaled", "aws"), sets={"scaled": {"nat.connections": "5000"}},
)  # fmt: skip
scenario.param("excess", int, "100", "how many flows more than the gateway holds are tried")


@scenario.check
def check(plan: Plan, values: Mapping[str, object]) -> Iterator[Problem]:
    """Nothing is translated, or more flows than one host can begin."""
    if not plan.nats and not plan.mappings:
        hint = "--set topology=topologies/nat_gateway.py or topologies/overlapping.py"
        yield Problem("topology", "has no NAT gateway and no mapped range", hint)
    excess = values["excess"]
    assert isinstance(excess, int), "declared as one"
    for nat in plan.nats:
        if not 0 <= excess <= PORTS - nat.connections:
            yield Problem("excess", f"{excess} more than {nat.connections}", f"one host has {PORTS} ports")


@scenario.run
def run(lab: Lab) -> None:
    """Whom everybody sees; then, through a NAT gateway, silence and very many flows."""
    translation.sources(lab)
    for mapping in lab.plan.mappings[1:]:
        far = lab.plan.mappings[0].site
        ends = [next(host.name for host in lab.plan.hosts if host.site == site) for site in (mapping.site, far)]
        with lab.probe.trace(*ends):
            lab.sleep("2 s")
    way = check_translation.through(lab.plan)
    if way is None:
        return
    translation.fragments(lab, way.source, way.target)
    translation.silent(lab, way.source, way.target, silences(way.nat.idle, lab))
    translation.flood(lab, way.source, way.target, way.nat.connections + lab.value("excess", int))


def silences(idle: Duration, lab: Lab) -> list[Silence]:
    """Around the idle timeout, of TCP and UDP, and one that is kept alive far beyond it."""
    margins = [lab.value(name, Duration) for name in ("margin", "edge")]
    around = sorted({idle + sign * margin for margin in margins for sign in (-1, 1)})
    return [
        *(Silence(Duration(length)) for length in around),
        Silence(Duration(idle + margins[0]), far=True),
        *(Silence(Duration(idle + sign * margins[0]), far=True, udp=True) for sign in (-1, 1)),
        Silence(lab.value("keepalive.for", Duration), keepalive=lab.value("keepalive", Duration)),
    ]


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """Each number beside the published limit, or what the plan makes of addresses."""
    yield from check_translation.sources(result.plan, result.history)
    way = check_translation.through(result.plan)
    if way is not None:
        yield from check_translation.fates(way, result.history)
        yield from check_translation.flows(way, result.history)
        yield from check_translation.fragments(result.history)
        yield from check_translation.unaware(result.history)
