"""VPN tunnels: their interfaces, WireGuard's keys and peers, their limits, and the proof that packets pass.

IPsec's key exchange is :mod:`testbed.daemons.strongswan`'s; here is what the kernel is asked for directly.

Side a ends each tunnel at an address of its own on its loopback (``outer_a``), side b at its underlay address. Both
kinds of tunnel are routed: everything that is sent into the interface goes through it.
"""

from __future__ import annotations

import socket
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from hashlib import blake2b
from ipaddress import ip_address, ip_network
from typing import Any, Protocol

from pyroute2 import WireGuard
from pyroute2.netlink import NLM_F_CREATE, NLM_F_EXCL
from pyroute2.netlink.rtnl import RTM_DELLINK, RTM_NEWLINK, RTM_NEWROUTE, RTM_NEWRULE, rt_proto, rt_scope, rt_type
from pyroute2.netlink.rtnl.fibmsg import FR_ACT_TO_TBL, fibmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from testbed.errors import Problem, RunError
from testbed.net import messages, shaping
from testbed.net.namespace import Namespaces
from testbed.net.netlink import Netlink, Request
from testbed.plan.plan import End, Plan, PlannedTunnel

WIREGUARD_PORT = 51820
"""Tunnel number n listens on this plus n. It is the port that WireGuard's own examples use; none is assigned."""
KEEPALIVE_S = 25
"""Persistent keepalive of the customer gateway's end, which also makes the first handshake. Source: wg(8)."""
SOURCE_TABLE = 51820
"""WireGuard cannot be told which address to send from. Packets of tunnel n carry mark n, are routed by table 51820 + n,
and its only route names the source; arbitrary, and the number that wg-quick(8) takes for its table."""
RULE_PRIORITY = 1000
"""Before the main table's 32766; arbitrary otherwise."""
IN6_ADDR_GEN_MODE_NONE = 1
"""No link-local address made from chance: the ends of tunnel n get ``fe80::n:1`` and ``fe80::n:2``."""
READY_TIMEOUT_S = 60.0
"""How long tunnels may take until they pass packets, on the lab's clock: two of charon's attempts of 30 s."""
ANSWER_TIMEOUT_S = 10.0
"""How long a tunnel that is established may take to pass one packet each way, resent in case of loss; arbitrary."""
POLL_S, RESEND_S = 0.01, 0.2
_CREATE = NLM_F_CREATE | NLM_F_EXCL


class Lab(Protocol):
    """What tunnels need to know of a network (:class:`testbed.net.apply.Network` is one)."""

    plan: Plan
    namespaces: Namespaces
    impaired: bool

    def channel(self, node: str) -> Netlink:
        """A netlink socket in a node's namespace."""


def link_requests(tunnel: PlannedTunnel, end: End) -> list[Request]:
    """Make an end's interface, give it its addresses and limits, and bring it up. Pure."""
    what = f"{end.interface} of {end.node}"
    # One for each tunnel: FRR takes next hops of the same address for one, whatever their interface.
    link_local = f"fe80::{tunnel.number:x}:{1 if end == tunnel.a else 2}/64"
    return [
        _create(tunnel, end, what),
        _no_random_address(end, what),
        *(
            messages.add_address(end.index, address, end.node)
            for address in (f"{end.address}/30", f"{end.address6}/126", link_local)
        ),
        *limit_requests(tunnel, end, what),
        messages.set_up(end.index, what),
    ]


def _create(tunnel: PlannedTunnel, end: End, what: str) -> Request:
    info: list[tuple[str, object]] = [("IFLA_INFO_KIND", "wireguard")]
    if tunnel.kind == "ipsec":
        # No underlying link is named: routing decides, so that the underlay may change its way.
        data = {"attrs": [("IFLA_XFRM_IF_ID", tunnel.number)]}
        info = [("IFLA_INFO_KIND", "xfrm"), ("IFLA_INFO_DATA", data)]
    message = ifinfmsg()
    message["index"] = end.index
    message["attrs"] = [
        ("IFLA_IFNAME", end.interface), ("IFLA_MTU", tunnel.mtu), ("IFLA_LINKINFO", {"attrs": info}),
    ]  # fmt: skip
    message["header"]["type"] = RTM_NEWLINK
    message["header"]["flags"] = _CREATE
    return Request(message, f"create {what}")


def _no_random_address(end: End, what: str) -> Request:
    message = ifinfmsg()
    message["index"] = end.index
    inet6 = {"attrs": [("IFLA_INET6_ADDR_GEN_MODE", IN6_ADDR_GEN_MODE_NONE)]}
    message["attrs"] = [("IFLA_AF_SPEC", {"attrs": [("AF_INET6", inet6)]})]
    message["header"]["type"] = RTM_NEWLINK
    message["header"]["flags"] = 0
    return Request(message, f"give {what} no address made from chance")


