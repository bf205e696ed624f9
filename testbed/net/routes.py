"""Watch the kernel's routing tables of the routers: every change with its instant, and the state they add up to."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network

from pyroute2.netlink.rtnl import (
    RTM_DELROUTE,
    RTM_GETROUTE,
    RTM_NEWROUTE,
    RTMGRP_IPV4_ROUTE,
    RTMGRP_IPV6_ROUTE,
)
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from testbed.net.dumps import RT_TABLE_MAIN, RTN_UNICAST
from testbed.net.namespace import Namespaces
from testbed.net.netlink import Netlink, decode, split
from testbed.plan.plan import Plan
from testbed.plan.sessions import Reach

_BUFFER = 1 << 18


@dataclass(frozen=True)
class RouteChange:
    """A router's route to a prefix now leads through ``via`` (interfaces); empty: it is gone."""

    t_ns: int
    node: str
    prefix: str
    via: tuple[str, ...]


class RouteWatch:
    """The main tables of all routers of a lab."""

    def __init__(self, plan: Plan, namespaces: Namespaces, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._names = _interface_names(plan)
        self._table: dict[tuple[str, str], dict[int, tuple[str, ...]]] = {}
        """(node, prefix) -> priority -> interfaces. The lowest priority number is used."""
        self.sockets: dict[int, tuple[str, Netlink]] = {}
        for routing in plan.routing:
            with namespaces.inside(routing.node):
                events = Netlink(RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE)
                dumper = Netlink()
            self.sockets[events.fileno()] = (routing.node, events)
            self._fill(routing.node, dumper)

    def _fill(self, node: str, dumper: Netlink) -> None:
        for family in (socket.AF_INET, socket.AF_INET6):
            request = rtmsg()
            request["family"] = family
            request["header"]["type"] = RTM_GETROUTE
            for message in dumper.dump(request):
                self._take(node, message)
        dumper.close()

    def via(self, node: str, prefix: str) -> tuple[str, ...]:
        """The interfaces that a router uses towards a prefix, exactly as the table has it."""
        found = self._table.get((node, prefix), {})
        return found[min(found)] if found else ()

    @property
    def vias(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """The interfaces that each router uses now, by (router, prefix)."""
        return {(node, prefix): self.via(node, prefix) for node, prefix in self._table}

    def satisfied(self, reach: Reach) -> bool:
        """True when a router has the route that is asked for, by the way it prefers, or by several with ECMP."""
        via = set(self.via(reach.node, reach.prefix))
        return via <= set(reach.best) and len(via) >= reach.paths

    def read(self, fileno: int) -> list[RouteChange]:
        """Take in what has arrived on one socket."""
        node, channel = self.sockets[fileno]
        t_ns = self._now_ns()
        changes: list[RouteChange] = []
        data = channel._socket.recv(_BUFFER)
        for kind, _, _, body in split(data):
            if kind not in (RTM_NEWROUTE, RTM_DELROUTE):
                continue
            before_after = self._take(node, decode(rtmsg, kind, body))
            if before_after is not None:
                prefix, via = before_after
                changes.append(RouteChange(t_ns, node, prefix, via))
        return changes

    def _take(self, node: str, message: rtmsg) -> tuple[str, tuple[str, ...]] | None:
        """Apply one message. Returns (prefix, interfaces now used) if that changed."""
        if message["table"] != RT_TABLE_MAIN or message["type"] != RTN_UNICAST:
            return None
        destination = message.get_attr("RTA_DST") or ("::" if message["family"] == socket.AF_INET6 else "0.0.0.0")
        prefix = str(ip_network(f"{destination}/{message['dst_len']}"))
        before = self.via(node, prefix)
        known = self._table.setdefault((node, prefix), {})
        priority = message.get_attr("RTA_PRIORITY") or 0
        if message["header"]["type"] == RTM_DELROUTE:
            known.pop(priority, None)
        else:
            known[priority] = self._interfaces(node, message)
        after = self.via(node, prefix)
        return None if before == after else (prefix, after)

    def _interfaces(self, node: str, message: rtmsg) -> tuple[str, ...]:
        multipath = message.get_attr("RTA_MULTIPATH")
        indexes = [hop["oif"] for hop in multipath] if multipath else [message.get_attr("RTA_OIF")]
        return tuple(sorted(self._names.get((node, index), f"#{index}") for index in indexes))

    def close(self) -> None:
        """Stop watching."""
        for _, channel in self.sockets.values():
            channel.close()
        self.sockets.clear()


def _interface_names(plan: Plan) -> dict[tuple[str, int], str]:
    names = {(cable.node, cable.index): cable.interface for cable in plan.cables}
    for tunnel in plan.tunnels:
        for end in (tunnel.a, tunnel.b):
            names[end.node, end.index] = end.interface
    return names
