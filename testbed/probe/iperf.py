"""Throughput as iperf3 measures it, with both ends' own JSON kept in the record.

In virtual time these files repeat to the byte with the seed: the cookie comes from the kernel's random numbers, ports
and instants from its order and clock, ``cpu_utilization_percent`` from its accounting. ``system_info`` names the kernel
that was built, ``version`` the program installed. On the real clock nothing of that repeats.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from testbed.daemons import process
from testbed.daemons.process import Program
from testbed.errors import MachineError, Problem, RunError
from testbed.net.namespace import Namespaces
from testbed.probe.place import Place
from testbed.units import Duration, Rate

PORT = 5201
"""iperf3's own (iperf3(1))."""
READY_S = 5.0
"""How long the server may take to listen; arbitrary."""
GRACE_S = 30.0
"""How long the client may take beyond its duration: what lies in buffers must get through; arbitrary."""
_LISTENS = "0A"
"""State of a listening socket in /proc/net/tcp (``TCP_LISTEN``)."""


@dataclass(frozen=True)
class Interval:
    """What the sender saw in one interval, in seconds since the start."""

    start_s: float
    end_s: float
    bit_s: float


@dataclass(frozen=True)
class Result:
    """What iperf3 found.

    Attributes:
        sent_bit_s, received_bit_s: payload on average; ``None``: it did not get so far.
        retransmits: TCP segments sent again; ``None`` for UDP.
        rtt_mean_us: TCP's smoothed RTT on average; ``None`` for UDP.
        lost, packets, jitter_ms: of UDP; ``None`` for TCP.
        error: iperf3's own words if it gave up.
    """

    sent_bit_s: float | None
    received_bit_s: float | None
    intervals: tuple[Interval, ...]
    retransmits: int | None = None
    rtt_mean_us: int | None = None
    lost: int | None = None
    packets: int | None = None
    jitter_ms: float | None = None
    congestion: str = ""
    error: str = ""


