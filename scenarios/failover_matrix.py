"""How long is traffic gone, by what fails and by what finds out: the picture of a design."""

from collections.abc import Mapping
from pathlib import Path

from testbed import Duration, Study
from testbed.check.failures import FAILURES, asked
from testbed.load import load
from testbed.theory.interval import Expectation

SCENARIO = "failover.py"
CARRIER, DPD = "carrier alone", "IKE DPD 30 s"
NEVER_CARRIER = "never: the carrier stays"
NEVER_DPD = "never: it watches the VPN, not what carries the traffic"
OF_THE_VPN = ("tunnel", "ike-gone")

study = Study(
    scenario=SCENARIO,
    question="How long is traffic gone, by what fails and by what finds out?",
    hypothesis="as long as theory says, wherever there is one",
    refuted_by="a gap outside the interval that the detection's timers leave",
    seeds=3, matrix="gap", show=("gap",),
    settings={"before": "5 s", "after": "5 s", "probe.interval": "10 ms"},
)  # fmt: skip
study.axis("failure", {each.words: {"fault": name} for name, each in FAILURES.items()})
study.axis(
    "detection",
    {
        CARRIER: {"detection": "hold-90"}, "BFD 300 ms x 3": {"detection": "bfd"},
        "BGP hold 90/30": {"detection": "hold-90"}, "BGP hold 30/10": {"detection": "hold-30"},
        "BGP hold 3/1": {"detection": "hold-3"}, DPD: {"detection": "design"},
    },
)  # fmt: skip
NAMES = {each.words: name for name, each in FAILURES.items()}


@study.skip
def skip(at: Mapping[str, str]) -> str:
    """What cannot be detected in that way."""
    name = NAMES[at["failure"]]
    if at["detection"] == CARRIER and name not in ("carrier", "flap", "site-off"):
        return NEVER_CARRIER
    if at["detection"] == DPD and name not in OF_THE_VPN:
        return NEVER_DPD
    return ""


@study.law
def law(settings: Mapping[str, str]) -> dict[str, Expectation]:
    """The distribution of the gap, as probes see it."""
    loaded = load(str(Path(__file__).parent / SCENARIO), settings)
    failure, case = asked(loaded.plan, loaded.values, given=loaded.parameters.declared["fault.for"].changed)
    gap, spacing = failure.forecast(case).gap, loaded.values["probe.interval"]
    assert isinstance(spacing, Duration), "declared as one"
    return {"gap": gap.seen_by_probes(spacing)} if gap is not None else {}
