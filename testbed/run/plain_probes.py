"""Probes that need nothing but two ends: those of a lab have them, and those between pods of any cluster."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import count
from typing import Any

from testbed.check.connects import COLUMNS
from testbed.check.measured import Measured
from testbed.clock import Waiter
from testbed.errors import InputError, Problem
from testbed.history import Recorder
from testbed.probe import ping as pings
from testbed.probe import tcp as connects
from testbed.probe import tcp_stream as tcp_streams
from testbed.probe import udp as udp_streams
from testbed.probe.ends import Ends
from testbed.probe.flow import Family
from testbed.probe.place import Place
from testbed.units import Duration

DRAIN_S = 0.5
"""How long a stream's receivers go on after its sender has stopped; more than any planned RTT; arbitrary."""


class PlainProbes(ABC):
    """Starts probes between ends that have names. Each runs while its block runs, and leaves samples in the record."""

    tail: Duration
    """How long streams and pings go on after their block: so long they see what comes after a fault in it."""

    def __init__(self, ends: Ends, recorder: Recorder, waiter: Waiter) -> None:
        self._where = ends
        self._recorder = recorder
        self._waiter = waiter
        self._ports = count(udp_streams.PORT + 1)
        self._aliases: dict[str, Place] = {}
        self.tail = Duration(0)

    def alias(self, name: str, place: Place) -> None:
        """Let probes know a further place, with an IPv4 address, by a name of its own."""
        self._aliases[name] = place

    @abstractmethod
    def place(self, name: str, seen_from: str = "", family: Family = 4) -> Place:
        """An end of a probe; ``seen_from``: who may know it by another address. Raises :class:`InputError`."""

    @contextlib.contextmanager
    def udp(
        self, source: str, target: str, interval: str | Duration = "1 ms", *, family: Family = 4, name: str = ""
    ) -> Iterator[udp_streams.UdpStream]:
        """Numbered UDP packets there and back: loss, gap, one-way delay, duplicates, order."""
        name = name or f"udp-{source}-{target}"
        near, far = self._ends(source, target, family)
        stream = udp_streams.start(
            self._where, name, near, far,
            Duration.parse(interval), self._port(target), self._epoch_ns(near),
        )  # fmt: skip
        stream.tell(self._measured)
        finish, told = partial(stream.finish, DRAIN_S), lambda: asdict(stream.counts)
        with self._noted(name, "udp", source, target, udp_streams.COLUMNS, finish, told):
            yield stream
            self._waiter.sleep(self.tail)

    @contextlib.contextmanager
    def ping(
        self, source: str, target: str, interval: str | Duration = "100 ms", *, family: Family = 4, name: str = ""
    ) -> Iterator[pings.Ping]:
        """ICMP echo requests and what answers them."""
        name = name or f"ping-{source}-{target}"
        near, far = self._ends(source, target, family)
        running = pings.start(
            self._where, name, near, far,
            Duration.parse(interval), self._port() & 0xFFFF, self._epoch_ns(near),
        )  # fmt: skip
        running.tell(self._measured)
        with self._noted(name, "ping", source, target, pings.COLUMNS, partial(running.finish, DRAIN_S)):
            yield running
            self._waiter.sleep(self.tail)

    @contextlib.contextmanager
    def tcp(
        self, source: str, target: str, interval: str | Duration = "1 s", *, family: Family = 4, name: str = ""
    ) -> Iterator[connects.Connects]:
        """New TCP connections, one each interval: how long each takes, or how it fails."""
        name = name or f"tcp-{source}-{target}"
        near, far = self.place(source, target, family), self.place(target, source, family)
        running = connects.start(
            self._where, name, near, far,
            Duration.parse(interval), self._port(target), self._epoch_ns(near), serve=bool(far.node),
        )  # fmt: skip
        with self._noted(name, "tcp", source, target, COLUMNS, running.finish):
            yield running

    @contextlib.contextmanager
    def tcp_stream(
        self, source: str, target: str, interval: str | Duration = "100 ms", *, family: Family = 4, name: str = ""
    ) -> Iterator[tcp_streams.TcpStream]:
        """One TCP connection that lives on: what it had acknowledged at each moment, and how it ended."""
        name = name or f"tcp-stream-{source}-{target}"
        near, far = self._ends(source, target, family)
        running = tcp_streams.start(
            self._where, name, near, far,
            Duration.parse(interval), self._port(target), self._epoch_ns(near),
        )  # fmt: skip

        def told() -> Mapping[str, Any]:
            at, ended = running.ended or (None, None)
            return {"ended": ended, "ended_ns": at}

        with self._noted(name, "tcp stream", source, target, tcp_streams.COLUMNS, running.finish, told):
            yield running

    def _port(self, target: str = "") -> int:
        """The only port that a target has, or one that no other probe of this lab uses."""
        return (target in self._aliases and self._aliases[target].port) or next(self._ports)

    def _epoch_ns(self, near: Place) -> int:
        """When the record began, by the clock of an end."""
        return self._recorder.epoch_ns + self._where.ahead_ns(near.node)

    def _begin(self, name: str, kind: str, source: str, target: str) -> None:
        self._recorder.event("probe.start", probe=name, source=source, target=target, sort=kind)

    @contextlib.contextmanager
    def _noted(
        self, name: str, kind: str, source: str, target: str, columns: tuple[str, ...],
        finish: Callable[[], Sequence[tuple[int | None, ...]]], told: Callable[[], Mapping[str, Any]] = dict,
    ) -> Iterator[None]:  # fmt: skip
        """The block of a probe that has been started: the record has its start, its stop and its samples.

        Args:
            name: of the probe.
            kind: of the probe.
            source: which end began.
            target: which end answers.
            columns: of the samples.
            finish: ends it, and gives the samples' rows.
            told: what the stop says besides; asked once it has ended.
        """
        self._begin(name, kind, source, target)
        try:
            yield
        finally:
            rows = finish()
            self._recorder.event("probe.stop", probe=name, **told())
            self._recorder.samples(name, columns, rows)

    def _measured(self, found: Measured) -> None:
        self._recorder.event("measured", **found.fields())

    def _ends(self, source: str, target: str, family: Family) -> tuple[Place, Place]:
        """Both ends of a probe, each as the other knows it."""
        far = self.place(target, source, family)
        if not far.node:
            what = "its pods answer for themselves, which only tcp() can do with"
            raise InputError(
                Problem(f"probe to {target}", what, "name the pod behind it: lab.pods.service(NAME, pod=)")
            )
        return self.place(source, target, family), far
