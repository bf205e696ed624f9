"""Which rule of which guard is missing where a flow does not get through. Pure.

What was measured says where a packet was dropped, and so the first rule that is missing. What else would stop it after
that rule was added is known from the plan alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from testbed.check.control_plane import Need
from testbed.history import Event
from testbed.plan.expect import ANSWERS_TO, OK, OWN_PORTS, Outcome, meeting
from testbed.plan.guards import Guard, Packet, allows, deciding, label
from testbed.plan.paths import back, path
from testbed.plan.plan import Plan


@dataclass(frozen=True)
class Missing:
    """A rule that a guard should have. ``before``: the rule that denies, which has to come after it."""

    guard: Guard
    rule: str
    answers: bool = False
    before: str = ""

    def __str__(self) -> str:
        """Which guard lacks it and what it says, in the words that the builder takes."""
        order = f" before {self.before!r}" if self.before else ""
        answers = ", for the answers" if self.answers else ""
        return f"{self.guard.kind} {self.guard.name} lacks {self.rule!r}{order}{answers}"


def missing(plan: Plan, need: Need, outcome: Outcome) -> Missing | None:
    """The rule that would have let a packet through that a guard filtered; ``None``: it was no guard."""
    if outcome.reason != "filtered":
        return None
    for guard, packet, answers in _met(plan, need):
        if guard.node == outcome.where and outcome.detail.startswith(f"{label(guard)}: "):
            return _lacking(need, guard, packet, answers=answers)
    return None


def further(plan: Plan, need: Need, outcome: Outcome) -> list[Missing]:
    """What else would stop the flow once that rule is there: by the plan, in the order in which it would be met."""
    first = missing(plan, need, outcome)
    found = [_lacking(need, *met[:2], answers=met[2]) for met in _met(plan, need) if not allows(*met[:2])]
    return [each for each in found if each != first] if first is not None else []


def advice(plan: Plan, need: Need, outcome: Outcome) -> str:
    """What to do about a flow that does not get through; empty: it does."""
    if outcome == OK:
        return ""
    found = missing(plan, need, outcome)
    if found is not None:
        return str(found)
    if outcome.reason == "no route":
        return f"{outcome.where} has no route from {need.source.range} to {need.target.range}, or none back"
    if outcome.reason == "reset":
        return f"{need.b} refuses {need.flow.protocol} {need.port}: nothing listens there"
    where = f" at {outcome.where}" if outcome.where else ""
    return f"{need.flow.protocol} {need.port} from {need.a} to {need.b} is lost{where}: {outcome.reason}"


def told(events: Iterable[Event]) -> dict[str, str]:
    """What is missing, a sentence each, to where it was met and which flows it stops, from a run's events ``flow``.

    What was measured comes first, then what the plan alone says.
    """
    some = [event.fields for event in events if event.kind == "flow" and event.fields["advice"]]
    measured: dict[str, dict[str, None]] = {}
    planned: dict[str, dict[str, None]] = {}
    for cell in some:
        why = measured.setdefault(str(cell["advice"]), {})
        why |= {f"at {cell['where']}": None} if cell["where"] else {}
    for cell in some:
        for each in cell["further"]:
            if each not in measured:
                planned.setdefault(str(each), {"by the plan": None})
    flows = {
        each: " ".join(dict.fromkeys(str(c["flow"]) for c in some if each in (c["advice"], *c["further"])))
        for each in (*measured, *planned)
    }
    return {each: ", ".join([*why, f"for {flows[each]}"]) for each, why in (measured | planned).items()}


def _met(plan: Plan, need: Need) -> Iterator[tuple[Guard, Packet, bool]]:
    """The guards that decide about the question and the answers of a flow, what they see, and whether it answers."""
    there = path(plan, need.a, need.b, 4)
    if there.stuck:
        return
    for way, question, port in ((there, None, need.port), (back(plan, there, 4), there, ANSWERS_TO)):
        for guard, at in meeting(plan, way, question) if not way.stuck else ():
            packet = Packet(source=at.source, target=at.target, protocol=need.flow.protocol, port=port)
            yield guard, packet, question is not None


def _lacking(need: Need, guard: Guard, packet: Packet, *, answers: bool) -> Missing:
    denying = deciding(guard, packet)
    return Missing(guard, _rule(need, guard, answers=answers), answers, denying.text if denying is not None else "")


def _rule(need: Need, guard: Guard, *, answers: bool) -> str:
    """For a guard on the way of the question, or of the answers, which come from the target to a port of its choice."""
    sender, receiver = (need.target, need.source) if answers else (need.source, need.target)
    ports = f"{OWN_PORTS[0]}-{OWN_PORTS[1]}" if answers else str(need.port)
    peer = f"from {sender.range}" if guard.way == "in" else f"to {receiver.range}"
    return f"{guard.way} {need.flow.protocol} {ports} {peer}"
