"""Claims about traces: errors are read as the kernel gives them, hops get the plan's names."""

from __future__ import annotations

import socket
import struct

from testbed import Topology
from testbed.plan.compile import compile_plan
from testbed.probe import trace
from testbed.probe.trace import Trace
from tests.plan.shipped import plan_of

V4, V6 = socket.AF_INET, socket.AF_INET6


def error(family: socket.AddressFamily, kind: int, code: int, sender: str) -> list[tuple[int, int, bytes]]:
    """``sock_extended_err`` and the sender's address, in the order in which the kernel gives them."""
    head = struct.pack("=IBBBBII", 113, 2 if family == V4 else 3, kind, code, 0, 0, 0)
    packed = socket.inet_pton(family, sender)
    if family == V4:
        return [(socket.IPPROTO_IP, 11, head + struct.pack("=HH", family, 0) + packed + bytes(8))]
    return [(socket.IPPROTO_IPV6, 25, head + struct.pack("=HHI", family, 0, 0) + packed + bytes(4))]


def test_a_router_s_error_names_the_hop_and_the_target_s_ends_the_path() -> None:
    data = struct.pack("!IB", 5, 2)
    assert trace.answer(V4, data, error(V4, 11, 0, "10.0.1.1")) == (5, 2, "10.0.1.1", False)
    assert trace.answer(V4, data, error(V4, 3, 3, "10.0.1.10")) == (5, 2, "10.0.1.10", True)
    assert trace.answer(V6, data, error(V6, 3, 0, "fd00::1")) == (5, 2, "fd00::1", False)
    assert trace.answer(V6, data, error(V6, 1, 4, "fd00::a")) == (5, 2, "fd00::a", True)


def test_what_is_no_error_about_our_packets_says_nothing() -> None:
    assert trace.answer(V4, b"", error(V4, 11, 0, "10.0.1.1")) is None
    assert trace.answer(V4, struct.pack("!IB", 5, 2), [(1, 2, b"x")]) is None
    assert trace.answer(V4, struct.pack("!IB", 5, 2), []) is None


def test_hops_are_named_after_the_plan_s_interfaces_in_both_families() -> None:
    t = Topology("t")
    site = t.vpc("one", "10.0.0.0/16")
    site.host("a", zone="a")
    ra, rb = site.router("ra", asn=64512), t.lan("two", "192.168.0.0/16").router("rb", asn=65000)
    t.link("dx", ra, rb)
    t.internet("inet")
    t.attach(ra, "inet")
    t.attach(rb, "inet")
    t.vpn("vpn", ra, rb, tunnels=1)
    plan = compile_plan(t.build(), "lab")
    known = trace.names(plan)
    dx, tunnel = plan.link("dx"), plan.tunnels[0]
    hops = (dx.a.address, dx.b.address6, tunnel.b.address, tunnel.outer_a, plan.node("a").address, "9.9.9.9", "")
    named = ("ra:dx", "rb:dx", f"rb:{tunnel.b.interface}", "ra:lo", "a:eth0", "9.9.9.9", "*")
    assert trace.by_name(hops, known) == named


def test_an_address_that_two_sites_have_is_named_as_the_one_who_looks_knows_it() -> None:
    plan = plan_of("overlapping.py")
    berlin, app = trace.names(plan, "berlin-1"), trace.names(plan, "app")
    assert (berlin["192.168.1.10"], berlin["100.65.1.10"]) == (("berlin-1", "eth0"), ("madrid-1", "eth0"))
    assert (app["100.64.1.10"], app["10.0.2.2"]) == (("berlin-1", "eth0"), ("nat", "lan1"))
    assert "192.168.1.10" not in app


def test_of_equal_traces_in_a_row_the_first_is_kept() -> None:
    paths = [("x", "y"), ("x", "y"), ("x",), ("x", "y")]
    traces = [Trace(at, hops, len(hops) == 2) for at, hops in enumerate(paths)]
    assert [one.t_ns for one in trace.changes(traces)] == [0, 2, 3]
