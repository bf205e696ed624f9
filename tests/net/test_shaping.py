"""Claims about the messages of shapers, policers and wires: units hold from 8 bit/s to 400 Gbit/s."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink import NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, nlmsg
from pyroute2.netlink.rtnl import RTM_DELTFILTER, RTM_NEWQDISC, RTM_NEWTFILTER
from pyroute2.netlink.rtnl.tcmsg import tcmsg

from testbed.errors import InputError
from testbed.net import shaping, tc
from testbed.plan.plan import Shaper
from testbed.units import Rate

rates = st.integers(64_000, 4 * 10**11).map(Rate)
MTU = 1500


def through_bytes(message: nlmsg) -> tcmsg:
    """The message as it is read from the bytes that it is sent as."""
    message.encode()
    read = tcmsg(message.data)
    read.decode()
    return read


def tick_bytes(rate: int) -> float:
    """What the kernel's tick of 64 ns comes to, and one byte of rounding."""
    return 1 + 64e-9 * rate / 8


@given(rate=rates, burst=st.integers(3028, 10**6), limit=st.integers(10**6, 2**32 - 1))
def test_a_shaper_survives_the_wire_at_any_rate(rate: Rate, burst: int, limit: int) -> None:
    asked = Shaper(rate=rate, burst_bytes=burst, limit_bytes=limit)
    [request] = shaping.tbf_messages(7, asked, "dx")
    read = through_bytes(request.message)
    held = shaping.decode_tbf(read)
    assert abs(held.rate - rate) <= 4
    assert 0 <= held.burst_bytes - burst <= tick_bytes(rate)
    assert held.limit_bytes == limit
    # This is what the kernel goes by: bytes.
    assert read.get_attr("TCA_OPTIONS").get_attr("TCA_TBF_BURST") == burst


def test_a_rate_above_34_gbit_s_is_not_cut_to_32_bits() -> None:
    asked = Shaper(rate=Rate.parse("40 Gbit/s"), burst_bytes=1_250_000, limit_bytes=10**8)
    body = through_bytes(shaping.tbf_messages(7, asked, "dx")[0].message).get_attr("TCA_OPTIONS")
    assert body.get_attr("TCA_TBF_PARMS")["rate"] == 2**32 - 1
    assert body.get_attr("TCA_TBF_RATE64") == 5 * 10**9


def test_a_shaper_is_added_once_and_changed_in_place() -> None:
    asked = Shaper(rate=Rate(10**6), burst_bytes=3028, limit_bytes=10**5)
    for change, flags in ((False, NLM_F_CREATE | NLM_F_EXCL), (True, 0)):
        [request] = shaping.tbf_messages(7, asked, "dx", parent=shaping.NETEM_CLASS, change=change)
        header = request.message["header"]
        assert (header["type"], header["flags"]) == (RTM_NEWQDISC, NLM_F_REQUEST | NLM_F_ACK | flags)
        assert request.message["handle"] == shaping.TBF_HANDLE
        assert request.message["parent"] == 0x1_0001


@pytest.mark.parametrize(("burst", "limit"), [(14, 1000), (0, 1000), (3028, 0)])
def test_a_shaper_that_passes_no_packet_is_refused(burst: int, limit: int) -> None:
    with pytest.raises(InputError, match="pass no packet"):
        shaping.tbf_messages(7, Shaper(rate=Rate(10**6), burst_bytes=burst, limit_bytes=limit), "dx")


def test_a_bucket_that_the_kernel_cannot_count_is_refused() -> None:
    with pytest.raises(InputError, match="longer than the 274 s"):
        shaping.tbf_messages(7, Shaper(rate=Rate(8), burst_bytes=3028, limit_bytes=10**5), "dx")


def test_a_plain_queue_has_its_limit_in_packets_and_no_queue_has_no_options() -> None:
    pfifo = through_bytes(shaping.plain_message(7, "dx", limit_packets=64).message)
    assert (pfifo.get_attr("TCA_KIND"), pfifo.get_attr("TCA_OPTIONS")["limit"]) == ("pfifo", 64)
    noqueue = through_bytes(shaping.plain_message(7, "dx").message)
    assert (noqueue.get_attr("TCA_KIND"), noqueue.get_attr("TCA_OPTIONS")) == ("noqueue", None)


def test_a_wire_is_a_hook_and_a_filter_that_redirects() -> None:
    hook, wire = shaping.wire_messages(7, 9, "dx", None, MTU)
    assert hook.message["header"]["type"] == RTM_NEWQDISC
    assert (hook.message["parent"], hook.message["handle"]) == (0xFFFFFFF1, 0xFFFF0000)
    assert wire.message["header"]["type"] == RTM_NEWTFILTER
    # Priority in the upper half, ETH_P_ALL in network order in the lower one.
    assert wire.message["info"] == 0x0001_0300
    assert wire.message["parent"] == 0xFFFFFFF2
    held = shaping.decode_wire(through_bytes(wire.message))
    assert held == shaping.Wire(priority=1, target=9, policer=shaping.Policer(), dropped=0)


