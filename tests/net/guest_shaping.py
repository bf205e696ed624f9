"""What a real kernel makes of our tbf, police and mirred messages. Run by :mod:`tests.net.guest_netem`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from testbed.model import Impairment
from testbed.net import shaping, tc
from testbed.net.netlink import Request
from testbed.plan.plan import Shaper
from testbed.units import Duration, Rate
from tests.net.guest_pair import MS, MTU, Pair, baseline, check, delays, in_order, near


def _sent_at(rate: Rate, size: int) -> Iterator[tuple[int, Pair]]:
    """Send about a second of traffic, or 60 frames, into a shaper as fast as can be."""
    pair = Pair()
    burst = max(2 * size, rate // (8 * 4000))  # 250 us
    count = min(max(60, rate // (8 * size)), 20_000) + burst // size
    shaper = Shaper(rate=rate, burst_bytes=burst, limit_bytes=min(count * size + size, 2**32 - 1))
    pair.netlink.send(shaping.tbf_messages(pair.index, shaper, "test"))
    held = shaping.decode_tbf(pair.qdisc("tbf"))
    assert held.rate == rate
    assert held.limit_bytes == shaper.limit_bytes
    assert abs(held.burst_bytes - burst) <= 1 + 64e-9 * rate / 8, (held, burst)
    yield count, pair


@check
def shapers_deliver_the_rate_asked() -> None:
    for text in ("128 kbit/s", "1 Mbit/s", "10 Mbit/s", "100 Mbit/s", "1 Gbit/s", "2.5 Gbit/s", "10 Gbit/s"):
        rate = Rate.parse(text)
        for size in (1514, 9014):
            for count, pair in _sent_at(rate, size):
                for number in range(count):
                    pair.send(number, size, timed=False)
                seen = pair.drain(wait_s=count * size * 8 / rate + 1)
                assert len(seen) == count
                settled = seen[count // 3 :]
                span = settled[-1].arrived_ns - settled[0].arrived_ns
                near(f"{text}, frames of {size}", (len(settled) - 1) * size * 8e9 / span, rate, 0.02)


@check
def a_shaper_above_34_gbit_s_is_held_exactly() -> None:
    for text in ("40 Gbit/s", "100 Gbit/s", "400 Gbit/s"):
        for _ in _sent_at(Rate.parse(text), 1514):
            pass


@check
def a_full_shaper_delays_by_its_queue_and_drops_the_rest() -> None:
    pair, base = Pair(), baseline()
    shaper = Shaper(rate=Rate.parse("10 Mbit/s"), burst_bytes=3028, limit_bytes=62_500)  # 50 ms
    pair.netlink.send(shaping.tbf_messages(pair.index, shaper, "test"))
    seen = pair.spaced(2000, MS // 2, 1514)  # 24 Mbit/s
    near("queueing delay in ms", max(delays(seen, base)) / MS, 50, 0.05)
    passed = 10**7 * (seen[-1].sent_ns - seen[0].sent_ns) / 8e9 + shaper.limit_bytes + shaper.burst_bytes
    near("delivered", len(seen), passed / 1514, 0.01)
    assert tc.counters(pair.qdisc("tbf")).drops == 2000 - len(seen)


@check
def a_shaper_changes_its_rate_in_place() -> None:
    pair = Pair()
    slow = Shaper(rate=Rate.parse("1 Mbit/s"), burst_bytes=3028, limit_bytes=1_000_000)
    pair.netlink.send(shaping.tbf_messages(pair.index, slow, "test"))
    for number in range(200):
        pair.send(number, 1514)
    time.sleep(0.5)
    fast = replace(slow, rate=Rate.parse("10 Mbit/s"))
    pair.netlink.send(shaping.tbf_messages(pair.index, fast, "test", change=True))
    seen = pair.drain()
    assert [one.number for one in seen] == list(range(200))
    settled = seen[-100:]
    rate = 99 * 1514 * 8e9 / (settled[-1].arrived_ns - settled[0].arrived_ns)
    near("rate after the change", rate, 10**7, 0.02)


@check
def a_shaper_behind_netem_does_both() -> None:
    pair, base = Pair(), baseline()
    pair.impair(Impairment(delay=Duration(20 * MS)))
    shaper = Shaper(rate=Rate.parse("10 Mbit/s"), burst_bytes=3028, limit_bytes=1_000_000)
    pair.netlink.send(shaping.tbf_messages(pair.index, shaper, "test", parent=shaping.NETEM_CLASS))
    seen = pair.spaced(300, 0, 1514)
    assert in_order(seen)
    assert len(seen) == 300
    near("first delay in ms", delays(seen, base)[0] / MS, 20, 0.001)
    settled = seen[100:]
    near("rate", 199 * 1514 * 8e9 / (settled[-1].arrived_ns - settled[0].arrived_ns), 10**7, 0.02)
    pair.impair(Impairment(delay=Duration(40 * MS)), change=True)
    near("delay after a change", delays(pair.spaced(1, 0), base)[0] / MS, 40, 0.001)


@check
def plain_queues_are_what_was_asked() -> None:
    pair = Pair()
    pair.netlink.send([shaping.plain_message(pair.index, "test", limit_packets=64)])
    assert pair.qdisc("pfifo").get_attr("TCA_OPTIONS")["limit"] == 64
    pair.netlink.send([Request(tc.delete_qdisc(pair.index), "no queue"), shaping.plain_message(pair.index, "test")])
    assert [one.number for one in pair.spaced(100, 0)] == list(range(100))


def _wire(police: Rate | None) -> tuple[Pair, Pair]:
    """What is sent at the first pair arrives at its peer, and goes from there out of the second pair."""
    first, second = Pair(), Pair()
    first.netlink.send(shaping.wire_messages(first.peer, second.index, "test", police, MTU))
    return first, second


def _held_wire(pair: Pair) -> shaping.Wire:
    return pair.wire(pair.peer, tc.INGRESS_HOOK)


@check
def a_wire_passes_everything_on_untouched() -> None:
    first, second = _wire(None)
    assert _held_wire(first) == shaping.Wire(priority=1, target=second.index, policer=shaping.Policer(), dropped=0)
    for number in range(200):
        first.send(number, body=bytes([number]) * 1000)
    seen = second.drain()
    assert [one.number for one in seen] == list(range(200))
    assert all(one.data[30:] == bytes([one.number]) * 1000 for one in seen)


@check
def a_policer_passes_its_rate_and_drops_the_excess() -> None:
    for text, size in (("128 kbit/s", 200), ("10 Mbit/s", 1514), ("1 Gbit/s", 1514), ("10 Gbit/s", 9014)):
        rate = Rate.parse(text)
        first, second = _wire(rate)
        asked = shaping.policer(MTU, rate=rate)
        held = _held_wire(first)
        assert held.target == second.index
        assert held.policer.rate == rate
        assert 0 <= held.policer.burst_bytes - asked.burst_bytes <= 1 + 64e-9 * rate / 8
        count = 20_000
        gap_s = size * 8 / (2 * rate)  # twice the rate, or as fast as can be
        for number in range(count):
            first.send(number, size)
            if gap_s > 1e-4:
                time.sleep(gap_s)
        seen = second.drain()
        settled = seen[len(seen) // 3 :]
        span = settled[-1].arrived_ns - settled[0].arrived_ns
        near(f"policed {text}, frames of {size}", (len(settled) - 1) * size * 8e9 / span, rate, 0.02)
        assert _held_wire(first).dropped == count - len(seen) > 0


@check
def a_policed_rate_changes_without_a_gap() -> None:
    first, second = _wire(Rate.parse("1 Gbit/s"))
    for number in range(300):
        first.send(number)
        time.sleep(0.001)
        if number in (100, 200):
            old = _held_wire(first).priority
            rate = Rate.parse("500 Mbit/s") if number == 100 else None
            first.netlink.send(shaping.rewire_messages(first.peer, second.index, "test", rate, MTU, priority=old))
            assert _held_wire(first).policer.rate == rate
    assert [one.number for one in second.drain()] == list(range(300))


@check
def a_tunnel_is_limited_in_packets_too() -> None:
    pair = Pair()
    pair.netlink.send(
        shaping.tunnel_messages(pair.index, "test", 1500, rate=Rate.parse("1 Gbit/s"), packets_per_s=1000)
    )
    held = pair.wire(pair.index, tc.EGRESS_HOOK)
    assert held.policer.packets_per_s == 1000
    assert held.policer.rate == Rate.parse("1 Gbit/s")
    for number in range(8000):
        pair.send(number)
        time.sleep(0.00025)
    seen = pair.drain()
    span = seen[-1].arrived_ns - seen[len(seen) // 3].arrived_ns
    near("packets/s", (len(seen) - len(seen) // 3 - 1) * 1e9 / span, 1000, 0.02)
