"""Probes that ask for names, as a scenario starts them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from testbed.errors import InputError, Problem
from testbed.plan.names import full_name, resolver_of
from testbed.probe.flow import Family
from testbed.probe.place import Place
from testbed.run.node_probes import NodeProbes
from testbed.units import Duration

if TYPE_CHECKING:
    from testbed.probe.dns import Lookups

Protocol = Literal["udp", "tcp"]


class Asking(NodeProbes):
    """Starts probes that ask DNS servers."""

    @contextlib.contextmanager
    def dns(
        self, source: str, target: str, interval: str | Duration = "1 s", *, family: Family = 4,
        protocol: Protocol = "udp", wait: str | Duration = "5 s", name: str = "",
    ) -> Iterator[Lookups]:  # fmt: skip
        """Ask the resolver of ``source`` for the name of ``target`` each interval: when, and what came of it.

        A question is asked once; ``wait`` is how long its answer may take (resolv.conf(5) waits 5 s).
        """
        name = name or f"dns-{source}-{target}"
        resolver = resolver_of(self._plan, self._node(source).name)
        called = full_name(self._plan, self._node(target).name)
        if resolver is None or not called:
            what = f"{source} has no resolver" if resolver is None else f"{target} has no name"
            raise InputError(Problem(f"probe {name}", what, "give its site one: site.resolver(HOST)"))
        ends = self.place(source, resolver.node, family), self.place(resolver.node, source, family)
        wanted = self.place(target, source, family).known_as
        times = Duration.parse(interval), Duration.parse(wait)
        with self._asked(name, source, target, ends, called, wanted, times, protocol) as some:
            yield some

    @contextlib.contextmanager
    def lookups(
        self, source: str, server: str, called: str, wanted: str, interval: str | Duration = "1 s", *,
        protocol: Protocol = "udp", wait: str | Duration = "5 s", name: str = "",
    ) -> Iterator[Lookups]:  # fmt: skip
        """Ask any DNS server, such as a cluster's, for a name whose address is ``wanted``; see :meth:`dns`."""
        name = name or f"dns-{source}-{server}"
        ends = self.place(source, server), self.place(server, source)
        times = Duration.parse(interval), Duration.parse(wait)
        with self._asked(name, source, server, ends, called, wanted, times, protocol) as some:
            yield some

    @contextlib.contextmanager
    def _asked(
        self, name: str, source: str, target: str, ends: tuple[Place, Place], called: str, wanted: str,
        times: tuple[Duration, Duration], protocol: Protocol,
    ) -> Iterator[Lookups]:  # fmt: skip
        from testbed.probe import dns  # late: the library of DNS is read where names are asked for only

        running = dns.start(
            self._namespaces, self._scratch, name, *ends, called, wanted, *times, self._recorder.epoch_ns,
            protocol=protocol,
        )  # fmt: skip
        with self._noted(name, "dns", source, target, dns.COLUMNS, running.finish):
            yield running
