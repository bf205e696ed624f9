"""Try every flow that a hybrid Kubernetes needs. Leaves an event ``flow`` for each."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from functools import partial

from testbed.check.control_plane import Need
from testbed.check.missing import advice, further
from testbed.daemons.dns_question import Question, ask
from testbed.plan.names import DNS_PORT, full_name
from testbed.probe.attempts import WAIT_S
from testbed.probe.place import Place
from testbed.run.connectivity import outcome
from testbed.run.lab import Lab


def check(lab: Lab, needs: Iterable[Need]) -> None:
    """One attempt at a time: TCP connects to a listener, UDP is answered, and a DNS server that there is, is asked.

    What fails is tried again with taps on every node.
    """
    servers = {resolver.node for resolver in lab.plan.resolvers}
    for need in needs:
        a, b = lab.probe.place(need.a, need.b, 4), lab.probe.place(need.b, need.a, 4)
        question = partial(_ask, lab, need, a, b) if need.port == DNS_PORT and need.b in servers else None
        found = outcome(lab, need.flow.protocol, a, b, need.port, question)
        lab.note(
            "flow", flow=need.flow.name, roles=[need.source.name, need.target.name], source=need.a, target=need.b,
            sort=need.flow.protocol, port=need.port, reason=found.reason, where=found.where, detail=found.detail,
            advice=advice(lab.plan, need, found), further=[str(each) for each in further(lab.plan, need, found)],
        )  # fmt: skip


def _ask(lab: Lab, need: Need, a: Place, b: Place) -> int:
    """Ask a server for its own name, which it need ask nobody for."""
    question = Question(full_name(lab.plan, need.b), 4)
    with lab.network.namespaces.inside(need.a):
        reply = ask(question, b.known_as, source=a.address, protocol=need.flow.protocol, wait_s=WAIT_S)
    if reply.result == "answer":
        return 0
    known = {"timeout": errno.ETIMEDOUT, "closed": errno.ECONNREFUSED, "unreachable": errno.EHOSTUNREACH}
    return known.get(reply.result, errno.EPROTO)
