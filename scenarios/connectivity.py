"""Who reaches whom, with what, and why not: every host to every host, beside what routes, guards and MTUs say.

Any topology will do: ``--set topology=FILE``. Where it has resolvers, hosts ask for each other by name, too. One
attempt at a time; one that fails is made again with taps on every node, which with the filters' counters say why and
where.
"""

from collections.abc import Iterator

from testbed import Lab, Measurement, Result, Scenario
from testbed.parameters import port
from testbed.plan.expect import Outcome, announced, expect
from testbed.plan.expect_names import expect_name
from testbed.plan.paths import path
from testbed.run import connectivity

scenario = Scenario(
    topology="../topologies/guarded.py",
    question="Does everything reach everything, and at which MTU?",
    hypothesis="what routes, security groups, network ACLs and MTUs of the plan say, and for the reasons they give",
    refuted_by="a pair that differs from the plan, or fails for another reason or elsewhere",
)
scenario.param("tcp.port", port, "443", "port of TCP")
scenario.param("udp.port", port, "4789", "port of UDP; VXLAN's")


@scenario.run
def run(lab: Lab) -> None:
    """All of it is the check's."""
    connectivity.check(lab, lab.value("tcp.port", int), lab.value("udp.port", int))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """How many attempts end as the plan has it; each that does not by name."""
    plan = result.plan
    cells, alike, passed, foretold = 0, 0, 0, 0
    differing: list[str] = []
    for event in result.history.of("attempt"):
        cell = event.fields
        number = result.value("udp.port" if cell["sort"] == "udp" else "tcp.port", int)
        pair = cell["source"], cell["target"], cell["family"]
        wanted = expect_name(plan, *pair) if cell["sort"] == "dns" else expect(plan, *pair, cell["sort"], number)
        found = Outcome(cell["reason"], cell["where"], cell["detail"])
        cells, alike, passed = cells + 1, alike + (found == wanted), passed + found.ok
        foretold += wanted is not None and wanted.ok
        if found != wanted:
            name = f"{cell['sort']} {cell['source']} to {cell['target']}, IPv{cell['family']}"
            differing.append(f"{name}: {' '.join(_words(found))}, and by the plan {' '.join(_words(wanted))}")
    total = float(cells) if cells else None
    yield Measurement(
        "attempts_as_planned", alike if cells else None, "attempts", total, total, total, "testbed.plan.expect"
    )
    works = float(foretold) if cells else None
    yield Measurement(
        "attempts_that_work", passed if cells else None, "attempts", works, works, works, "testbed.plan.expect"
    )
    yield from _black_holes(result)
    for name in differing:
        yield Measurement.wrong(name, "testbed.plan.expect")
    mtus = [event.fields for event in result.history.of("path.mtu")]
    equal = sum(each["mtu"] == path(plan, each["source"], each["target"], each["family"]).mtu for each in mtus)
    if mtus:
        source = "RFC 1191: the smallest MTU of the path; searched with DF set"
        yield Measurement("path_mtus_as_computed", equal, "ways", len(mtus), len(mtus), len(mtus), source)

    yield from _segment_sizes(result)


def _segment_sizes(result: Result) -> Iterator[Measurement]:
    """What SYNs announced where they arrived."""
    source = "RFC 9293 section 3.7.1: MTU less headers, or the tunnel's where it clamps; read from the SYN on arrival"
    sizes = [event.fields for event in result.history.of("mss")]
    ways = [path(result.plan, each["source"], each["target"], each["family"]) for each in sizes]
    foretold = [announced(result.plan, way, each["family"]) for way, each in zip(ways, sizes, strict=True)]
    alike = sum(each["mss"] == wanted for each, wanted in zip(sizes, foretold, strict=True))
    if sizes:
        yield Measurement("mss_as_computed", alike, "ways", len(sizes), len(sizes), len(sizes), source)
    for family in (4, 6):
        both = [(each["mss"], wanted) for each, wanted in zip(sizes, foretold, strict=True) if each["family"] == family]
        found, least = [mss for mss, _ in both if mss is not None], min((wanted for _, wanted in both), default=None)
        if both:
            yield Measurement(f"smallest_mss_ipv{family}", min(found, default=None), "B", least, least, least, source)


def _black_holes(result: Result) -> Iterator[Measurement]:
    """Where full-size segments vanish, and above which size, found by bisection."""
    found: dict[str, tuple[int, int]] = {}
    for event in result.history.of("attempt"):
        cell = event.fields
        if cell["reason"] == "black hole":
            size = int(cell["detail"].removeprefix("MTU "))
            mtu = path(result.plan, cell["source"], cell["target"], cell["family"]).mtu
            if cell["where"] not in found or size < found[cell["where"]][0]:
                found[cell["where"]] = size, mtu
    for where, (size, mtu) in found.items():
        source = "RFC 2923 section 2.1: what is larger than the path's MTU vanishes"
        yield Measurement(f"black_hole_at_{where}_above", size, "B", mtu, mtu, mtu, source)


def _words(outcome: Outcome | None) -> tuple[str, ...]:
    if outcome is None:
        return ("nobody to ask",)
    return tuple(word for word in (outcome.reason, outcome.where, outcome.detail) if word)
