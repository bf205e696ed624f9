"""One failure, many seeds: does the gap follow the distribution that theory says it has?"""

from collections.abc import Mapping
from pathlib import Path

from testbed import Duration, Study
from testbed.check.failures import asked
from testbed.load import load
from testbed.theory.interval import Expectation

SCENARIO = "failover.py"

study = Study(
    scenario=SCENARIO,
    question="The path in use goes silent, at any moment: how is the gap distributed?",
    hypothesis="as the timers' chance makes it: timeout less the age of the last beat, the later of two ends",
    refuted_by="a p-value of Kolmogorov's test below 0.001 over all cells, or one gap outside theory's interval",
    seeds=30, show=("gap", "detection"), settings={"before": "5 s", "after": "5 s", "fault": "silent"},
)  # fmt: skip
study.axis("detection", {"BFD 300 ms x 3": {"detection": "bfd"}, "BGP hold 3/1": {"detection": "hold-3"}})


@study.law
def law(settings: Mapping[str, str]) -> dict[str, Expectation]:
    """Of gap and detection."""
    loaded = load(str(Path(__file__).parent / SCENARIO), settings)
    failure, case = asked(loaded.plan, loaded.values, given=loaded.parameters.declared["fault.for"].changed)
    found, spacing = failure.forecast(case), loaded.values["probe.interval"]
    assert isinstance(spacing, Duration), "declared as one"
    gap = found.gap and found.gap.seen_by_probes(spacing)
    return {name: each for name, each in (("gap", gap), ("detection", found.noticed)) if each is not None}
