"""Claims about the builder: text becomes exact values, and a mistake is noted where it was made."""

from __future__ import annotations

from typing import Any

import pytest

from testbed import presets
from testbed.builder import Topology
from testbed.model import Bgp, FourState, GilbertElliott, Impairment, Link, Slot, Vpn
from testbed.units import Duration, Rate, Ratio, Size

MS = 10**6


def linked(**options: Any) -> Link:
    t = Topology("t")
    t.link("x", "a", "b", **options)
    assert t.parameters.problems == []
    return t.build().links[0]


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"delay": "5 ms"}, "delay", Duration(5 * MS)),
        ({"jitter": "1 ms"}, "jitter", Duration(MS)),
        ({"distribution": "pareto"}, "distribution", "pareto"),
        ({"table": ["1 ms", Duration(7)]}, "table", (Duration(MS), Duration(7))),
        ({"ordered": False}, "ordered", False),
        ({"delay_correlation": "25 %"}, "delay_correlation", Ratio(25 * 10**7)),
        ({"loss": "1 %"}, "loss", Ratio(10**7)),
        ({"loss_correlation": "1 %"}, "loss_correlation", Ratio(10**7)),
        ({"duplicate": "1 %"}, "duplicate", Ratio(10**7)),
        ({"duplicate_correlation": "1 %"}, "duplicate_correlation", Ratio(10**7)),
        ({"corrupt": "1 %"}, "corrupt", Ratio(10**7)),
        ({"corrupt_correlation": "1 %"}, "corrupt_correlation", Ratio(10**7)),
        ({"reorder": "1 %"}, "reorder", Ratio(10**7)),
        ({"reorder_correlation": "1 %"}, "reorder_correlation", Ratio(10**7)),
        ({"reorder_gap": 5}, "reorder_gap", 5),
        ({"slot": Slot(min=Duration(1), max=Duration(2))}, "slot", Slot(min=Duration(1), max=Duration(2))),
    ],
)
def test_each_impairment_alone_sets_its_field_and_no_other(given: dict[str, Any], field: str, value: object) -> None:
    link = linked(**given)
    changed = {
        name for name in Impairment.__dataclass_fields__ if getattr(link.a_to_b, name) != getattr(Impairment(), name)
    }
    assert changed == {field}
    assert getattr(link.a_to_b, field) == value
    assert link.b_to_a == link.a_to_b


def test_one_direction_can_have_its_own_impairment() -> None:
    t = Topology("t")
    t.link("x", "a", "b", a_to_b=t.impairment(delay="1 ms"), delay="2 ms")
    link = t.build().links[0]
    assert (link.a_to_b.delay, link.b_to_a.delay) == (Duration(MS), Duration(2 * MS))


def test_loss_models_and_slots_are_made_from_text() -> None:
    t = Topology("t")
    assert t.gilbert_elliott(p="1 %", r="30 %", loss_bad="80 %") == GilbertElliott(
        p=Ratio(10**7), r=Ratio(3 * 10**8), loss_bad=Ratio(8 * 10**8)
    )
    assert t.four_state(p13="1 %", p31="99 %", p32="1 %") == FourState(
        p13=Ratio(10**7), p31=Ratio(99 * 10**7), p32=Ratio(10**7)
    )
    assert t.slot(min="1 ms", max="2 ms", packets=3, bytes="3 kB") == Slot(
        min=Duration(MS), max=Duration(2 * MS), packets=3, bytes=Size(3000)
    )


def test_a_hosted_connection_is_policed_and_a_dedicated_one_shaped() -> None:
    t = Topology("t")
    t.direct_connect("dedicated", "a", "b")
    t.direct_connect("hosted", "a", "b", hosted=True, rate="50 Mbit/s")
    dedicated, hosted = t.build().links
    assert (dedicated.policed, dedicated.rate) == (False, Rate(10**9))
    assert (hosted.policed, hosted.rate) == (True, Rate(50 * 10**6))


def test_a_vpn_is_what_the_provider_gives_unless_told_otherwise() -> None:
    t = Topology("t")
    t.vpn("vpn", "a", "b")
    t.vpn("static", "a", "b", routing="static", tunnels=1, rate=None, packets_per_s=None)
    usual, static = t.build().vpns
    assert usual == Vpn(
        name="vpn", kind="ipsec", a="a", b="b", over="inet", tunnels=("vpn-1", "vpn-2"), rate=presets.VPN_RATE.value,
        packets_per_s=presets.VPN_PACKETS.value,
        bgp=Bgp(hold=presets.VPN_BGP_HOLD.value, keepalive=presets.VPN_BGP_KEEPALIVE.value),
    )  # fmt: skip
    assert (static.bgp, static.rate, static.packets_per_s, static.tunnels) == (None, None, None, ("static-1",))


@pytest.mark.parametrize(("hold", "keepalive"), [("90 s", 30), ("30 s", 10), ("4 s", 1), ("65535 s", 21845)])
def test_keepalive_is_a_third_of_hold_in_whole_seconds(hold: str, keepalive: int) -> None:
    assert Topology("t").bgp(hold=hold).keepalive == Duration(keepalive * 10**9)


def test_hosts_go_into_a_subnet_of_their_zone() -> None:
    t = Topology("t")
    aws = t.vpc("aws", "10.0.0.0/16")
    aws.host("one", zone="a")
    aws.host("two", zone="b")
    aws.host("three", zone="a")
    built = t.build()
    assert [(subnet.name, subnet.zone) for subnet in built.sites[0].subnets] == [("aws-a", "a"), ("aws-b", "b")]
    assert [host.subnet for host in built.hosts] == ["aws-a", "aws-b", "aws-a"]


def test_a_gateway_is_of_its_sites_kind_and_only_a_transit_gateway_announces_what_it_learns() -> None:
    t = Topology("t")
    t.vpc("aws", "10.0.0.0/16").router("vgw", asn=64512)
    t.lan("dc", "10.1.0.0/16").router("cgw", asn=65000)
    t.vpc("hub", "10.2.0.0/16").router("tgw", asn=64513, kind="transit-gateway")
    t.transit_gateway("quiet", asn=64514, transits=False)
    assert [(router.kind, router.transits) for router in t.build().routers] == [
        ("virtual-private-gateway", False), ("customer-gateway", False), ("transit-gateway", True),
        ("transit-gateway", False),
    ]  # fmt: skip


def test_mistakes_are_collected_and_building_goes_on() -> None:
    t = Topology("t")
    misspelt: dict[str, Any] = {"dealy": "5 ms"}
    t.link("x", "a", "b", delay="soon", rate="much", **misspelt)
    t.vpn("v", "a", "b", dpd="never")
    assert [problem.where for problem in t.parameters.problems] == [
        "link x, delay", "link x", "link x, rate", "vpn v, dpd",
    ]  # fmt: skip
    assert len(t.build().links) == 1
