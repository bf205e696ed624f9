"""Claims about a plan as lines: what is another network, and what is the same one set otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.baseline.things import changed, numbers, structure
from testbed.load import load
from testbed.plan.plan import Plan

ROOT = Path(__file__).parent.parent.parent
SESSIONS = "session dx of vgw, session dx_6 of vgw, session dx of cgw and session dx_6 of cgw"
SHIPPED = sorted((ROOT / "topologies").glob("*.py"))


def plan(name: str, **settings: str) -> Plan:
    return load(str(ROOT / "topologies" / name), {key.replace("_", "."): value for key, value in settings.items()}).plan


@pytest.mark.parametrize(
    ("name", "settings", "line"),
    [
        ("hybrid.py", {"dx_bfd": "600 ms"}, f"{SESSIONS}: bfd.interval 300 ms -> 600 ms"),
        ("hybrid.py", {"dx_hold": "30 s"}, f"{SESSIONS}: hold 90 s -> 30 s, keepalive 30 s -> 10 s"),
        ("hybrid.py", {"dx_loss": "0.3 %"}, "link dx: a_to_b.loss default -> 0.3 %, b_to_a.loss default -> 0.3 %"),
        ("black_hole.py", {"vpn_clamp": "yes"}, "tunnel vpn-1 and tunnel vpn-2: clamp_mss default -> yes"),
        ("storage.py", {"share_sync": "sync"}, "share share: sync default -> yes"),
    ],
)
def test_a_setting_that_changed_is_named_with_both_values_and_is_the_same_network(
    name: str, settings: dict[str, str], line: str
) -> None:
    before, now = plan(name), plan(name, **settings)
    assert structure(before) == structure(now)
    assert [*changed(numbers(before), numbers(now))] == [line]


def test_another_host_is_another_network() -> None:
    assert structure(plan("hub_and_spoke.py")) != structure(plan("hub_and_spoke.py", spokes="4"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_same_topology_gives_the_same_lines_and_every_thing_its_own(path: Path) -> None:
    one, other = load(str(path), {}).plan, load(str(path), {}).plan
    assert (structure(one), numbers(one)) == (structure(other), numbers(other))
    assert len(set(structure(one))) == len(structure(one))
    assert [*changed(numbers(one), numbers(other))] == []
