"""What a topology is: the user's words, as frozen values. Nothing here computes, allocates or touches anything.

A topology has sites (a VPC with subnets in zones, or a LAN), routers, hosts and links. It is made by
:class:`testbed.builder.Topology`, checked by :mod:`testbed.plan.validate` and turned into a plan by
:mod:`testbed.plan.compile`.

Direction is always ``a_to_b`` or ``b_to_a``; ``delay`` is one way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from testbed.clusters import Cluster
from testbed.guards import BorderFilter, SecurityGroup
from testbed.nat import NatGateway
from testbed.resolvers import Resolver
from testbed.stores import Share, Volume
from testbed.units import Duration, Rate, Ratio, Size

Distribution = Literal["constant", "uniform", "normal", "pareto", "paretonormal", "table"]
SiteKind = Literal["vpc", "lan"]
RouterKind = Literal["virtual-private-gateway", "transit-gateway", "customer-gateway", "internet"]
LinkKind = Literal["direct-connect", "internet", "lan"]
VpnKind = Literal["ipsec", "wireguard"]
VpnRouting = Literal["bgp", "static"]
RoutingDaemon = Literal["bird", "frr"]

NO_TIME = Duration(0)
NONE, ALL = Ratio(0), Ratio(10**9)
NO_BYTES = Size(0)
QUEUE = Duration(50 * 10**6)
"""How long a shaper's queue may grow unless said otherwise; arbitrary."""


@dataclass(frozen=True, kw_only=True)
class GilbertElliott:
    """Two-state loss. ``p``: good to bad, ``r``: bad to good, ``loss_bad`` and ``loss_good``: loss in each state.

    Source: tc-netem(8), ``loss gemodel``, whose ``1-h`` is ``loss_bad`` and ``1-k`` is ``loss_good``.
    """

    p: Ratio
    r: Ratio
    loss_bad: Ratio = ALL
    loss_good: Ratio = NONE


@dataclass(frozen=True, kw_only=True)
class FourState:
    """Four-state Markov loss with the transition probabilities of tc-netem(8), ``loss state``."""

    p13: Ratio
    p31: Ratio = ALL
    p32: Ratio = NONE
    p23: Ratio = ALL
    p14: Ratio = NONE


@dataclass(frozen=True, kw_only=True)
class Slot:
    """Deliver packets in bursts: one slot each ``min`` to ``max``, of at most ``packets`` and ``bytes`` (0: any)."""

    min: Duration
    max: Duration
    packets: int = 0
    bytes: Size = NO_BYTES


@dataclass(frozen=True, kw_only=True)
class Impairment:
    """What one direction of a link does to packets: netem's whole vocabulary except the rate, which is the link's.

    Attributes:
        delay: one way.
        jitter: standard deviation of the delay, whatever the distribution.
        distribution: shape of the jitter, each cut so that no delay is below 0 (:mod:`testbed.plan.distribution`).
            ``pareto`` and ``paretonormal`` have a long upper tail, as queues do; ``constant`` allows no jitter;
            ``table`` is the shape of ``table``.
        table: measured one-way delays; only their shape counts, ``jitter`` scales it.
        ordered: keep packets in order under jitter, as a real link does.
        delay_correlation: refused with jitter, because netem takes it and then loses it.
        loss: independent (or, with ``loss_correlation``, correlated) loss, or a :class:`GilbertElliott` or
            :class:`FourState` model, which need no correlation.
        duplicate, corrupt, reorder: share of packets; ``reorder`` packets skip the delay. Each has its correlation.
        reorder_gap: only each n-th packet may be reordered.
        slot: hold packets back and deliver them in bursts.
    """

    delay: Duration = NO_TIME
    jitter: Duration = NO_TIME
    distribution: Distribution = "normal"
    table: tuple[Duration, ...] = ()
    ordered: bool = True
    delay_correlation: Ratio = NONE
    loss: Ratio | GilbertElliott | FourState = NONE
    loss_correlation: Ratio = NONE
    duplicate: Ratio = NONE
    duplicate_correlation: Ratio = NONE
    corrupt: Ratio = NONE
    corrupt_correlation: Ratio = NONE
    reorder: Ratio = NONE
    reorder_correlation: Ratio = NONE
    reorder_gap: int = 1
    slot: Slot | None = None


@dataclass(frozen=True, kw_only=True)
class Bfd:
    """Bidirectional forwarding detection, asynchronous mode (RFC 5880)."""

    interval: Duration
    multiplier: int = 3


