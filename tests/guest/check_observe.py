"""Claims about gate 1 in a real kernel: a network that was just applied equals its plan, and every change is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from testbed import Rate, Topology
from testbed.errors import RunError
from testbed.net import messages, tc
from testbed.net.apply import Network
from testbed.net.messages import IFF_UP
from testbed.net.namespace import write_sysctl
from testbed.net.netlink import Request
from testbed.net.observe import differences, observe
from testbed.plan import addresses
from testbed.plan.plan import FABRIC
from testbed.units import Duration
from tests.guest.networks import made, two_sites

NETWORK = two_sites


def _many(t: Topology) -> None:
    """A subnet over several bridges, a policed link, a host with a link of its own, an Internet path."""
    site = t.vpc("site", "10.0.0.0/16")
    site.hosts("h-", 120, zone="a")
    site.host("far", zone="a", delay="3 ms", loss="1 %")
    a, b = site.router("ra", asn=64512), t.lan("lan", "192.168.0.0/16").router("rb", asn=65000)
    t.link("policed", a, b, rate="50 Mbit/s", policed=True, delay="5 ms", jitter="1 ms")
    t.internet("inet")
    t.attach(a, "inet")


def _words(network: Network) -> list[str]:
    return [f"{problem.where}: {problem.what}" for problem in differences(network)]


def check_what_was_applied_equals_its_plan(network: Network, scratch: Path) -> None:
    """No difference, for a small network and for one whose hosts fill several bridges."""
    observe(network)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(addresses, "PORTS_PER_BRIDGE", 50)
        many = made(_many)
    assert sum(bridge.trunk is not None for bridge in many.plan.bridges) == 2
    observe(many)
    many.close()


def check_every_change_is_named(network: Network, scratch: Path) -> None:
    """Each thing that is changed behind the plan's back is one difference, which says where and what."""
    plan, fabric = network.plan, network.channel(FABRIC)
    link = plan.link("wan")
    ra, cable = network.channel("ra"), next(c for c in plan.cables if c.node == "ra" and c.interface == "wan")

    def changed(what: str) -> None:
        found = _words(network)
        assert len(found) == 1, found
        assert what in found[0], (what, found)

    ra.send([messages._link("MTU", index=cable.index, attrs=[("IFLA_MTU", 1400)])])
    changed("node ra, wan: MTU: planned 1500, the kernel has 1400")
    ra.send([messages._link("MTU", index=cable.index, attrs=[("IFLA_MTU", cable.mtu)])])
    ra.send([messages.add_address(cable.index, "10.9.9.9/32", "ra")])
    changed("node ra, wan: address 10.9.9.9/32 was not planned")
    network.impair("wan", "a_to_b", replace(link.a_to_b, delay=Duration.parse("11 ms")))
    assert any("link wan, a_to_b: netem, delay_ns: asked 10000000" in word for word in _words(network))
    network.impair("wan", "a_to_b", link.a_to_b)
    network.reshape("wan", "b_to_a", Rate.parse("50 Mbit/s"))
    assert any("shaper, rate: planned 100 Mbit/s, the kernel has 50 Mbit/s" in word for word in _words(network))
    network.reshape("wan", "b_to_a", Rate.parse("100 Mbit/s"))
    fabric.send([Request(tc.delete_filter(link.a.port_index, parent=tc.INGRESS_HOOK, priority=1), "wire")])
    assert any("link wan, a_to_b: its wire must lead to port" in word for word in _words(network))


def check_what_is_missing_is_named(network: Network, scratch: Path) -> None:
    """A route, a carrier, a discipline and forwarding that are not there."""
    link = network.plan.link("wan")
    route = next(route for route in network.plan.routes if route.node == "a")
    with network.namespaces.inside("a"):
        host = network.channel("a")
    host.send([messages.route("a", route.prefix, via=route.via, delete=True)])
    network.channel(FABRIC).send([messages._link("down", index=link.b.port_index, flags=0, change=IFF_UP)])
    network.channel(FABRIC).send([Request(tc.delete_qdisc(link.a.port_index, handle=tc.ROOT_HANDLE), "netem")])
    with network.namespaces.inside("rb"):
        write_sysctl("net/ipv4/ip_forward", "0")
    found = _words(network)
    for wanted in (
        f"node a: static route {route.prefix} via {route.via} is missing",
        "fabric, wan.b: up: planned True, the kernel has False",
        "node rb, wan: carrier: planned True, the kernel has False",
        "link wan, b_to_a: netem is missing",
        "node rb: net/ipv4/ip_forward is 0, so it does not forward",
    ):
        assert any(wanted in word for word in found), (wanted, found)
    with pytest.raises(RunError):
        observe(network)