def limit_requests(tunnel: PlannedTunnel, end: End, what: str) -> list[Request]:
    """Limit what an end sends to the tunnel's rate and packets per second. Pure."""
    if tunnel.rate is None and tunnel.packets_per_s is None:
        return []
    return shaping.tunnel_messages(end.index, what, tunnel.mtu, rate=tunnel.rate, packets_per_s=tunnel.packets_per_s)


def delete_request(end: End) -> Request:
    """Remove an end's interface, and with it its addresses and routes."""
    message = ifinfmsg()
    message["index"] = end.index
    message["header"]["type"] = RTM_DELLINK
    message["header"]["flags"] = 0
    return Request(message, f"delete {end.interface} of {end.node}")


def source_requests(tunnel: PlannedTunnel, plan: Plan) -> list[Request]:
    """Make side a send a WireGuard tunnel's packets from ``outer_a``. Pure."""
    table, node = SOURCE_TABLE + tunnel.number, tunnel.a.node
    rule = fibmsg()
    rule["family"] = socket.AF_INET
    rule["action"] = FR_ACT_TO_TBL
    rule["attrs"] = [
        ("FRA_PRIORITY", RULE_PRIORITY + tunnel.number), ("FRA_FWMARK", tunnel.number), ("FRA_TABLE", table),
    ]  # fmt: skip
    rule["header"]["type"] = RTM_NEWRULE
    rule["header"]["flags"] = _CREATE
    route = rtmsg()
    route["family"] = socket.AF_INET
    route["dst_len"] = 32
    route["proto"] = rt_proto["static"]
    route["scope"] = rt_scope["universe"]
    route["type"] = rt_type["unicast"]
    route["attrs"] = [
        ("RTA_TABLE", table), ("RTA_DST", tunnel.outer_b), ("RTA_PREFSRC", tunnel.outer_a),
        ("RTA_GATEWAY", _gateway(plan, node, tunnel.outer_b)),
    ]  # fmt: skip
    route["header"]["type"] = RTM_NEWROUTE
    route["header"]["flags"] = _CREATE
    return [
        Request(route, f"route of {node} from {tunnel.outer_a} to {tunnel.outer_b}"),
        Request(rule, f"rule of {node} for {tunnel.name}"),
    ]


def _gateway(plan: Plan, node: str, address: str) -> str:
    """The plan's next hop from a node to an address of the underlay."""
    routes = [(ip_network(r.prefix), r.via) for r in plan.routes if r.node == node and r.via]
    found = [(network.prefixlen, via) for network, via in routes if ip_address(address) in network]
    if not found:
        raise RunError(Problem(f"router {node}", f"the plan has no route to {address}", "attach it to the Internet"))
    return max(found)[1]


