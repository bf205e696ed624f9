"""Address translation as rules of nftables and as settings of the kernel's connection tracking.

A NAT gateway forgets a connection that is idle for too long. What its hosts send then belongs to no connection, and is
answered with a reset (VPC user guide, comparison of NAT gateways and NAT instances); by itself the kernel would take it
for a connection that it had missed the beginning of, and go on (``nf_conntrack_tcp_loose``).

A mapped range is translated address by address, ports untouched (``NF_NAT_RANGE_NETMAP``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network

from testbed.errors import MachineError, Problem, RunError
from testbed.net.namespace import Namespaces, read_sysctl
from testbed.net.nft import Rule, match
from testbed.net.sysctls import TRACKED_MAX, write
from testbed.plan import nat as planned
from testbed.plan.plan import Plan

FORWARD, INPUT, BEFORE, AFTER = "forward", "input", "prerouting", "postrouting"
FRAGMENTS = "fragments"
OFFSET_OR_MORE = 0x3FFF
"""Of the flags and the offset of IPv4's header: more fragments, and where this one begins (RFC 791 section 3.1)."""
_PREFIX = "net/netfilter/nf_conntrack_"
_TIMEOUTS = (
    "tcp_timeout_established", "tcp_timeout_unacknowledged", "tcp_timeout_max_retrans", "udp_timeout",
    "udp_timeout_stream", "icmp_timeout",
)  # fmt: skip
"""Of a connection that was not closed. Half-open and closed ones keep the kernel's own, which nobody publishes of AWS.
Data that is not acknowledged would be forgotten earlier (300 s); AWS makes no such difference."""
PLACES_MAX = 65_535
"""So many places are counted at once; arbitrary: nft's own where nothing is said."""
_DROP = json.dumps({"drop": None})
_RESET = json.dumps({"reject": {"type": "tcp reset"}})


