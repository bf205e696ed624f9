"""The shipped topologies, as plans."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from testbed.load import load
from testbed.plan.plan import Plan

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(path.name for path in (ROOT / "topologies").iterdir() if path.suffix in (".py", ".yaml"))


@cache
def plan_of(name: str, lab: str = "golden", **settings: str) -> Plan:
    """The plan of a file under topologies/, with these parameters."""
    return load(str(ROOT / "topologies" / name), settings, lab).plan