def key_pair(secret: str, side: str) -> tuple[str, str]:
    """(private, public) WireGuard key of side ``a`` or ``b``, in base64. Pure."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # slow to import, often unused
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    seed = bytearray(blake2b(f"{secret}/{side}".encode(), digest_size=32).digest())
    # Clamped as RFC 7748 section 5 says; the kernel would do so itself, and then read back another key.
    seed[0] &= 248
    seed[31] = seed[31] & 127 | 64
    public = X25519PrivateKey.from_private_bytes(bytes(seed)).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return b64encode(bytes(seed)).decode(), b64encode(public).decode()


def wireguard_config(tunnel: PlannedTunnel, end: End) -> dict[str, Any]:
    """What an end's WireGuard is told, in the words of pyroute2's :class:`WireGuard`. Pure."""
    here, there = ("a", "b") if end == tunnel.a else ("b", "a")
    port = WIREGUARD_PORT + tunnel.number
    peer = {
        "public_key": key_pair(tunnel.secret, there)[1], "endpoint_port": port,
        "endpoint_addr": tunnel.outer_b if there == "b" else tunnel.outer_a,
        "allowed_ips": ["0.0.0.0/0", "::/0"],
    }  # fmt: skip
    if here == "b":
        peer["persistent_keepalive"] = KEEPALIVE_S
    config = {"private_key": key_pair(tunnel.secret, here)[0], "listen_port": port, "peer": peer}
    return config | ({"fwmark": tunnel.number} if here == "a" else {})


class Tunnels:
    """The tunnels of a lab. Made after :meth:`testbed.net.apply.Network.apply`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def up(self) -> None:
        """Make all interfaces and set up WireGuard. IPsec tunnels pass nothing before their charons are started."""
        for tunnel, end in self._ends():
            if tunnel.kind == "wireguard" and end == tunnel.a:
                self._lab.channel(end.node).send(source_requests(tunnel, self._lab.plan))
            laid = tunnel if self._lab.impaired else replace(tunnel, rate=None, packets_per_s=None)
            self._lab.channel(end.node).send(link_requests(laid, end))
        # Side b speaks as soon as it knows its peer, so side a is told first.
        for tunnel, end in self._ends():
            if tunnel.kind == "wireguard":
                with self._lab.namespaces.inside(end.node), WireGuard() as wireguard:
                    wireguard.set(end.interface, **wireguard_config(tunnel, end))

    def down(self) -> None:
        """Remove all interfaces. Closing the network does that too."""
        for _, end in self._ends():
            self._lab.channel(end.node).send([delete_request(end)])

    def wait(self, established: Callable[[PlannedTunnel], bool] | None = None) -> None:
        """Wait until each tunnel is established and has passed a packet of both families each way.

        ``established`` says so for an IPsec tunnel (:func:`testbed.daemons.strongswan.established`); WireGuard is asked
        itself. Raises :class:`RunError` that names every tunnel that is not, after :data:`READY_TIMEOUT_S`.
        """
        missing = list(self._lab.plan.tunnels)
        deadline = time.monotonic() + READY_TIMEOUT_S
        while missing := [t for t in missing if not self._established(t, established)]:
            if time.monotonic() > deadline:
                what = f"not established within {READY_TIMEOUT_S:g} s"
                hint = "if it is IPsec, charon.log of both routers says why; else see whether the underlay carries UDP"
                raise RunError(Problem(f"tunnel {tunnel.name}", what, hint) for tunnel in missing)
            time.sleep(POLL_S)
        silent = [p for tunnel in self._lab.plan.tunnels for p in silent_ways(self._lab.namespaces, tunnel)]
        if silent:
            raise RunError(silent)

    def _established(self, tunnel: PlannedTunnel, ipsec: Callable[[PlannedTunnel], bool] | None) -> bool:
        if tunnel.kind == "ipsec":
            return ipsec is None or ipsec(tunnel)
        return all(self.handshake_s(tunnel, end) > 0 for end in (tunnel.a, tunnel.b))

    def handshake_s(self, tunnel: PlannedTunnel, end: End) -> int:
        """When an end completed its latest WireGuard handshake, in seconds of CLOCK_REALTIME; 0: never."""
        with self._lab.namespaces.inside(end.node), WireGuard() as wireguard:
            device = wireguard.info(end.interface)[0]
        peers = device.get_attr("WGDEVICE_A_PEERS") or []
        return max((int(p.get_attr("WGPEER_A_LAST_HANDSHAKE_TIME")["tv_sec"]) for p in peers), default=0)

    def _ends(self) -> Iterator[tuple[PlannedTunnel, End]]:
        """All ends, those of side a first."""
        yield from ((tunnel, tunnel.a) for tunnel in self._lab.plan.tunnels)
        yield from ((tunnel, tunnel.b) for tunnel in self._lab.plan.tunnels)


def silent_ways(namespaces: Namespaces, tunnel: PlannedTunnel) -> list[Problem]:
    """The directions and families in which a tunnel passes no packet: one datagram each, resent until it arrives."""
    ways: Iterable[tuple[str, End, End, str, str]] = (
        ("a_to_b", tunnel.a, tunnel.b, tunnel.a.address, tunnel.b.address),
        ("b_to_a", tunnel.b, tunnel.a, tunnel.b.address, tunnel.a.address),
        ("a_to_b", tunnel.a, tunnel.b, tunnel.a.address6, tunnel.b.address6),
        ("b_to_a", tunnel.b, tunnel.a, tunnel.b.address6, tunnel.a.address6),
    )
    return [
        Problem(f"tunnel {tunnel.name}, {way}", f"no packet from {source} reached {target} in {ANSWER_TIMEOUT_S:g} s")
        for way, sender, receiver, source, target in ways
        if not _passes(namespaces, sender, receiver, source, target)
    ]


def _passes(namespaces: Namespaces, sender: End, receiver: End, source: str, target: str) -> bool:
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with namespaces.inside(receiver.node):
        into = socket.socket(family, socket.SOCK_DGRAM)
    with namespaces.inside(sender.node):
        out = socket.socket(family, socket.SOCK_DGRAM)
    with into, out:
        into.bind((target, 0))
        into.settimeout(RESEND_S)
        out.bind((source, 0))
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                out.sendto(b"testbed", into.getsockname())
                into.recv(16)
            except OSError:  # a timeout, or no route or SA yet: tried again
                time.sleep(POLL_S)
                continue
            return True
    return False