@dataclass(frozen=True, kw_only=True)
class Bgp:
    """One eBGP session over a link or tunnel, the same at both ends unless a field says otherwise.

    Attributes:
        hold, keepalive: BGP timers (RFC 4271).
        local_pref: preference that both ends give to routes learned here; the higher one wins. ``None``: what a link of
            this kind is worth to a provider's gateway (:mod:`testbed.presets`).
        med: MULTI_EXIT_DISC that side a, and side b, attaches; ``None``: none. The lower one wins. A VPN whose
            sessions are given none attaches 100, 200 and so on to its tunnels, unless its side a uses equal paths.
        prepend: how often side a, and side b, prepends its own AS number.
        communities: ``(asn, value)`` attached to what is exported.
        prefix_limit: more prefixes than this close the session.
    """

    hold: Duration
    keepalive: Duration
    bfd: Bfd | None = None
    local_pref: int | None = None
    med: tuple[int | None, int | None] = (None, None)
    prepend: tuple[int, int] = (0, 0)
    communities: tuple[tuple[int, int], ...] = ()
    prefix_limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """One layer-2 segment of a site. In a LAN there is usually one."""

    name: str
    cidr: str
    cidr6: str
    zone: str = ""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A VPC or a LAN: an address range in both families, cut into subnets.

    ``seen_as`` is the IPv4 range as which other sites see it, address by address; empty: as it is.
    """

    name: str
    kind: SiteKind
    cidr: str
    cidr6: str
    mtu: int
    subnets: tuple[Subnet, ...] = ()
    ospf: bool = False
    seen_as: str = ""


@dataclass(frozen=True, kw_only=True)
class Host:
    """An end host in one subnet. Its access link is called like the host; ``a`` is the host."""

    name: str
    site: str
    subnet: str
    a_to_b: Impairment | None = None
    b_to_a: Impairment | None = None
    rate: Rate | None = None


@dataclass(frozen=True, kw_only=True)
class Router:
    """A router of a site. The Internet has none, and a transit gateway may have none.

    Attributes:
        ecmp: use up to this many equal paths; 1: one path.
        blocks_icmp: drop what path MTU discovery needs (ICMP fragmentation needed, ICMPv6 packet too big).
        transits: announce what was learned from one neighbour to the others, too; otherwise only the site's own range.
    """

    name: str
    kind: RouterKind
    site: str = ""
    asn: int = 0
    daemon: RoutingDaemon = "bird"
    ecmp: int = 1
    blocks_icmp: bool = False
    transits: bool = False


@dataclass(frozen=True, kw_only=True)
class Link:
    """A wire between two routers.

    Attributes:
        rate: shaped (``policed`` false: a queue holds the excess) or policed (the excess is dropped); ``None``: no
            limit. It counts layer-3 bytes plus the 14 bytes of the Ethernet header.
        queue: how long the shaper's queue may grow, as a time at ``rate``.
        bgp: the sessions over this link, one in each family; ``None``: it carries no routes.
    """

    name: str
    kind: LinkKind
    a: str
    b: str
    mtu: int = 1500
    rate: Rate | None = None
    policed: bool = False
    queue: Duration = QUEUE
    a_to_b: Impairment = field(default_factory=Impairment)
    b_to_a: Impairment = field(default_factory=Impairment)
    bgp: Bgp | None = None


@dataclass(frozen=True, kw_only=True)
class Vpn:
    """A VPN connection: one or more tunnels between two routers over the Internet.

    Attributes:
        over: the Internet's router. Both ends are attached to it.
        tunnels: their names; the first is preferred unless ``ecmp`` of ``a`` is above 1.
        bgp: of each tunnel's sessions, with routing ``bgp``.
        suite: IPsec proposal, a key of :data:`testbed.presets.IPSEC_SUITES`.
        nat_traversal: wrap ESP in UDP even where no NAT is.
        mtu: of the tunnels; ``None``: what the suite leaves of the path (see :mod:`testbed.theory.mtu`).
        clamp_mss: rewrite the MSS of TCP through the tunnel.
        dpd, ike_lifetime, child_lifetime: ``None``: AWS's (:mod:`testbed.presets`).
        follows_ike: of static routing over IPsec: a tunnel's interfaces go down with its IKE session, so that routes
            into it give way to those into the next, and up again with it. Otherwise they stay, and so do the routes.
        rate, packets_per_s: limits of each tunnel, each way; the excess is dropped. ``None``: no limit.
    """

    name: str
    kind: VpnKind
    a: str
    b: str
    over: str
    tunnels: tuple[str, ...]
    routing: VpnRouting = "bgp"
    bgp: Bgp | None = None
    suite: str = "aes128gcm16"
    nat_traversal: bool = False
    mtu: int | None = None
    clamp_mss: bool = True
    dpd: Duration | None = None
    ike_lifetime: Duration | None = None
    child_lifetime: Duration | None = None
    follows_ike: bool = False
    rate: Rate | None = None
    packets_per_s: int | None = None


@dataclass(frozen=True, kw_only=True)
class Model:
    """A whole topology."""

    name: str
    about: str = ""
    sites: tuple[Site, ...] = ()
    routers: tuple[Router, ...] = ()
    hosts: tuple[Host, ...] = ()
    links: tuple[Link, ...] = ()
    vpns: tuple[Vpn, ...] = ()
    shares: tuple[Share, ...] = ()
    volumes: tuple[Volume, ...] = ()
    groups: tuple[SecurityGroup, ...] = ()
    borders: tuple[BorderFilter, ...] = ()
    nat_gateways: tuple[NatGateway, ...] = ()
    resolvers: tuple[Resolver, ...] = ()
    clusters: tuple[Cluster, ...] = ()
