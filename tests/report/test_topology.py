"""The picture of a topology: everything is there, nothing lies over anything else, and what broke is marked."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.builder import Topology
from testbed.errors import InputError
from testbed.load import load
from testbed.parameters import Parameters
from testbed.plan.compile import compile_plan
from testbed.plan.plan import Plan
from testbed.report.layout import MARGIN, Rect, lay_out, spread
from testbed.report.sites import broken_by, sites, wires
from testbed.report.topology import draw_topology
from tests.report.conftest import ROOT

HYBRID = str(ROOT / "topologies" / "hybrid.py")


def hub(spokes: int, hosts: int) -> Plan:
    """A hub with spokes, and one more site behind the Internet."""
    t = Topology("hub", Parameters({}))
    centre = t.vpc("hub", "10.0.0.0/16")
    centre.host("core")
    gateway = centre.router("tgw", asn=64512, kind="transit-gateway")
    for number in range(1, spokes + 1):
        spoke = t.vpc(f"spoke{number}", f"10.{number}.0.0/16")
        spoke.hosts(f"s{number}-", hosts, zone="a")
        t.link(f"att{number}", gateway, spoke.router(f"gw{number}", asn=64600 + number), bgp=t.bgp())
    office = t.lan("office", "192.168.0.0/16")
    edge = office.router("edge", asn=65000)
    inet = t.internet("inet")
    t.attach(gateway, inet)
    t.attach(edge, inet)
    t.vpn("vpn", gateway, edge, over=inet)
    return compile_plan(t.build(), "00000000", {})


def overlap(a: Rect, b: Rect) -> bool:
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_it_draws_into_svg_and_png_the_same_each_time(tmp_path: Path, suffix: str) -> None:
    plan = load(HYBRID, {}).plan
    paths = [tmp_path / f"{name}{suffix}" for name in ("one", "two")]
    for path in paths:
        draw_topology(plan, path, ["dx"])
    assert paths[0].read_bytes() == paths[1].read_bytes()
    draw_topology(plan, paths[1])
    assert paths[0].read_bytes() != paths[1].read_bytes(), "a fault leaves no mark"


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.svg or \.png"):
        draw_topology(load(HYBRID, {}).plan, tmp_path / "picture.gif")


def test_it_leaves_pyplot_alone(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from testbed.load import load; "
        "from testbed.report.topology import draw_topology; "
        f"draw_topology(load({HYBRID!r}, {{}}).plan, Path({str(tmp_path / 'x.svg')!r})); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_link_says_rate_delay_and_mtu() -> None:
    plan = load(HYBRID, {"dx.loss": "0.1 %", "dx.jitter": "1 ms"}).plan
    facts = {wire.names[0]: wire.facts for wire in wires(plan, ())}
    assert facts["dx"] == "1 Gbit/s · 5 ms ±1 ms · loss 0.1 % · MTU 1,500"
    assert facts["vpn-1"] == "1.25 Gbit/s each · MTU 1,446"
    assert facts["inet-cgw"] == "15 ms · MTU 1,500"


def test_tunnels_of_one_vpn_are_one_wire_that_says_which_broke() -> None:
    plan = load(HYBRID, {}).plan
    wire = next(wire for wire in wires(plan, ["vpn-2"]) if wire.tunnel)
    assert wire.names == ("vpn-1", "vpn-2")
    assert wire.words == "vpn-1, vpn-2  IPsec: vpn-2 broke"
    assert broken_by(plan, "vpn") == {"vpn-1", "vpn-2"}


def test_many_hosts_become_one_chip_and_a_broken_one_stays_visible() -> None:
    plan = hub(1, 300)
    spoke = next(site for site in sites(plan, ["s1-7"]) if site.name == "spoke1")
    (subnet,) = spoke.subnets
    assert [(chip.text, chip.broke) for chip in subnet.chips] == [
        ("s1-7", True),
        ("299 more hosts: s1-1 … s1-300", False),
    ]


@pytest.mark.parametrize(("spokes", "hosts"), [(1, 1), (3, 7), (8, 2), (12, 300)])
def test_nothing_lies_over_anything_else(spokes: int, hosts: int) -> None:
    placed = lay_out(hub(spokes, hosts), ())
    boxes = [rect for _, rect, _ in placed.sites]
    assert len(boxes) == spokes + 2
    for a, b in combinations([*boxes, *placed.transits.values()], 2):
        assert not overlap(a, b)
    for a, b in combinations(placed.routers.values(), 2):
        assert not overlap(a, b)
    for a, b in combinations([rect for _, rect in placed.subnets], 2):
        assert not overlap(a, b)
    assert all(rect.y >= MARGIN / 2 and rect.y + rect.height <= placed.height for rect in boxes)
    direct = sorted(course.lane_y for course in placed.courses if not course.wire.transit)
    assert all(low - high > 0.4 for high, low in pairwise(direct)), "words of two wires collide"


def test_every_wire_has_a_course() -> None:
    plan = hub(4, 2)
    drawn = sorted(name for course in lay_out(plan, ()).courses for name in course.wire.names)
    assert drawn == sorted([link.name for link in plan.links] + [tunnel.name for tunnel in plan.tunnels])


def test_a_single_site_makes_a_narrow_picture(tmp_path: Path) -> None:
    t = Topology("one", Parameters({}))
    lab = t.lan("lab", "10.1.0.0/16")
    lab.hosts("host", 2)
    lab.router("gw", asn=65000)
    path = tmp_path / "one.svg"
    draw_topology(compile_plan(t.build(), "00000000", {}), path)
    width = re.search(r'viewBox="0 0 ([0-9.]+)', path.read_text())
    assert width is not None
    assert float(width[1]) < 300


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0.2, 2)), max_size=12))
def test_spreading_keeps_the_order_and_leaves_no_overlap(wishes: list[tuple[float, float]]) -> None:
    room = sum(height for _, height in wishes) + 20
    found = spread(wishes, 0, room)
    order = sorted(range(len(wishes)), key=lambda i: wishes[i][0])
    for upper, lower in pairwise(order):
        assert found[lower] - found[upper] >= (wishes[upper][1] + wishes[lower][1]) / 2 - 1e-6
    for i, middle in enumerate(found):
        assert wishes[i][1] / 2 - 1e-6 <= middle <= room - wishes[i][1] / 2 + 1e-6
