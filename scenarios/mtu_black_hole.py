"""The classic hybrid black hole, found and named, and what mends it, in two tunnels, the widest and the narrowest.

9001 in both sites, 1446 or 1406 in the tunnel, and the message that would tell a sender is filtered: TCP connects, and
what it sends never arrives. Each cell is a run of `connectivity.py`, whose report says where and above which size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from testbed import Measurement, Study
from testbed.study import CellResult

LOST = 4
"""TCP with data, between two hosts, both ways, in both families."""
HOLE = "black_hole_at_"

study = Study(
    scenario="connectivity.py",
    question="Data vanishes in the tunnel between VPC and data centre: what mends it?",
    hypothesis="clamping TCP's MSS, a lower MTU at the hosts, or ICMP let through: each of them alone",
    refuted_by="a cell in which data vanishes though it is mended, or does not though nothing is",
    seeds=1,
    settings={"topology": "../topologies/black_hole.py"},
    matrix=("attempts_that_work", "black_hole_at_vgw_above", "smallest_mss_ipv4"),
    show=("attempts_that_work",),
)
study.axis(
    "mended by",
    {
        "nothing": {},
        "MSS clamping": {"vpn.clamp": "yes"},
        "MTU 1400 at hosts": {"mtu": "1400"},
        "ICMP let through": {"icmp": "passes"},
    },
)
study.axis(
    "tunnel",
    {
        "GCM, 1446": {"vpn.suite": "aes128gcm16"},
        "CBC, NAT-T, 1406": {"vpn.suite": "aes128-sha512", "vpn.nat": "yes"},
    },
)


@study.measure
def measure(cells: Sequence[CellResult]) -> Iterator[Measurement]:
    """Everything works where it is mended; where it is not, all but data does, and the black holes are named."""
    source = "RFC 2923 section 2.1: without the message, TCP connects and full-size segments vanish"
    for each in cells:
        mend, tunnel = each.cell.at["mended by"], each.cell.at["tunnel"]
        lost = LOST if mend == "nothing" else 0
        for tried, works in zip(each.named("attempts_as_planned"), each.named("attempts_that_work"), strict=True):
            wanted = None if tried.expected is None else tried.expected - lost
            name = f"attempts that work, {mend}, {tunnel}"
            yield Measurement(name, works.value, "attempts", wanted, wanted, wanted, source)
        for found in (one for run in each.runs for one in run.judgement.measurements if one.name.startswith(HOLE)):
            yield replace(found, name=f"{found.name.replace('_', ' ')}, {mend}, {tunnel}")
