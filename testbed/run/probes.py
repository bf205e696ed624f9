"""The probes of a lab, as a scenario starts them: each runs while its block runs, and leaves samples in the record."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Literal

from testbed.plan.plan import Direction
from testbed.probe import capture as captures
from testbed.probe import iperf as iperfs
from testbed.probe import trace as traces
from testbed.probe import udp_flood as udp_floods
from testbed.probe.flow import Family, Flow
from testbed.run.asking import Asking
from testbed.run.plain_probes import DRAIN_S
from testbed.units import Duration, Rate

_LOOK = Duration(10 * 10**6)
"""How often it is looked whether iperf3 has ended; arbitrary."""


class Probes(Asking):
    """Starts probes between hosts and routers of one lab, by name."""

    @contextlib.contextmanager
    def udp_flood(
        self, source: str, target: str, rate: str | Rate, *, payload: int, family: Family = 4, name: str = ""
    ) -> Iterator[udp_floods.UdpFlood]:
        """UDP packets one way at a rate of payload, as many a second as it takes; counted where they arrive."""
        name = name or f"udp-flood-{source}-{target}"
        flood = udp_floods.start(
            self._namespaces, self._scratch, name, *self._ends(source, target, family),
            Rate.parse(rate), payload, self._port(target), self._recorder.epoch_ns,
        )  # fmt: skip
        self._begin(name, "udp flood", source, target)
        try:
            yield flood
        finally:
            ended_ns = self._recorder.now_ns()
            rows = flood.finish(DRAIN_S)
            self._recorder.event("probe.stop", probe=name, ended_ns=ended_ns, sent=flood.sent, payload=payload)
            self._recorder.samples(name, udp_floods.COLUMNS, rows)

    @contextlib.contextmanager
    def trace(
        self, source: str, target: str, interval: str | Duration = "1 s", *, family: Family = 4, name: str = ""
    ) -> Iterator[traces.Tracer]:
        """The path at each moment, as traceroute(8); each change is an event ``path``."""
        name = name or f"trace-{source}-{target}"
        running = traces.start(
            self._namespaces, self._scratch, name, *self._ends(source, target, family),
            Duration.parse(interval), self._recorder.epoch_ns,
        )  # fmt: skip
        self._begin(name, "trace", source, target)
        try:
            yield running
        finally:
            names = traces.names(self._plan, running.source)
            for change in traces.changes(running.finish()):
                hops = list(traces.by_name(change.hops, names))
                self._recorder.event("path", t_ns=change.t_ns, probe=name, hops=hops, reached=change.reached)
            self._recorder.event("probe.stop", probe=name)

    def iperf(
        self, source: str, target: str, duration: str | Duration, *, family: Family = 4, name: str = "",
        protocol: Literal["tcp", "udp"] = "tcp", rate: str | Rate | None = None, congestion: str = "", payload: int = 0,
    ) -> iperfs.Result:  # fmt: skip
        """Run iperf3 to its end; its own JSON is kept in the record."""
        flow = Flow(source, target, family, name, protocol, rate, congestion, payload)
        return self.flows([flow], duration)[0]

    def flows(self, flows: Sequence[Flow], duration: str | Duration) -> list[iperfs.Result]:
        """Run several measurements of iperf3 at once, to the end of all."""
        begun = [self._flow(flow, Duration.parse(duration)) for flow in flows]
        while any(running.running for running in begun):
            self._waiter.sleep(_LOOK)
        found = []
        for running in begun:
            found.append(running.finish())
            self._recorder.event("probe.stop", probe=running.name)
        return found

    def _flow(self, flow: Flow, duration: Duration) -> iperfs.Iperf:
        name = flow.name or f"iperf-{flow.source}-{flow.target}"
        running = iperfs.start(
            self._namespaces, self._recorder.record / "iperf", name, *self._ends(flow.source, flow.target, flow.family),
            duration, port=self._port(flow.target), protocol=flow.protocol,
            rate=None if flow.rate is None else Rate.parse(flow.rate), congestion=flow.congestion,
            payload=flow.payload,
        )  # fmt: skip
        self._begin(name, "iperf3", flow.source, flow.target)
        return running

    @contextlib.contextmanager
    def capture(
        self, node: str, interface: str, *, match: captures.Match = captures.EVERYTHING, name: str = ""
    ) -> Iterator[captures.Capture]:
        """What an interface of a node sends and receives, as ``captures/NAME.pcap`` of the record."""
        with self._captured(self.place(node).node, interface, match, name or f"{node}-{interface}") as running:
            yield running

    @contextlib.contextmanager
    def capture_link(
        self, link: str, direction: Direction, *, match: captures.Match = captures.EVERYTHING, name: str = ""
    ) -> Iterator[captures.Capture]:
        """What passes the port where a direction of a link ends: that direction after, the other before, its delay."""
        node, port = captures.port(self._plan, link, direction)
        with self._captured(node, port, match, name or f"{link}-{direction}") as running:
            yield running

    @contextlib.contextmanager
    def _captured(self, node: str, interface: str, match: captures.Match, name: str) -> Iterator[captures.Capture]:
        folder = self._recorder.record / "captures"
        folder.mkdir(exist_ok=True)
        running = captures.start(
            self._namespaces, self._scratch, name, node, interface, folder / f"{name}.pcap", match=match
        )
        self._recorder.event("capture.start", capture=name, node=node, interface=interface)
        try:
            yield running
        finally:
            running.finish()
            self._recorder.event("capture.stop", capture=name, missed=running.missed)
