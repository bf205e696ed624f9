"""What a name costs across a link, and what becomes of names while the link, or the resolver behind it, is silent.

One host asks its resolver for a name of its own site, for one of the other site, and, over TCP, for another of that.
The link falls silent for longer than an answer is kept, and heals. To hosts a resolver that was killed looks the same.
"""

from collections.abc import Iterator
from statistics import median

from testbed import Duration, Lab, Measurement, Result, Scenario
from testbed.check import paths
from testbed.check.lookups import Lookup, between, lookups, median_ms, results
from testbed.plan.names import FAMILY_OF_FORWARDING, full_name, resolver_of
from testbed.plan.paths import Family, delays
from testbed.plan.plan import Plan
from testbed.theory import dns, rtt
from testbed.theory.interval import Expectation

SERVERS = 2
"""In a host's resolv.conf: its resolver's IPv4 and IPv6 address."""
ASKER, HERE, THERE, ALSO_THERE = "aws-a", "aws-dns", "dc-1", "dc-dns"
CAUSES = {"link": ("silent", "dx"), "resolver": ("kill", f"{ALSO_THERE}/dnsmasq")}
"""Kind and target of the fault."""
FAMILY: Family = 4
INTERVAL, WAIT = Duration.parse("1 s"), Duration.parse("5 s")
"""glibc's own patience (resolv.conf(5), timeout)."""
TCP_INTERVAL, TCP_WAIT = Duration.parse("20 s"), Duration.parse("19 s")
"""Longer than dnsmasq needs to hang up."""
FIRST, AFTER = Duration.parse("1 s"), Duration.parse("10 s")
"""For neighbours to be found, so that no lookup waits for that; in which all is well again. Arbitrary."""
TTLS = 2
"""After so many and a half the link falls silent: once more than that a name is asked for afresh; arbitrary."""

scenario = Scenario(
    topology="../topologies/names.py",
    question="The link to the other site is silent: which names are still known, for how long, and who says what?",
    hypothesis="its own names; the other's for their TTL, then silence over UDP, and a closed connection over TCP",
    refuted_by="a name of its own site that fails, SERVFAIL, or a time outside theory's bounds",
)
scenario.param(
    "cause", str, "link", "what is silent: the link, or the other site's resolver is killed", choices=(*CAUSES,)
)
scenario.param("outage", Duration, "100 s", "for how long; more than the TTL and what TCP needs")


@scenario.run
def run(lab: Lab) -> None:
    """Ask, silence, ask, heal, and ask until the routes have long been back."""
    probe = lab.probe
    with probe.dns(ASKER, ALSO_THERE, TCP_INTERVAL, protocol="tcp", wait=TCP_WAIT, name="there-tcp"):
        lab.sleep(FIRST)
        with (
            probe.dns(ASKER, HERE, INTERVAL, wait=WAIT, name="here"),
            probe.dns(ASKER, THERE, INTERVAL, wait=WAIT, name="there"),
        ):
            _silence(lab)


