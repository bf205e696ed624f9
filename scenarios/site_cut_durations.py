"""A site is cut off from its cluster for half a minute, two minutes and seven: what is given up, by what pods tolerate?

Half a minute is less than the control plane waits for a node, two minutes are less than a pod tolerates a lost node
unless it says otherwise, and seven are more.
"""

from testbed import Study

study = Study(
    scenario="site_cut_off.py",
    question="A site is cut off from its cluster's control plane: what is given up, by how long, and by what pods ask?",
    hypothesis="half a minute costs connections alone; two minutes the site's endpoints, too; seven its pods",
    refuted_by="a step outside the interval that the controllers' timers leave",
    seeds=1,
    matrix=("nodes_held_for_lost", "endpoints_at_the_end", "pods_evicted", "pods_at_site_after", "endpoints_back"),
    settings={"before": "5 s", "after": "10 s"},
)  # fmt: skip
study.axis("cut", {text: {"cut.for": text} for text in ("30 s", "2 min", "7 min")})
study.axis(
    "pods",
    {
        "say nothing": {}, "tolerate 30 s": {"toleration": "30 s"}, "tolerate for ever": {"toleration": "forever"},
        "tolerate 30 s, evenly spread": {"toleration": "30 s", "spread": "strict"},
    },
)  # fmt: skip
