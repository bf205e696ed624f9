"""Claims about probes in a real kernel: what they say of a known network is so, also while it breaks."""

from __future__ import annotations

import itertools
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

from testbed import Duration, Ratio
from testbed.check import connects
from testbed.fault.links import silence
from testbed.net.apply import Network
from testbed.plan.plan import DIRECTIONS
from testbed.probe import capture, iperf, ping, tcp, tcp_stream, trace, udp
from testbed.probe.ends import Forked
from testbed.probe.place import Place
from testbed.units import Rate
from tests.guest.networks import join, two_sites

NETWORK = two_sites
MS = 10**6
INTERVAL = Duration.parse("10 ms")


def _ends(network: Network, family: int = 4) -> tuple[Place, Place]:
    nodes = [network.plan.node(name) for name in ("a", "b")]
    first, second = (Place(node.name, node.address if family == 4 else node.address6) for node in nodes)
    return first, second


def _here(network: Network, scratch: Path) -> Forked:
    return Forked(network.namespaces, scratch)


def _silent(network: Network, on: bool) -> None:
    link = network.plan.link("wan")
    for direction in DIRECTIONS:
        planned = link.impairment(direction)
        network.impair("wan", direction, silence(planned) if on else planned)


def check_udp_sees_delay_loss_duplicates_and_order(network: Network, scratch: Path) -> None:
    """20 ms there and back, a gap of one second, and in the counts what comes twice or late."""
    join(network)
    stream = udp.start(_here(network, scratch), "udp", *_ends(network), INTERVAL, 40001, time.time_ns())
    time.sleep(2)
    _silent(network, True)
    time.sleep(1)
    _silent(network, False)
    time.sleep(2)
    rows = stream.finish(0.5)
    assert 499 <= len(rows) <= 502, len(rows)
    times = [returned - sent for _, sent, _, returned in rows[20:] if returned is not None]
    assert all(20 * MS <= one < 20 * MS + 50_000 for one in times), (min(times), max(times))
    lost = [seq for seq, _, _, returned in rows if returned is None]
    assert 99 <= len(lost) <= 103, lost
    assert lost == list(range(lost[0], lost[-1] + 1))
    steps = {b[1] - a[1] for a, b in itertools.pairwise(rows)}
    assert max(abs(step - INTERVAL) for step in steps) < 10_000, steps
    assert stream.counts == udp.Counts()
    planned = network.plan.link("wan").a_to_b
    some = Ratio.parse("10 %")
    network.impair("wan", "a_to_b", replace(planned, duplicate=some))
    network.impair("wan", "b_to_a", replace(planned, reorder=some))
    stream = udp.start(_here(network, scratch), "again", *_ends(network), Duration(MS), 40002, time.time_ns())
    time.sleep(2)
    stream.finish(0.5)
    assert 120 < stream.counts.twice_there < 280, stream.counts
    assert stream.counts.late_there == 0, stream.counts
    assert stream.counts.late_back > 120, stream.counts


def check_ping_in_both_families(network: Network, scratch: Path) -> None:
    """RTT, the hops in the TTL, and the error of a router without a route."""
    join(network)
    for family in (4, 6):
        near, far = _ends(network, family)
        probe = ping.start(_here(network, scratch), f"ping{family}", near, far, INTERVAL, 7, time.time_ns())
        time.sleep(1)
        rows = probe.finish(0.5)
        assert 99 <= len(rows) <= 101
        times = [back - sent for _, sent, back, _, _ in rows if back is not None]
        assert len(times) == len(rows)
        assert abs(statistics.median(times) - 20 * MS) < 50_000, statistics.median(times)
        assert {ttl for _, _, _, ttl, _ in rows} == {62}
        nowhere = "172.16.0.1" if family == 4 else "fd00:9::1"
        probe = ping.start(
            _here(network, scratch), f"no{family}", near, Place(far.node, nowhere), Duration.parse("1 s"), 8, 0
        )
        time.sleep(3.5)
        rows = probe.finish(0.5)
        assert {row[2:] for row in rows} == {(None, None, 3 * 256 if family == 4 else 256)}, rows


def check_tcp_connects_are_told_apart(network: Network, scratch: Path) -> None:
    """A connection takes one round trip; without a listener it is refused, without a path it times out."""
    join(network)
    near, far = _ends(network)
    some = {"ok": True, "refused": False}
    for name, serve in some.items():
        probe = tcp.start(
            _here(network, scratch), name, near, far, Duration.parse("100 ms"), 8000 + serve, 0, serve=serve
        )
        time.sleep(2)
        rows = probe.finish()
        assert {connects.RESULTS[result] for *_, result in rows} == {name}
        took = [done - sent for _, sent, done, _ in rows[1:]]
        assert len(rows) >= 19
        assert all(20 * MS < one < 20 * MS + 300_000 for one in took), took
    probe = tcp.start(
        _here(network, scratch),
        "gap",
        near,
        far,
        Duration.parse("100 ms"),
        8002,
        0,
        timeout=Duration.parse("3 s"),
    )
    time.sleep(1)
    _silent(network, True)
    time.sleep(5)
    _silent(network, False)
    time.sleep(5)
    rows = probe.finish()
    results = [connects.RESULTS[result] for *_, result in rows]
    # The kernel sends four SYNs a second apart (tcp_syn_linear_timeouts), so what began less than 2 s before the link
    # healed got through late, and all before that had waited for 3 s.
    assert 28 <= results.count("timeout") <= 31, results
    assert results.count("ok") >= 70, results
    assert any(900 * MS < done - sent < 3200 * MS for _, sent, done, result in rows if result == 0)