@given(rate=rates)
def test_a_policed_wire_survives_the_wire_at_any_rate(rate: Rate) -> None:
    _, wire = shaping.wire_messages(7, 9, "dx", rate, MTU)
    held = shaping.decode_wire(through_bytes(wire.message))
    asked = shaping.policer(MTU, rate=rate)
    assert held.target == 9
    assert held.policer.rate is not None
    assert abs(held.policer.rate - rate) <= 4
    assert 0 <= held.policer.burst_bytes - asked.burst_bytes <= tick_bytes(rate)
    assert held.policer.overhead_bytes == 14
    assert held.policer.packets_per_s is None


def test_a_policer_drops_the_excess_and_hands_the_rest_to_the_redirection() -> None:
    _, wire = shaping.wire_messages(7, 9, "dx", Rate.parse("50 Gbit/s"), 9000)
    actions = through_bytes(wire.message).get_attr("TCA_OPTIONS").get_attr("TCA_MATCHALL_ACT")
    police, mirred = (actions.get_attr(f"TCA_ACT_PRIO_{number}") for number in (1, 2))
    assert (police.get_attr("TCA_ACT_KIND"), mirred.get_attr("TCA_ACT_KIND")) == ("police", "mirred")
    body = police.get_attr("TCA_ACT_OPTIONS")
    assert body.get_attr("TCA_POLICE_TBF")["action"] == tc.Act.SHOT
    assert body.get_attr("TCA_POLICE_RESULT") == tc.Act.PIPE
    assert body.get_attr("TCA_POLICE_RATE64") == 50 * 10**9 // 8
    # Otherwise the kernel takes everything above 255 cells for excess.
    assert body.get_attr("TCA_POLICE_TBF")["mtu"] == 2**32 - 1
    redirect = mirred.get_attr("TCA_ACT_OPTIONS").get_attr("TCA_MIRRED_PARMS")
    assert (redirect["action"], redirect["eaction"], redirect["ifindex"]) == (tc.Act.STOLEN, 1, 9)


@pytest.mark.parametrize(
    ("text", "mtu", "burst"), [("1 Gbit/s", 1500, 625_000), ("1 Mbit/s", 1500, 3028), ("1 kbit/s", 9001, 18_030)]
)
def test_a_policers_burst_lasts_5_ms_and_at_least_two_frames(text: str, mtu: int, burst: int) -> None:
    assert shaping.policer(mtu, rate=Rate.parse(text)).burst_bytes == burst


@pytest.mark.parametrize("old", [1, 2])
def test_a_policed_rate_is_changed_by_laying_a_new_wire_before_the_old_one_is_taken(old: int) -> None:
    lay, take = shaping.rewire_messages(7, 9, "dx", Rate(10**6), MTU, priority=old)
    assert lay.message["header"]["type"] == RTM_NEWTFILTER
    assert lay.message["info"] >> 16 == 3 - old
    assert take.message["header"]["type"] == RTM_DELTFILTER
    assert take.message["info"] >> 16 == old


@given(rate=st.none() | rates, packets=st.none() | st.integers(1, 10**7))
def test_a_tunnel_is_limited_in_bytes_and_in_packets_each_alone_and_both(
    rate: Rate | None, packets: int | None
) -> None:
    _, lay = shaping.tunnel_messages(7, "vpn1", 1400, rate=rate, packets_per_s=packets)
    assert lay.message["parent"] == 0xFFFFFFF3
    held = shaping.decode_wire(through_bytes(lay.message)).policer
    assert (held.rate is None) == (rate is None)
    assert held.packets_per_s == packets
    assert held.overhead_bytes == 0
    if packets is not None:
        asked = shaping.policer(1400, packets_per_s=packets)
        assert 0 <= held.burst_packets - asked.burst_packets <= 1 + 64e-9 * packets


@pytest.mark.parametrize("priority", [0, 65_536])
def test_a_priority_that_no_filter_can_have_is_refused(priority: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 65535"):
        tc.delete_filter(7, parent=tc.INGRESS_HOOK, priority=priority)


def test_what_is_asked_for_is_deleted_and_nothing_else() -> None:
    message = tc.delete_qdisc(7)
    assert (message["index"], message["parent"], message["handle"]) == (7, tc.ROOT, 0)
    assert message["header"]["flags"] == NLM_F_REQUEST | NLM_F_ACK
