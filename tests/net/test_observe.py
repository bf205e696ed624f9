"""Claims about reading back: bytes as a kernel sends them are understood, and each difference from a plan is named."""

from __future__ import annotations

import socket
import struct
from dataclasses import replace
from ipaddress import ip_interface
from typing import Any

import pytest

from testbed import Topology
from testbed.net import dumps, shaping
from testbed.net.dumps import Found, Link
from testbed.net.observe import Wanted, compare, plan_by_namespace, shaper_differences, wire_differences
from testbed.net.shaping import Policer, Wire
from testbed.plan.compile import compile_plan
from testbed.plan.plan import FABRIC, Plan
from testbed.units import Rate

UP = dumps.IFF_UP | dumps.IFF_LOWER_UP
GOLDEN_LINK = bytes.fromhex(
    # ifinfomsg: family 0, type 1 (Ethernet), index 101, flags 0x11043, change 0
    "00000100650000004310010000000000"
    # IFLA_IFNAME "dx", IFLA_MTU 8500, IFLA_ADDRESS, IFLA_MASTER 7, and one we do not know (IFLA_GROUP)
    "0700030064780000" "0800040034210000" "0a00010002abcdef01230000" "08000a0007000000" "08001b0000000000"
)  # fmt: skip
"""As Linux 7.2 sends it, with most attributes left out."""


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def plan() -> Plan:
    """A site with a host that has a link of its own, and two routers with a link."""
    t = Topology("t")
    site = t.vpc("one", "10.0.0.0/16")
    site.host("far", zone="a", delay="3 ms", rate="10 Mbit/s")
    site.host("near", zone="a")
    a, b = site.router("ra", asn=64512), t.lan("two", "192.168.0.0/16").router("rb", asn=65000)
    t.link("dx", a, b, delay="5 ms", rate="1 Gbit/s")
    t.parameters.check()
    return compile_plan(t.build(), "lab")


def as_planned(where: str, wanted: Wanted) -> Found:
    """A namespace that is exactly as wanted."""
    links = {
        port.index: Link(port.index, port.name, port.mac or "02:00:00:00:00:00", port.mtu, True, True, port.master)
        for port in wanted.ports
    }
    if where != FABRIC:
        links[1] = Link(1, "lo", "", 65536, True, True, 0)
    own = {(1, "127.0.0.1/8"), (1, "::1/128")} if where != FABRIC else set()
    routes = frozenset((prefix, via, 101) for prefix, via in wanted.routes)
    return Found(links, frozenset(wanted.addresses | own), routes, ())


def test_a_link_is_read_from_a_kernels_bytes() -> None:
    assert dumps.link(GOLDEN_LINK) == Link(101, "dx", "02:ab:cd:ef:01:23", 8500, True, True, 7)


@pytest.mark.parametrize("address", ["10.0.1.10/24", "fd00:0:1::a/64", "198.51.100.7/32", "2001:db8::1/128"])
def test_an_address_is_read_in_both_families(address: str) -> None:
    interface = ip_interface(address)
    family = socket.AF_INET if interface.version == 4 else socket.AF_INET6
    head = struct.pack("=BBBBI", family, interface.network.prefixlen, 0, 0, 101)
    assert dumps.address(head + attribute(dumps.IFA_ADDRESS, interface.ip.packed)) == (101, address)
    peer, own = bytes(len(interface.ip.packed)), interface.ip.packed
    both = head + attribute(dumps.IFA_ADDRESS, peer) + attribute(dumps.IFA_LOCAL, own)
    assert dumps.address(both) == (101, address)


def test_addresses_that_the_kernel_gives_itself_are_passed_over() -> None:
    head = struct.pack("=BBBBI", socket.AF_INET6, 64, 0, dumps.RT_SCOPE_LINK, 101)
    assert dumps.address(head + attribute(dumps.IFA_ADDRESS, socket.inet_pton(socket.AF_INET6, "fe80::1"))) is None


def _route(family: int, length: int, protocol: int, *attributes: bytes, table: int = dumps.RT_TABLE_MAIN) -> bytes:
    head = struct.pack("=BBBBBBBBI", family, length, 0, 0, table, protocol, 0, dumps.RTN_UNICAST, 0)
    return head + b"".join(attributes)


def test_static_routes_are_read_and_no_others() -> None:
    via = attribute(dumps.RTA_GATEWAY, bytes([10, 0, 1, 1]))
    out = attribute(dumps.RTA_OIF, struct.pack("=I", 101))
    static = dumps.RTPROT_STATIC
    assert dumps.route(_route(socket.AF_INET, 0, static, via, out)) == ("0.0.0.0/0", "10.0.1.1", 101)
    destination = attribute(dumps.RTA_DST, socket.inet_pton(socket.AF_INET6, "fd00::"))
    assert dumps.route(_route(socket.AF_INET6, 48, static, destination, out)) == ("fd00::/48", "", 101)
    assert dumps.route(_route(socket.AF_INET, 0, 2, via, out)) is None  # the kernel's own
    assert dumps.route(_route(socket.AF_INET, 0, static, via, out, table=255)) is None
    big = attribute(dumps.RTA_TABLE, struct.pack("=I", 1000))
    assert dumps.route(_route(socket.AF_INET, 0, static, via, out, big, table=252)) is None