def check_a_tcp_stream_stalls_while_the_path_is_gone(network: Network, scratch: Path) -> None:
    """One stall as long as the outage and the retransmission timer that was running; then all arrives."""
    join(network)
    for family in (4, 6):
        stream = tcp_stream.start(
            _here(network, scratch), f"stream{family}", *_ends(network, family), INTERVAL, 8100 + family, 0
        )
        time.sleep(2)
        _silent(network, True)
        time.sleep(3)
        _silent(network, False)
        time.sleep(5)
        rows = stream.finish()
        assert stream.ended is None
        stalls = list(tcp_stream.stalls(rows, Duration.parse("500 ms")))
        assert len(stalls) == 1, stalls
        assert 3 <= stalls[0].length_s <= 7, stalls
        assert rows[-1][1] - rows[-1][2] <= 5000, rows[-1]
        assert rows[-1][3] > 0
        assert 20_000 <= rows[100][4] <= 25_000, rows[100]


def check_a_tcp_stream_that_is_cut_off_says_so(network: Network, scratch: Path) -> None:
    """No listener: refused at once, told with its instant."""
    join(network)
    near, far = _ends(network)
    stream = tcp_stream.start(_here(network, scratch), "cut", near, far, INTERVAL, 8200, 0)
    time.sleep(1)
    assert stream.far is not None
    stream.far.stop()
    stream.far = None
    time.sleep(1)
    stream.finish()
    assert stream.ended is not None
    assert stream.ended[1] in ("ECONNRESET", "EPIPE"), stream.ended


def check_a_trace_names_every_hop_and_sees_it_break(network: Network, scratch: Path) -> None:
    """Both routers, then the host, in both families; while the link is silent the path ends at the first router."""
    join(network)
    known = trace.names(network.plan)
    for family in (4, 6):
        near, far = _ends(network, family)
        tracer = trace.start(
            network.namespaces, scratch, f"trace{family}", near, far, Duration.parse("2 s"), time.time_ns()
        )
        time.sleep(7)
        _silent(network, True)
        time.sleep(4.8)
        _silent(network, False)
        time.sleep(7)
        paths = list(trace.changes(tracer.finish()))
        whole = ("ra:lan0", "rb:wan", "b:eth0")
        assert [trace.by_name(path.hops, known) for path in paths] == [whole, ("ra:lan0",), whole], paths
        assert [path.reached for path in paths] == [True, False, True]


def check_a_capture_has_every_packet_with_its_instant(network: Network, scratch: Path) -> None:
    """At the host and at both ports of a link the same packets, 10 ms apart; of two streams only the one wanted."""
    join(network)
    start = {
        "host": ("a", "eth0"), "in": capture.port(network.plan, "wan", "a_to_b"),
        "out": capture.port(network.plan, "wan", "b_to_a"),
    }  # fmt: skip
    match = capture.Match("udp", 40001)
    captures = {
        name: capture.start(network.namespaces, scratch, name, *place, scratch / f"{name}.pcap", match=match)
        for name, place in start.items()
    }
    stream = udp.start(_here(network, scratch), "udp", *_ends(network), INTERVAL, 40001, 0)
    other = udp.start(_here(network, scratch), "other", *_ends(network), INTERVAL, 40002, 0)
    time.sleep(1)
    rows = stream.finish(0.5)
    other.finish(0.5)
    packets = {name: capture.read(one.finish()) for name, one in captures.items()}
    assert {len(some) for some in packets.values()} == {2 * len(rows)}, {n: len(p) for n, p in packets.items()}
    assert all(one.missed == 0 for one in captures.values())
    forth = {name: [p for p in some if p["IP"].src == _ends(network)[0][1]] for name, some in packets.items()}
    for row, at_host, entered, left in zip(rows, forth["host"], forth["in"], forth["out"], strict=True):
        assert int.from_bytes(bytes(at_host["UDP"].payload), "big") == row[0]
        assert abs(float(at_host.time) * 1e9 - row[1]) < 20_000
        assert abs(float(left.time) - float(entered.time) - 0.01) < 1e-5


def check_iperf_fills_the_link_and_leaves_its_json(network: Network, scratch: Path) -> None:
    """TCP gets what 100 Mbit/s leave after headers, UDP what it asks for; each congestion control is the one asked."""
    join(network)
    near, far = _ends(network)
    ten = Duration.parse("10 s")
    for congestion in ("cubic", "reno"):
        running = iperf.start(network.namespaces, scratch, congestion, near, far, ten, congestion=congestion)
        found = running.finish()
        assert found.congestion == congestion
        assert found.received_bit_s is not None
        # 1448 of 1514 bytes are payload.
        assert 0.85 < found.received_bit_s / (100e6 * 1448 / 1514) <= 1.001, found
        assert found.retransmits is not None
        assert json.loads((scratch / f"{congestion}.json").read_text())["end"]
        assert json.loads((scratch / f"{congestion}-server.json").read_text())["end"]
    running = iperf.start(
        network.namespaces, scratch, "udp", near, far, ten, protocol="udp", rate=Rate.parse("10 Mbit/s"), port=5300
    )
    found = running.finish()
    assert found.lost == 0, found
    assert found.sent_bit_s is not None
    assert abs(found.sent_bit_s - 10e6) < 0.01 * 10e6, found
