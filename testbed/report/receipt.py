"""The receipt: what each link was asked to do, and what it was seen to do."""

from __future__ import annotations

from dataclasses import dataclass

from testbed.numbers import counted, interval, quantity
from testbed.plan.plan import FABRIC, Direction, Plan, PlannedLink, PlannedTunnel


@dataclass(frozen=True)
class Check:
    """One property of one direction. ``ok`` is ``None`` where nothing is known."""

    name: str
    unit: str
    asked: float | None
    delivered: float | None
    low: float | None
    high: float | None
    ok: bool | None

    @property
    def bound(self) -> str:
        """Where the delivered value had to lie."""
        return interval(self.low, self.high)

    @property
    def asked_text(self) -> str:
        """What was asked, with its unit."""
        return quantity(self.asked, self.unit)

    @property
    def delivered_text(self) -> str:
        """What was seen, with its unit."""
        return quantity(self.delivered, self.unit, none="not measured")


@dataclass(frozen=True)
class LinkReceipt:
    """One direction of one link."""

    link: str
    direction: Direction
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Receipt:
    """All links. ``level`` is the confidence that a good receipt is told to be good."""

    level: float
    links: tuple[LinkReceipt, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all checks, in the order in which they first appear."""
        return tuple(dict.fromkeys(check.name for link in self.links for check in link.checks))

    @property
    def sentence(self) -> str:
        """What the receipt says as a whole."""
        checks = [check for link in self.links for check in link.checks]
        if not checks:
            return "No link was checked."
        bad = sum(check.ok is False for check in checks)
        unknown = sum(check.ok is None for check in checks)
        said = f"{len(checks) - bad - unknown} of {counted(len(checks), 'check')} lie within their bounds"
        said += f", {bad} outside" if bad else ""
        said += f", {unknown} could not be made" if unknown else ""
        return f"{said} (confidence {self.level:g})."


def read_receipt(text: str) -> Receipt:
    """Read ``receipt.json``. Raises ``ValueError`` for another shape."""
    from pydantic import TypeAdapter

    return TypeAdapter(Receipt).validate_json(text)


def direction_words(plan: Plan, link: str, direction: str) -> str:
    """``vgw → cgw``: nodes say more than ``a_to_b``."""
    every: list[PlannedLink | PlannedTunnel] = [*plan.links, *plan.access, *plan.tunnels]
    for name, a, b in ((each.name, each.a.node, each.b.node) for each in every):
        if name == link:
            here, there = (a, b) if direction == "a_to_b" else (b, a)
            return " → ".join("switch" if node == FABRIC else node for node in (here, there))
    return direction