@dataclass
class Iperf:
    """A running measurement. While ``running`` the caller lets time pass; ``finish`` says what it found.

    Attributes:
        deadline_s: when it counts as hanging, on CLOCK_MONOTONIC.
    """

    name: str
    source: str
    target: str
    deadline_s: float
    client: Program
    server: Program

    @property
    def running(self) -> bool:
        """False when the client has ended, or should have long ago."""
        return self.client.running and time.monotonic() < self.deadline_s

    def finish(self) -> Result:
        """Wait for the client, end the server, and read what it says.

        Raises:
            RunError: it takes much longer than its duration, or left nothing that can be read.
        """
        try:
            self.client.process.wait(max(0.0, self.deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise RunError(self.client.problem(f"hangs: it still ran {GRACE_S:g} s after its time")) from None
        finally:
            self.client.stop()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.server.process.wait(process.STOP_WAIT_S)
            self.server.stop()
        try:
            return result(json.loads(self.client.output.read_text(encoding="utf-8")))
        except ValueError as error:
            raise RunError(self.client.problem(f"left no JSON: {error}")) from error


def start(
    namespaces: Namespaces, record: Path, name: str, source: Place, target: Place, duration: Duration, *,
    port: int = PORT, protocol: Literal["tcp", "udp"] = "tcp", rate: Rate | None = None, congestion: str = "",
    payload: int = 0, parallel: int = 1, reverse: bool = False,
) -> Iperf:  # fmt: skip
    """Start a server and a client.

    Args:
        namespaces: of the lab.
        record: folder for ``NAME.json`` and ``NAME-server.json``.
        name: of the measurement.
        source: (node, address) of the client.
        target: (node, address) of the server.
        duration: how long to send, in whole seconds.
        port: of the server.
        protocol: what to send.
        rate: how much; ``None``: as much as gets through, which is not for UDP.
        congestion: TCP's algorithm, such as ``bbr``; empty: the kernel's default.
        payload: bytes in each datagram, or in each write to a TCP socket; 0: iperf3's own choice.
        parallel: how many streams.
        reverse: the server sends.

    Raises:
        MachineError: iperf3 is not installed.
        RunError: the server does not come to listen.
    """
    program = process.find("iperf3")
    if program is None:
        raise MachineError(Problem("iperf3", "not installed", "install iperf3; testbed doctor says how"))
    listen = [program, "-s", "-1", "-J", "-p", str(port), "-B", target[1]]
    server = process.start(namespaces, target[0], f"{name}-server", listen, record / f"{name}-server.json")
    process.wait_until(
        server, lambda: _listening(namespaces, target[0], port), f"listening on port {port}", timeout_s=READY_S
    )
    options = arguments(duration, protocol, rate, congestion, parallel, payload, reverse=reverse)
    argv = [program, "-c", target.known_as, "-p", str(port), "-B", source[1], "-J", *options]
    client = process.start(namespaces, source[0], name, argv, record / f"{name}.json")
    for each in (server, client):
        each.expected_to_end = True
    deadline_s = time.monotonic() + duration.seconds + GRACE_S
    return Iperf(name, source[0], target[0], deadline_s, client, server)


def arguments(
    duration: Duration,
    protocol: str,
    rate: Rate | None,
    congestion: str,
    parallel: int,
    payload: int = 0,
    *,
    reverse: bool,
) -> list[str]:
    """The client's options. Pure.

    Raises:
        ValueError: UDP without a rate, which iperf3 would take for 1 Mbit/s, or a duration of no whole seconds.
    """
    if protocol == "udp" and rate is None:
        raise ValueError("UDP needs a rate")
    if duration <= 0 or duration % 10**9:
        raise ValueError(f"iperf3 counts whole seconds, not {duration}")
    chosen = ["-t", str(duration // 10**9), "-i", "1"]
    chosen += ["-u"] if protocol == "udp" else []
    chosen += ["-b", str(int(rate))] if rate is not None else []
    chosen += ["-C", congestion] if congestion else []
    chosen += ["-l", str(payload)] if payload else []
    chosen += ["-P", str(parallel)] if parallel > 1 else []
    return chosen + (["-R"] if reverse else [])


def result(said: Mapping[str, Any]) -> Result:
    """Read the client's JSON. Pure."""
    end = said.get("end", {})
    udp = said.get("start", {}).get("test_start", {}).get("protocol") == "UDP"
    total, received = (end.get("sum", {}),) * 2 if udp else (end.get("sum_sent", {}), end.get("sum_received", {}))
    sums = [each["sum"] for each in said.get("intervals", [])]
    rtts = [stream["sender"]["mean_rtt"] for stream in end.get("streams", []) if "mean_rtt" in stream.get("sender", {})]
    return Result(
        sent_bit_s=total.get("bits_per_second"),
        received_bit_s=_received(total) if udp else received.get("bits_per_second"),
        intervals=tuple(Interval(one["start"], one["end"], one["bits_per_second"]) for one in sums),
        retransmits=None if udp else total.get("retransmits"),
        rtt_mean_us=None if udp or not rtts else round(sum(rtts) / len(rtts)),
        lost=total.get("lost_packets") if udp else None,
        packets=total.get("packets") if udp else None,
        jitter_ms=total.get("jitter_ms") if udp else None,
        congestion=end.get("sender_tcp_congestion", ""),
        error=said.get("error", ""),
    )


def _received(total: Mapping[str, Any]) -> float | None:
    """UDP's sum counts what was sent; what arrived is that less what was lost."""
    if not total.get("packets"):
        return None
    share = float(total["lost_packets"] / total["packets"])
    return float(total["bits_per_second"]) * (1 - share)


def _listening(namespaces: Namespaces, node: str, port: int) -> bool:
    """To connect and see would be to take the server's only connection."""
    with namespaces.inside(node):
        lines = [
            line.split()
            for name in ("tcp", "tcp6")
            for line in Path(f"/proc/thread-self/net/{name}").read_text(encoding="ascii").splitlines()[1:]
        ]
    return any(fields[3] == _LISTENS and fields[1].endswith(f":{port:04X}") for fields in lines)
