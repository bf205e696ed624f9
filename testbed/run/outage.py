"""All ways between two hosts fall silent for a while, and come back."""

from __future__ import annotations

from collections.abc import Callable

from testbed.check.cases import case, chain
from testbed.run.lab import Lab
from testbed.units import Duration

BACK_WITHIN = "300 s"
"""For routes to be there again; arbitrary: more than twice BGP's longest hold time of the presets."""


def silence(
    lab: Lab, source: str, target: str, outage: Duration, half_way: Callable[[], None] = lambda: None
) -> None:  # fmt: skip
    """Silence each link and tunnel that traffic between two hosts uses or would turn to, then heal.

    Returns when routes are as before; that there is a way again is noted as ``way.back``. ``half_way`` is
    called in the midst of the outage.
    """
    breaks = case(lab.plan, source, target, Duration(0))
    for link in dict.fromkeys(each.name for name in (breaks.usual, breaks.detour) for each in chain(lab.plan, name)):
        lab.fault.begin("silent", link)
    ends_ns = lab.now_ns() + outage
    lab.sleep(Duration(outage // 2))
    half_way()
    lab.sleep(Duration(max(0, ends_ns - lab.now_ns())))
    lab.fault.heal_all()
    lab.wait_until(lab.path(source, target).exists(), within=BACK_WITHIN)
    lab.note("way.back")
    lab.wait_converged("the routes of before, after healing", within=BACK_WITHIN)
