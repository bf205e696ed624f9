"""Try every flow that a hybrid Kubernetes needs, with a listener at its port. Leaves an event ``flow`` for each."""

from __future__ import annotations

from collections.abc import Iterable

from testbed.check.control_plane import Need, advice
from testbed.run.connectivity import outcome
from testbed.run.lab import Lab


def check(lab: Lab, needs: Iterable[Need]) -> None:
    """One attempt at a time: TCP connects, UDP is answered. What fails is tried again with taps on every node."""
    for need in needs:
        a, b = lab.probe.place(need.a, need.b, 4), lab.probe.place(need.b, need.a, 4)
        found = outcome(lab, need.flow.protocol, a, b, need.port)
        lab.note(
            "flow", flow=need.flow.name, roles=[need.source.name, need.target.name], source=need.a, target=need.b,
            sort=need.flow.protocol, port=need.port, reason=found.reason, where=found.where, detail=found.detail,
            advice=advice(lab.plan, need, found),
        )  # fmt: skip
