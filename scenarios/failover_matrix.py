"""How long is traffic gone, by what fails and by what finds out: the picture of an architect's choices.

The design is the hybrid reference, Direct Connect with a VPN behind it; where IKE has to find out, it is a VPN with
static routes alone, since IKE watches nothing else; and one failure is that of one Direct Connect of two.
"""

from collections.abc import Mapping

from testbed import Study
from testbed.check.failures import FAILURES

CARRIER, DPD = "carrier alone", "IKE DPD 30 s"
STATIC, TWO = "../topologies/static_vpn.py", "../topologies/two_connections.py"
ONE_OF_TWO = "one Direct Connect of two silent"
WITH_CARRIER = ("carrier", "flap", "site-off")
NEVER_WITH_DPD = {
    "carrier": "never: a tunnel has no carrier", "flap": "never: a tunnel has no carrier",
    "bgp-killed": "never: no BGP runs there",
}  # fmt: skip

study = Study(
    scenario="failover.py",
    question="The path in use fails for three minutes: how long is traffic gone, by what fails and by what finds out?",
    hypothesis="as long as theory says, with Direct Connect and a VPN behind it; for IKE's DPD, on a static VPN alone",
    refuted_by="a gap outside the interval that the detection's timers leave",
    seeds=3, matrix=("gap", "detection", "tcp_stall", "packets_lost", "time_to_return"), show=("gap",),
    settings={"fault.for": "180 s", "before": "5 s", "after": "5 s", "probe.interval": "10 ms"},
)  # fmt: skip
NAMES = {each.words: name for name, each in FAILURES.items()}
study.axis(
    "failure",
    {words: {"fault": name} for words, name in NAMES.items()} | {ONE_OF_TWO: {"fault": "silent", "topology": TWO}},
)
study.axis(
    "detection",
    {
        CARRIER: {"detection": "hold-90"}, "BFD 300 ms x 3": {"detection": "bfd"},
        "BGP hold 90/30": {"detection": "hold-90"}, "BGP hold 30/10": {"detection": "hold-30"},
        "BGP hold 3/1": {"detection": "hold-3"}, DPD: {"detection": "design", "topology": STATIC},
    },
)  # fmt: skip


@study.skip
def skip(at: Mapping[str, str]) -> str:
    """What cannot be detected in that way."""
    name = NAMES.get(at["failure"], "silent")
    if at["detection"] == CARRIER and name not in WITH_CARRIER:
        return "never: the carrier stays"
    if at["detection"] == DPD and at["failure"] == ONE_OF_TWO:
        return "never: there is no VPN"
    return NEVER_WITH_DPD.get(name, "") if at["detection"] == DPD else ""
