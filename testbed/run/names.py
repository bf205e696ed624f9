"""Does a host learn another's address by its name, and where does it fail? Found by asking, server by server."""

from __future__ import annotations

import errno

from testbed.daemons.dns_question import Question, Reply, ask
from testbed.net.namespace import Namespaces
from testbed.plan.expect import OK, Outcome
from testbed.plan.names import FAMILY_OF_FORWARDING, full_name, resolver_of
from testbed.plan.paths import Family, seen
from testbed.plan.plan import Node
from testbed.plan.resolvers import PlannedResolver
from testbed.probe.attempts import WAIT_S
from testbed.probe.diagnose import diagnose
from testbed.probe.place import Place
from testbed.probe.tap import Sighting, Taps
from testbed.resolvers import Result
from testbed.run.connectivity import plain
from testbed.run.drops import drops, since
from testbed.run.lab import Lab

_ERRNO: dict[Result, int] = {
    "timeout": errno.ETIMEDOUT, "closed": errno.ECONNREFUSED, "unreachable": errno.EHOSTUNREACH,
}  # fmt: skip
"""Nobody has answered; everything else a server said."""


def lookup(lab: Lab, source: Node, target: Node, family: Family) -> Outcome | None:
    """Ask for a host's address by its name, and why it fails; ``None``: nobody to ask, or no name to ask for."""
    mine, theirs = resolver_of(lab.plan, source.name), resolver_of(lab.plan, target.name)
    if mine is None or theirs is None:
        return None
    question = Question(full_name(lab.plan, target.name), family)
    reply = _ask(lab, question, source.name, mine, family)
    if reply.result == "answer":
        right = reply.addresses == (seen(lab.plan, source, target, family),)
        return OK if right else Outcome("wrong record", mine.node, " ".join(reply.addresses))
    if reply.result not in _ERRNO:
        return _without(lab, question, mine, theirs, reply)
    for begin, server, over in ((source.name, mine, family), (mine.node, theirs, FAMILY_OF_FORWARDING)):
        found = _reaches(lab, begin, server, over)
        if not found.ok:
            return found
    return Outcome("timeout")


def _without(
    lab: Lab, question: Question, mine: PlannedResolver, theirs: PlannedResolver, reply: Reply
) -> Outcome:  # fmt: skip
    """A server said that it knows no such name: which one lacks the record, or does not know whom to ask?"""
    direct = _ask(lab, question, mine.node, theirs, FAMILY_OF_FORWARDING)
    return Outcome("no record", mine.node if direct.result == "answer" else theirs.node, reply.result)


def _reaches(lab: Lab, begin: str, server: PlannedResolver, family: Family) -> Outcome:
    """Does a server answer for its own name, which it need ask nobody for? If not, again with taps on every node."""
    plan = lab.plan
    question = Question(full_name(plan, server.node), family)
    if _ask(lab, question, begin, server, family).result == "answer":
        return OK
    before = drops(lab)
    taps = Taps(lab.network.namespaces, [node.name for node in plan.nodes])
    reply = _ask(lab, question, begin, server, family)
    sightings = taps.take()
    if reply.result == "answer":
        return OK
    a, b = lab.probe.place(begin, server.node, family), lab.probe.place(server.node, begin, family)
    packets = plain(plan, a, b, sightings) if begin != server.node else []
    ends = Place(a.node, a.node), Place(b.node, b.node)
    found = diagnose(packets, *ends, _ERRNO.get(reply.result, errno.EPROTO), since(lab, before))
    silent = found.reason == "timeout" and (begin == server.node or _unanswered(packets, *ends))
    return Outcome("resolver down", server.node) if silent or found.reason == "reset" else found


def _unanswered(packets: list[Sighting], a: Place, b: Place) -> bool:
    """A question has come in at the server, and no answer left it."""
    asked = any((one.node, one.source, one.target) == (b.node, a.address, b.address) for one in packets)
    answered = any((one.node, one.source, one.target) == (b.node, b.address, a.address) for one in packets)
    return asked and not answered


def _ask(lab: Lab, question: Question, begin: str, server: PlannedResolver, family: Family) -> Reply:
    here, there = lab.probe.place(begin, server.node, family), lab.probe.place(server.node, begin, family)
    spaces: Namespaces = lab.network.namespaces
    with spaces.inside(begin):
        return ask(question, there.known_as, source=here.address, wait_s=WAIT_S)