def test_a_discipline_is_read_with_its_kind_and_interface() -> None:
    body = struct.pack("=BxxxiIII", 0, 101, 0x1_0000, 0xFFFF_FFFF, 2) + attribute(dumps.TCA_KIND, b"netem\0")
    found = dumps.qdisc(body)
    assert (found.kind, found.index, found.parent) == ("netem", 101, 0xFFFF_FFFF)


def test_a_broken_attribute_ends_the_reading() -> None:
    assert list(dumps.attributes(struct.pack("=HH", 2, 1) + bytes(8), 0)) == []


def test_every_namespace_of_a_plan_that_is_as_planned_has_no_difference() -> None:
    wanted = plan_by_namespace(plan())
    assert set(wanted) == {FABRIC, "far", "near", "ra", "rb"}
    for where, one in wanted.items():
        assert list(compare(where, one, as_planned(where, one))) == []


def test_disciplines_are_wanted_where_they_delay_and_shape() -> None:
    made = plan()
    wanted, dx, far = plan_by_namespace(made), made.link("dx"), made.link("far")
    assert wanted[FABRIC].netems == {
        dx.b.port_index: (dx, "a_to_b"), dx.a.port_index: (dx, "b_to_a"), far.a.port_index: (far, "b_to_a"),
    }  # fmt: skip
    assert wanted["far"].netems == {far.a.index: (far, "a_to_b")}
    assert wanted["ra"].shapers == {dx.a.index: dx.shaper}
    assert wanted["rb"].shapers == {dx.b.index: dx.shaper}
    # The rate of a host's own link holds in both directions.
    assert wanted["far"].shapers == {far.a.index: far.shaper}
    assert wanted[FABRIC].shapers == {far.a.port_index: far.shaper}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "dy"}, "name: planned dx, the kernel has dy"),
        ({"mtu": 1400}, "MTU: planned 1500, the kernel has 1400"),
        ({"mac": "02:00:00:00:00:01"}, "MAC: planned "),
        ({"up": False}, "up: planned True, the kernel has False"),
        ({"carrier": False}, "carrier: planned True, the kernel has False"),
        ({"master": 9}, "bridge: planned 0, the kernel has 9"),
    ],
)
def test_each_property_of_an_interface_is_compared(change: dict[str, Any], told: str) -> None:
    made = plan()
    wanted = plan_by_namespace(made)["ra"]
    found = as_planned("ra", wanted)
    index = made.link("dx").a.index
    found.links[index] = replace(found.links[index], **change)
    problems = list(compare("ra", wanted, found))
    assert [problem.where.startswith("node ra, ") for problem in problems] == [True]
    assert problems[0].what.startswith(told)


def test_what_is_missing_and_what_is_too_much_is_named() -> None:
    wanted = plan_by_namespace(plan())["near"]
    index = wanted.ports[0].index
    found = as_planned("near", wanted)
    address = next(a for _, a in sorted(wanted.addresses) if "." in a)
    less = replace(found, addresses=found.addresses - {(index, address)} | {(index, "10.9.9.9/32")}, routes=frozenset())
    told = [f"{problem.where}: {problem.what}" for problem in compare("near", wanted, less)]
    assert told == [
        f"node near, eth0: address {address} is missing",
        "node near, eth0: address 10.9.9.9/32 was not planned",
        *(f"node near: static route {prefix} via {via} is missing" for prefix, via in sorted(wanted.routes)),
    ]
    gone = replace(found, links={})
    assert [problem.what for problem in compare("near", wanted, gone)] == [
        "its loopback interface is not up", "the interface is missing",
    ]  # fmt: skip


def test_a_shaper_may_differ_by_what_the_kernel_rounds_and_no_more() -> None:
    shaper = plan().link("dx").shaper
    assert shaper is not None
    assert list(shaper_differences("x", shaper, replace(shaper, rate=Rate(shaper.rate + 8)))) == []
    assert list(shaper_differences("x", shaper, replace(shaper, burst_bytes=shaper.burst_bytes + 9))) == []
    wrong = replace(shaper, rate=Rate(shaper.rate + 16), limit_bytes=shaper.limit_bytes - 1)
    told = [problem.what.split(":")[0] for problem in shaper_differences("x", shaper, wrong)]
    assert told == ["shaper, rate", "shaper, limit_bytes"]


def test_a_wire_must_lead_to_the_other_end_and_police_as_planned() -> None:
    link = plan().link("dx")
    free, policed = Policer(), shaping.policer(1500, rate=Rate.parse("1 Gbit/s"))
    right = Wire(priority=1, target=7, policer=free, dropped=0)
    assert list(wire_differences(link, "a_to_b", 7, None, [right])) == []
    for held in ([], [right, right], [replace(right, target=8)], [replace(right, policer=policed)]):
        assert len(list(wire_differences(link, "a_to_b", 7, None, held))) == 1, held
    hosted = replace(link, policed=True)
    assert list(wire_differences(hosted, "a_to_b", 7, hosted.rate, [replace(right, policer=policed)])) == []
    assert len(list(wire_differences(hosted, "a_to_b", 7, hosted.rate, [right]))) == 1
