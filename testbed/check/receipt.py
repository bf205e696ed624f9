"""The receipt: what was asked of each direction of each link, what it delivered, and whether that is the same. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from testbed.check import statistics
from testbed.check.receipt_checks import DELAY_MS, Way, judges
from testbed.check.statistics import LEVEL
from testbed.job import Clock, Kernel
from testbed.plan.plan import DIRECTIONS, Plan

PLAIN = "the lab was brought up without impairments: its links are as the kernel gives them"


def judge_receipt(raw: Mapping[str, Any], plan: Plan, clock: Clock, kernel: Kernel = "guest") -> dict[str, Any]:
    """Judge what :func:`testbed.run.calibrate.calibrate` measured.

    Returns:
        ``{"level", "late_ms", "links": [{"link", "direction", "checks": [{"name", "unit", "asked", "delivered", "low",
        "high", "ok"}]}]}``: every link and direction of the plan, measured or not. ``ok`` is ``None`` where nothing
        could be measured. ``"impaired": false`` besides where links were left as the kernel gives them.
    """
    measured = {(entry["link"], entry["direction"]): entry for entry in raw["links"]}
    ways = [
        Way(link, direction, measured.get((link.name, direction), {}), clock, kernel)
        for link in (*plan.links, *plan.access)
        for direction in DIRECTIONS
    ]
    checks = [[*judges(way)] for way in ways]
    level = statistics.sidak(LEVEL, max(1, sum(map(len, checks))))
    return {
        "level": LEVEL,
        "late_ms": DELAY_MS[kernel, clock],
        "links": [
            {
                "link": way.link.name, "direction": way.direction,
                "checks": [judge(way, level).to_json() for judge in some],
            }
            for way, some in zip(ways, checks, strict=True)
        ],
        **({} if raw.get("impaired", True) else {"impaired": False}),
    }  # fmt: skip


def problems(receipt: Mapping[str, Any]) -> list[str]:
    """What a receipt holds against its run, a sentence each."""
    found = [
        f"link {entry['link']}, {entry['direction']}: {_sentence(check)}"
        for entry in receipt["links"]
        for check in entry["checks"]
        if not check["ok"]
    ]
    return [PLAIN, *found] if found and not receipt.get("impaired", True) else found


def _sentence(check: Mapping[str, Any]) -> str:
    name, unit = check["name"], check["unit"]
    if check["delivered"] is None:
        return f"{name} could not be measured, asked {check['asked']:.10g} {unit}"
    delivered, asked, low, high = (f"{check[key]:.10g}" for key in ("delivered", "asked", "low", "high"))
    return f"{name} {delivered} {unit}, asked {asked}, bound {low} to {high}"
