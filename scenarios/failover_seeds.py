"""One failure, many seeds: does the gap follow the distribution that theory says it has?"""

from testbed import Study

study = Study(
    scenario="failover.py",
    question="The path in use goes silent, at any moment: how is the gap distributed?",
    hypothesis="as the timers' chance makes it: timeout less the age of the last beat, the later of the two ends",
    refuted_by="a p-value of Kolmogorov's test below 0.001 over all cells, or one gap outside theory's interval",
    seeds=30, show=("gap", "detection"), settings={"before": "5 s", "after": "5 s", "fault": "silent"},
)  # fmt: skip
study.axis(
    "detection",
    {
        "BFD 300 ms x 3": {"detection": "bfd"}, "BGP hold 3/1": {"detection": "hold-3"},
        "BGP hold 3/1, FRR": {"detection": "hold-3", "routing.daemon": "frr"},
    },
)  # fmt: skip
