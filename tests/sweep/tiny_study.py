"""A study of the smallest scenario."""

from testbed import Study

study = Study(
    scenario="tiny.py", question="What does distance cost?", hypothesis="twice the delay", refuted_by="another time",
    seeds=2,
)  # fmt: skip
study.axis("distance", {"near": {"dx.delay": "1 ms"}, "far": {"dx.delay": "20ms"}})
