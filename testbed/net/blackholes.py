"""Packets of one address that vanish on their way, without a word to anybody: policy rules of the routers underway.

A tunnel has an address of its own at its side a, so what comes from it or goes to it is that tunnel's alone.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Literal

from pyroute2.netlink import NLM_F_CREATE, NLM_F_EXCL
from pyroute2.netlink.rtnl import RTM_DELRULE, RTM_NEWRULE
from pyroute2.netlink.rtnl.fibmsg import FR_ACT_BLACKHOLE, fibmsg

from testbed.net.netlink import Request

Way = Literal["from", "to"]
PRIORITY = 10
"""Before all other rules but that of local addresses, which is 0; arbitrary otherwise."""


@dataclass(frozen=True, order=True)
class Blackhole:
    """What a node that forwards lets vanish: packets ``from`` an IPv4 address, or ``to`` it."""

    node: str
    way: Way
    address: str


def request(hole: Blackhole, *, on: bool) -> Request:
    """Begin or end it. Pure."""
    rule = fibmsg()
    rule["family"] = socket.AF_INET
    rule["action"] = FR_ACT_BLACKHOLE
    length, attribute = ("src_len", "FRA_SRC") if hole.way == "from" else ("dst_len", "FRA_DST")
    rule[length] = 32
    rule["attrs"] = [("FRA_PRIORITY", PRIORITY), (attribute, hole.address)]
    rule["header"]["type"] = RTM_NEWRULE if on else RTM_DELRULE
    rule["header"]["flags"] = NLM_F_CREATE | NLM_F_EXCL if on else 0
    return Request(rule, f"{'begin' if on else 'end'} losing what goes {hole.way} {hole.address} on {hole.node}")
