"""What an outage of the link does to who writes to a share: who waits, who is told, and whether anything is lost.

A program writes numbered records, and calls fsync after each. Meanwhile the link loses all packets for a while.
"""

import errno
from collections.abc import Iterator, Mapping

from testbed import Duration, Lab, Measurement, Result, Scenario
from testbed.check import writer
from testbed.errors import Problem
from testbed.plan.plan import Plan, PlannedLink
from testbed.theory import nfs
from testbed.theory.interval import exactly

LINK, SHARE, WRITER = "wan", "share", "writer"
INTERVAL = Duration.parse("100 ms")
BEFORE = "5 s"
GIVES = {"soft": errno.EIO, "softerr": errno.ETIMEDOUT}
AFTER = Duration.parse("10 s")
"""Further seconds in which all is well again; arbitrary."""

scenario = Scenario(
    topology="../topologies/storage.py",
    question="The link is silent for a while: who waits, who gets an error and when, and what is lost?",
    hypothesis="hard waits; soft fails at timeo x (retrans + 1), once TCP has given up; nothing acknowledged is lost",
    refuted_by="a lost record, an error on a hard mount, or one outside theory's interval",
)
scenario.param("cause", str, "silent", "the link, or the share's volume (share.disk)", choices=("silent", "stall"))
scenario.param("outage", Duration, "60 s", "how long it is silent; 10 s, 60 s and 200 s tell the cases apart")


@scenario.check
def check(plan: Plan, values: Mapping[str, object]) -> Iterator[Problem]:
    """What a server has in memory does not stall."""
    if values["cause"] == "stall" and not plan.share(SHARE).on:
        what = f"{plan.share(SHARE).server} keeps the share in memory, which does not stall"
        yield Problem("--set cause=stall", what, "put it on a volume: --set share.disk=gp3")


@scenario.run
def run(lab: Lab) -> None:
    """Write, silence, and write until it works again."""
    outage = lab.value("outage", Duration)
    with lab.storage.writer(SHARE, INTERVAL, name=WRITER):
        lab.sleep(BEFORE)
        cause = lab.value("cause", str)
        with lab.fault.start(cause, LINK if cause == "silent" else SHARE):
            lab.sleep(outage)
        high = nfs.back_after(outage, rtt_of(lab.plan.link(LINK))).high or 0.0
        lab.sleep(Duration(round(high * 10**9) + AFTER))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """What the writer saw, beside the timeouts of mount, RPC and TCP."""
    share, outage = result.plan.share(SHARE), result.value("outage", Duration)
    rtt = rtt_of(result.plan.link(LINK))
    begun, ended = result.history.instant("fault.start"), result.history.instant("fault.heal")
    calls = writer.calls(result.history, WRITER)
    saved = exactly(0, "records", "fsync(2) has returned: the record is on the server")
    yield Measurement.against("lost_after_fsync", writer.lost(result.history, WRITER), saved, better="lower")
    failed = [call for call in calls if call.errno]
    first = nfs.first_error(share.timeo, share.retrans, rtt)
    stalled = result.value("cause", str) == "stall"
    count = nfs.PATIENT if stalled else nfs.errors(share.lost, outage, first)
    if count is None:
        yield Measurement(
            "errors", len(failed), "calls", source="no theory: the outage ends as calls begin to fail", better="lower"
        )
    else:
        yield Measurement.against("errors", len(failed), count, better="lower")
    if failed and share.lost != "hard" and not stalled:
        # From the call that was under way, or began, when the link fell silent.
        seconds = (failed[0].ended_ns - begun) / 10**9
        yield Measurement.against("first_error", seconds, first)
        told = exactly(GIVES[share.lost], "", "nfs(5): soft gives EIO, softerr ETIMEDOUT")
        yield Measurement.against("errno", failed[0].errno, told)
    longest = max((call.ended_ns - call.begun_ns for call in calls), default=None)
    yield Measurement("longest_call", None if longest is None else longest / 10**9, "s", better="lower")
    back = next((call.ended_ns for call in calls if not call.errno and call.ended_ns >= ended), None)
    theory = nfs.unstalled(rtt) if stalled else nfs.back_after(outage, rtt)
    yield Measurement.against(
        "back_after_heal", None if back is None else (back - ended) / 10**9, theory, better="lower"
    )


def rtt_of(link: PlannedLink) -> Duration:
    """Both delays."""
    return Duration(link.a_to_b.delay + link.b_to_a.delay)