def settings(nat: planned.PlannedNat) -> dict[str, str]:
    """What connection tracking is told in a gateway's namespace: a setting of the kernel to its value. Pure."""
    seconds = str(nat.idle // 10**9)
    return {
        **{f"{_PREFIX}{name}": seconds for name in _TIMEOUTS},
        # What has no known beginning belongs to no connection; numbers out of a window do: the ends see to those.
        f"{_PREFIX}tcp_loose": "0",
        f"{_PREFIX}tcp_be_liberal": "1",
    }


def apply(plan: Plan, namespaces: Namespaces) -> None:
    """Set them, and read them back.

    Raises:
        RunError: the kernel has something else then.
        MachineError: it tracks fewer connections than a gateway holds.
    """
    for nat in plan.nats:
        wanted = settings(nat)
        with namespaces.inside(nat.node):
            most = int(read_sysctl(TRACKED_MAX) or 0)
            if most < nat.connections:
                what = f"this kernel tracks {most} connections, fewer than {nat.connections}"
                hint = f"sysctl {TRACKED_MAX.replace('/', '.')}, fewer connections=, or the guest kernel"
                raise MachineError(Problem(f"node {nat.node}", what, hint))
            write(wanted)
            found = {key: read_sysctl(key) for key in wanted}
        wrong = [f"{key} is {found[key]} and not {value}" for key, value in wanted.items() if found[key] != value]
        if wrong:
            raise RunError(Problem(f"node {nat.node}", "; ".join(wrong), "its connection tracking is not as planned"))


def nodes(plan: Plan) -> set[str]:
    """The nodes that translate."""
    return {nat.node for nat in plan.nats} | {mapping.node for mapping in plan.mappings}


def rules(plan: Plan, node: str) -> Iterator[Rule]:
    """The rules of a node. Pure."""
    for nat in plan.nats:
        if nat.node == node:
            yield from _gateway(nat)
    for mapping in plan.mappings:
        if mapping.node == node:
            yield from _mapped(mapping)


def _gateway(nat: planned.PlannedNat) -> Iterator[Rule]:
    for protocol in ("tcp", "icmp"):
        yield Rule(FRAGMENTS, planned.fragment(nat, protocol), (_ip(), _protocol(protocol), is_fragment()), _DROP)
    stray = _state("invalid")
    yield Rule(FORWARD, planned.unknown(nat, planned.RESET), (_ip(), _protocol("tcp"), stray), _RESET)
    yield Rule(FORWARD, planned.unknown(nat, planned.DROPPED), (_ip(), stray), _DROP)
    for protocol in ("tcp", "udp", "icmp"):
        matches = (_ip(), _protocol(protocol), _state("new"), _more_than(nat, protocol))
        yield Rule(FORWARD, planned.full(nat, protocol), matches, _DROP)
    for state in ("new", "invalid"):
        for protocol in ("tcp", "udp"):
            comment = f"{planned.uninvited(nat)}: {state} {protocol}"
            yield Rule(INPUT, comment, (_ip(), _protocol(protocol), _state(state)), _DROP)
    for source in nat.sources:
        begin = f"NAT gateway {nat.node}: {source} becomes {nat.address}"
        ways = (_ip(), _address("saddr", source), _address("daddr", nat.local, operator="!="))
        for protocol in ("tcp", "udp"):
            first, last = nat.ports
            to = {"family": "ip", "addr": nat.address, "port": {"range": [first, last]}}
            yield Rule(AFTER, f"{begin}, {protocol}", (*ways, _protocol(protocol)), json.dumps({"snat": to}))
        yield Rule(AFTER, f"{begin}, icmp", ways, json.dumps({"snat": {"family": "ip", "addr": nat.address}}))


def _more_than(nat: planned.PlannedNat, protocol: str) -> str:
    """True for a connection that is one too many to where it leads."""
    place: object = {"payload": {"protocol": "ip", "field": "daddr"}}
    if protocol != "icmp":
        place = {"concat": [place, {"payload": {"protocol": protocol, "field": "dport"}}]}
    count = {"ct count": {"val": nat.connections, "inv": True}}
    return json.dumps({"meter": {"name": f"{nat.node}-{protocol}", "size": PLACES_MAX, "key": place, "stmt": count}})


def _mapped(mapping: planned.Mapping) -> Iterator[Rule]:
    words = f"{mapping.site}, {mapping.real}, is seen as {mapping.seen_as}"
    for interface in mapping.interfaces:
        leaves = (_ip(), match("==", {"meta": {"key": "oifname"}}, interface), _address("saddr", mapping.real))
        yield Rule(AFTER, f"{words}: out by {interface}", leaves, _netmap("snat", mapping.seen_as))
        comes = (_ip(), match("==", {"meta": {"key": "iifname"}}, interface), _address("daddr", mapping.seen_as))
        yield Rule(BEFORE, f"{words}: in by {interface}", comes, _netmap("dnat", mapping.real))


def _netmap(kind: str, range_: str) -> str:
    to = {"family": "ip", "addr": _network(range_), "flags": "netmap", "type_flags": "prefix"}
    return json.dumps({kind: to})


def _ip() -> str:
    return match("==", {"meta": {"key": "nfproto"}}, "ipv4")


def _protocol(name: str) -> str:
    return match("==", {"meta": {"key": "l4proto"}}, name)


def is_fragment() -> str:
    """IPv4 packets that are parts of a larger one, the first one too."""
    return match("!=", {"&": [{"payload": {"protocol": "ip", "field": "frag-off"}}, OFFSET_OR_MORE]}, 0)


def _state(name: str) -> str:
    return match("in", {"ct": {"key": "state"}}, name)


def _address(side: str, range_: str, operator: str = "==") -> str:
    return match(operator, {"payload": {"protocol": "ip", "field": side}}, _network(range_))


def _network(range_: str) -> Mapping[str, object]:
    network = IPv4Network(range_)
    return {"prefix": {"addr": str(network.network_address), "len": network.prefixlen}}
