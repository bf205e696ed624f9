"""Requests for links, addresses and routes: pure functions from a plan's values to netlink messages."""

from __future__ import annotations

import socket
from ipaddress import ip_interface, ip_network
from typing import Any

from pyroute2.netlink import NLM_F_CREATE, NLM_F_EXCL
from pyroute2.netlink.rtnl import RTM_DELROUTE, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE, rt_proto, rt_scope, rt_type
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from testbed.net.dumps import RT_TABLE_MAIN
from testbed.net.netlink import Request
from testbed.plan.plan import Bridge, Cable

IFF_UP = 1
SINGLE_SEGMENT = ("IFLA_GSO_MAX_SEGS", 1)
"""TCP hands the device one packet at a time, so that loss, rate and order apply to packets. Switching segmentation
offload off is not enough: local TCP then still builds super-packets for the queueing discipline (13 a buffer)."""
IFA_F_NODAD = 0x02
LOOPBACK_INDEX = 1
_CREATE = NLM_F_CREATE | NLM_F_EXCL


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _link(what: str, create: int = 0, **fields: Any) -> Request:
    message = ifinfmsg()
    attrs = fields.pop("attrs", [])
    for name, value in fields.items():
        message[name] = value
    message["attrs"] = attrs
    message["header"]["type"] = RTM_NEWLINK
    message["header"]["flags"] = create
    return Request(message, what)


def create_cable(cable: Cable, fabric_fd: int) -> Request:
    """A veth pair from the namespace that the request is sent in to a port in the fabric."""
    peer = {
        "index": cable.port_index,
        "attrs": [("IFLA_IFNAME", cable.port), ("IFLA_MTU", cable.mtu), SINGLE_SEGMENT, ("IFLA_NET_NS_FD", fabric_fd)],
    }
    info = {"attrs": [("IFLA_INFO_KIND", "veth"), ("IFLA_INFO_DATA", {"attrs": [("VETH_INFO_PEER", peer)]})]}
    return _link(
        f"create {cable.interface} of {cable.node}",
        _CREATE,
        index=cable.index,
        attrs=[
            ("IFLA_IFNAME", cable.interface), ("IFLA_MTU", cable.mtu), ("IFLA_ADDRESS", cable.mac),
            SINGLE_SEGMENT, ("IFLA_LINKINFO", info),
        ],
    )  # fmt: skip


def create_bridge(bridge: Bridge) -> Request:
    """A bridge without spanning tree, in the fabric."""
    info = {"attrs": [("IFLA_INFO_KIND", "bridge"), ("IFLA_INFO_DATA", {"attrs": [("IFLA_BR_STP_STATE", 0)]})]}
    return _link(
        f"create bridge {bridge.name}", _CREATE, index=bridge.index, flags=IFF_UP, change=IFF_UP,
        attrs=[("IFLA_IFNAME", bridge.name), ("IFLA_MTU", bridge.mtu), ("IFLA_LINKINFO", info)],
    )  # fmt: skip


def create_trunk(bridge: Bridge) -> list[Request]:
    """The cable between a further bridge of a subnet and its first one."""
    assert bridge.trunk is not None
    here, here_index, there, there_index, first = bridge.trunk
    peer = {"index": there_index, "attrs": [("IFLA_IFNAME", there), ("IFLA_MTU", bridge.mtu)]}
    info = {"attrs": [("IFLA_INFO_KIND", "veth"), ("IFLA_INFO_DATA", {"attrs": [("VETH_INFO_PEER", peer)]})]}
    return [
        _link(
            f"create trunk {here}", _CREATE, index=here_index,
            attrs=[("IFLA_IFNAME", here), ("IFLA_MTU", bridge.mtu), ("IFLA_LINKINFO", info)],
        ),
        port_up(here_index, bridge.index, here),
        port_up(there_index, first, there),
    ]  # fmt: skip


def port_up(index: int, bridge: int, name: str) -> Request:
    """Bring a port of the fabric up, in a bridge if it has one."""
    attrs = [("IFLA_MASTER", bridge)] if bridge else []
    return _link(f"bring up {name}", index=index, flags=IFF_UP, change=IFF_UP, attrs=attrs)


def set_up(index: int, name: str, *, up: bool = True) -> Request:
    """Bring an interface up or down."""
    return _link(f"bring {name} {'up' if up else 'down'}", index=index, flags=IFF_UP if up else 0, change=IFF_UP)


def add_address(index: int, address: str, node: str) -> Request:
    """Give an interface an address, IPv6 ones without duplicate address detection: the plan has no duplicates."""
    interface = ip_interface(address)
    message = ifaddrmsg()
    message["family"] = _family(address)
    message["prefixlen"] = interface.network.prefixlen
    message["index"] = index
    message["flags"] = IFA_F_NODAD if interface.version == 6 else 0
    message["attrs"] = [("IFA_ADDRESS", str(interface.ip)), ("IFA_LOCAL", str(interface.ip))]
    message["header"]["type"] = RTM_NEWADDR
    message["header"]["flags"] = _CREATE
    return Request(message, f"give {node} the address {address}")


def route(
    node: str,
    prefix: str,
    *,
    via: str = "",
    index: int = 0,
    delete: bool = False,
    table: int = RT_TABLE_MAIN,
    priority: int = 0,
) -> Request:
    """Add or delete a static route."""
    network = ip_network(prefix)
    message = rtmsg()
    message["family"] = _family(prefix)
    message["dst_len"] = network.prefixlen
    message["table"] = table
    message["proto"] = rt_proto["static"]
    message["scope"] = rt_scope["universe"] if via else rt_scope["link"]
    message["type"] = rt_type["unicast"]
    attrs: list[tuple[str, Any]] = []
    if network.prefixlen:
        attrs.append(("RTA_DST", str(network.network_address)))
    if via:
        attrs.append(("RTA_GATEWAY", via))
    if index:
        attrs.append(("RTA_OIF", index))
    if priority:
        attrs.append(("RTA_PRIORITY", priority))
    message["attrs"] = attrs
    message["header"]["type"] = RTM_DELROUTE if delete else RTM_NEWROUTE
    message["header"]["flags"] = 0 if delete else _CREATE
    return Request(message, f"{'delete' if delete else 'add'} route {prefix} of {node}")


def default_route_gone(node: str) -> Request:
    """Delete whichever IPv4 default route there is: one that says nothing fits any (``fib_table_delete``)."""
    message = rtmsg()
    message["family"] = socket.AF_INET
    message["table"] = RT_TABLE_MAIN
    message["scope"] = rt_scope["nowhere"]
    message["header"]["type"] = RTM_DELROUTE
    return Request(message, f"delete the default route of {node}")