def _silence(lab: Lab) -> None:
    lab.sleep(Duration(ttl_of(lab.plan) * TTLS + ttl_of(lab.plan) // 2))
    outage = lab.value("outage", Duration)
    _program(lab, "well")
    with lab.fault.start(*CAUSES[lab.value("cause", str)]):
        begun = lab.now_ns()
        # Once the TTL is over, a real program asks, and waits for as long as its C library does.
        lab.sleep(ttl_of(lab.plan))
        if outage > ttl_of(lab.plan) + dns.LIBRARY_TRIES * SERVERS * dns.LIBRARY_TIMEOUT:
            _program(lab, "silent")
        lab.sleep(Duration(max(0, begun + outage - lab.now_ns())))
    lab.wait_converged("routes after the silence")
    lab.sleep(AFTER)


def _program(lab: Lab, when: str) -> None:
    """Ask as any program does, by the name as it is: with a dot at its end nothing is appended to it."""
    lab.command(ASKER, "getent", "ahostsv4", f"{full_name(lab.plan, THERE)}.", name=f"getent-{when}")


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """Times beside round trips, TTL and who gives up."""
    history, plan = result.history, result.plan
    here, there, tcp = (lookups(history, name) for name in ("here", "there", "there-tcp"))
    begun, ended = history.instant("fault.start"), history.instant("fault.heal")
    near, cold = times(plan, result.late)
    well = [each for each in there if each.done_ns < begun]
    fresh = [each for each in well if each.ttl == ttl_of(plan).seconds]
    kept = [each for each in well if each.ok and each not in fresh]
    yield Measurement.against("lookup_here_p50", median_ms(here), near)
    yield Measurement.against("lookup_there_p50", median_ms(fresh), cold)
    yield Measurement.against("lookup_kept_p50", median_ms(kept), near)
    failed_here = sum(not each.ok for each in here) if here else None
    yield Measurement.against("failures_here", failed_here, dns.never("lookups", "its own site's resolver knows them"))
    yield from _silent(result, between(there, begun, ended), fresh)
    closed = [each for each in between(tcp, begun, ended) if each.result == "closed"]
    longest = max((each.took_ms / 1000 for each in closed), default=None)
    yield Measurement.against("tcp_closed_after", longest, dns.hangs_up())
    yield from _library(result)
    restored = restored_ns(result, ended)
    answers = (each.done_ns for each in there if each.ok and restored is not None and each.done_ns >= restored)
    back = min(answers, default=None)
    seconds = None if back is None or restored is None else (back - restored) / 10**9
    yield Measurement.against("back_after_routes", seconds, dns.back(cold, INTERVAL))


def _silent(result: Result, asked: tuple[Lookup, ...], fresh: list[Lookup]) -> Iterator[Measurement]:
    """What became of the other site's name meanwhile."""
    plan = result.plan
    failed = [each for each in asked if not each.ok]
    first = min((each.sent_ns for each in failed), default=None)
    last = max((each.sent_ns for each in asked if first is not None and each.ok and each.sent_ns < first), default=None)
    learned = max((each.done_ns for each in fresh), default=None)
    kept = None if last is None or learned is None else (last - learned) / 10**9
    yield Measurement.against("kept_for", kept, dns.kept(ttl_of(plan), INTERVAL))
    seen = results(failed)
    others = sum(seen.values()) - seen["timeout"] if failed else None
    yield Measurement.against("failures_there", len(failed) or None, failures(result))
    yield Measurement.against("failures_that_a_server_told", others, dns.never("lookups", dns.patience(WAIT).source))
    gave_up = [each.took_ms / 1000 for each in failed if each.result == "timeout"]
    yield Measurement.against("gave_up_after_p50", median(gave_up) if gave_up else None, dns.patience(WAIT))


def _library(result: Result) -> Iterator[Measurement]:
    """What a program heard from its C library."""
    known = result.history.first("command", command="getent-well")
    failed = None if known is None else int(known.fields["status"] != 0)
    yield Measurement.against("programs_that_fail_before", failed, dns.never("programs", "the name is known"))
    told = result.history.first("command", command="getent-silent")
    if told is not None:
        took = (told.fields["ended_ns"] - told.t_ns) / 10**9 if told.fields["status"] else None
        yield Measurement.against("program_told_after", took, dns.library_gives_up(SERVERS))


def failures(result: Result) -> Expectation:
    """How many questions fail: all those that are asked after the TTL, and can be given up before routes are back."""
    outage, ttl = result.value("outage", Duration), ttl_of(result.plan)
    least = max(0, outage - ttl) // INTERVAL - 1
    most = outage // INTERVAL + 1
    return Expectation(None, float(max(0, least)), float(most), "lookups", "one each interval, once the TTL is over")


def times(plan: Plan, late: Duration) -> tuple[Expectation, Expectation]:
    """Of a name that the resolver knows or keeps, and of one that it has to ask the other resolver for."""
    mine, theirs = resolver_of(plan, ASKER), resolver_of(plan, THERE)
    assert mine is not None and theirs is not None, "the topology has both"
    first = rtt.median(delays(plan, ASKER, mine.node, FAMILY), late)
    second = rtt.median(delays(plan, mine.node, theirs.node, FAMILY_OF_FORWARDING), late)
    return dns.lookup([first]), dns.lookup([first, second])


def ttl_of(plan: Plan) -> Duration:
    """Of the other site's names."""
    theirs = resolver_of(plan, THERE)
    assert theirs is not None, "the topology has one"
    return theirs.ttl


def restored_ns(result: Result, healed_ns: int) -> int | None:
    """When packets passed between the resolvers again: healed, and both ways have a route."""
    way = paths.flow(result.plan, HERE, ALSO_THERE)
    both = [(t_ns, bool(there and back)) for t_ns, there, back in paths.changes(result.history, result.plan, way)]
    before = [ok for t_ns, ok in both if t_ns <= healed_ns]
    if before and before[-1]:
        return healed_ns
    return next((t_ns for t_ns, ok in both if ok and t_ns > healed_ns), None)
