"""The builder: what a topology file talks to.

A topology file defines one function::

    from testbed import Topology

    def topology(t: Topology) -> None:
        aws = t.vpc("aws", "10.0.0.0/16")
        ...

Every call takes quantities as text with a unit (``"5 ms"``, ``"1 Gbit/s"``) and returns a small handle or a name to
refer to what was made. Nothing is checked here but the text of quantities and whether a word is known at all:
:mod:`testbed.plan.validate` looks at the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar, Unpack

from testbed import fields, model, presets
from testbed.clustering import Clustering
from testbed.errors import Problem, known
from testbed.fields import (
    AccessFields,
    AttachFields,
    DirectConnectFields,
    ImpairmentFields,
    ResolverFields,
    RouterFields,
    ShareFields,
    Text,
    VolumeFields,
    VpnFields,
)
from testbed.gateways import Beside
from testbed.guarding import Guarding
from testbed.parameters import Parameters
from testbed.stores import Share, Volume
from testbed.units import Duration, Rate

T = TypeVar("T")
VPC_ZONES = ("a", "b", "c")
"""Where nodes go in a VPC that declares no subnets; arbitrary: as many as most regions have at least."""


@dataclass(frozen=True)
class SiteHandle:
    """A site of the topology being built."""

    _t: Topology
    name: str

    @property
    def zones(self) -> tuple[str, ...]:
        """Of the subnets it declares; without any, three for a VPC, and one without a name for a LAN."""
        site = self._t._sites[self.name]
        if self.name in self._t._made_subnets:
            return VPC_ZONES if site.kind == "vpc" else ("",)
        return tuple(dict.fromkeys(subnet.zone for subnet in site.subnets))

    def subnet(self, name: str, cidr: str = "", *, cidr6: str = "", zone: str = "") -> str:
        """Add a subnet; without ``cidr`` the next /24 (and /64) of the site. Returns its name."""
        return self._t._add_subnet(self.name, model.Subnet(name=name, cidr=cidr, cidr6=cidr6, zone=zone))

    def host(self, name: str, *, zone: str = "", subnet: str = "", **access: Unpack[AccessFields]) -> str:
        """Add a host in a zone or subnet.

        ``access``: impairments of its own link both ways, and its ``rate``. A site without subnets gets one for each
        zone that is used.
        """
        return self._t._add_host(self.name, name, zone, subnet, access)

    def hosts(
        self, prefix: str, count: int, *, zone: str = "", subnet: str = "", **access: Unpack[AccessFields]
    ) -> tuple[str, ...]:
        """Add ``count`` hosts named ``prefix1``, ``prefix2`` and so on."""
        return tuple(self.host(f"{prefix}{i}", zone=zone, subnet=subnet, **access) for i in range(1, count + 1))

    def resolver(self, host: str, **options: Unpack[ResolverFields]) -> str:
        """Let ``host`` be the site's DNS server. ``options``: :class:`testbed.resolvers.Resolver`."""
        return self._t._add_resolver(self.name, host, options)

    def router(self, name: str, *, asn: int, kind: str = "", **options: Unpack[RouterFields]) -> str:
        """Add a router; the first one of a site is its hosts' gateway. ``options``: :class:`testbed.model.Router`."""
        return self._t._add_router(name, kind or self._t._gateway_kind(self.name), self.name, asn, options)


class Topology(Beside, Guarding, Clustering):
    """Collects what a topology file declares."""

    def __init__(self, name: str, parameters: Parameters | None = None) -> None:
        super().__init__(parameters or Parameters())
        self.name = name
        self.about = ""
        self._sites: dict[str, model.Site] = {}
        self._made_subnets: set[str] = set()
        """Sites whose subnets are made here as hosts need them."""
        self._routers: list[model.Router] = []
        self._hosts: list[model.Host] = []
        self._links: list[model.Link] = []
        self._vpns: list[model.Vpn] = []
        self._shares: list[Share] = []
        self._volumes: list[Volume] = []

    def param(
        self, name: str, kind: type[T] | Callable[[str], T], default: str, help: str, *, choices: tuple[str, ...] = ()
    ) -> T:
        """Declare a parameter that ``--set`` can change, and return its value."""
        return self.parameters.declare(name, kind, default, help, choices=choices)

    def vpc(
        self, name: str, cidr: str, *, cidr6: str = "", mtu: int = presets.VPC_MTU.value, seen_as: str = ""
    ) -> SiteHandle:
        """Add a VPC. Hosts go into zones; a subnet is made for each zone that is used.

        ``seen_as``: the range as which other sites see it, where its own is somebody else's, too.
        """
        return self._add_site(model.Site(name=name, kind="vpc", cidr=cidr, cidr6=cidr6, mtu=mtu, seen_as=seen_as))

    def lan(
        self, name: str, cidr: str, *, cidr6: str = "", mtu: int = presets.DX_MTU.value, ospf: bool = False,
        seen_as: str = "",
    ) -> SiteHandle:  # fmt: skip
        """Add a LAN, on premises. With ``ospf`` its routers speak OSPF to each other; ``seen_as`` as in :meth:`vpc`."""
        site = model.Site(name=name, kind="lan", cidr=cidr, cidr6=cidr6, mtu=mtu, ospf=ospf, seen_as=seen_as)
        return self._add_site(site)

    def transit_gateway(self, name: str, *, asn: int, **options: Unpack[RouterFields]) -> str:
        """Add a transit gateway that belongs to no site: what one neighbour announces, the others learn."""
        return self._add_router(name, "transit-gateway", "", asn, options)

    def internet(self, name: str = "inet") -> str:
        """Add the Internet as a transit router between gateways. Connect them with :meth:`attach`."""
        return self._add_router(name, "internet", "", 0, {})

    def attach(self, router: str, internet: str = "inet", *, name: str = "", **options: Unpack[AttachFields]) -> str:
        """Connect a gateway to the Internet; ``a`` is the gateway. Options as in :meth:`link`."""
        return self.link(name or f"{internet}-{router}", router, internet, kind="internet", **options)

    def direct_connect(
        self, name: str, a: str, b: str, *, rate: Text | Rate | None = "1 Gbit/s", hosted: bool = False,
        bgp: model.Bgp | None = None, **options: Unpack[DirectConnectFields],
    ) -> str:  # fmt: skip
        """Add a Direct Connect: dedicated (shaped), or ``hosted`` (policed: the excess is dropped, not queued)."""
        session = bgp or self.bgp()
        return self.link(name, a, b, kind="direct-connect", rate=rate, policed=hosted, bgp=session, **options)

    def link(
        self, name: str, a: str, b: str, *, kind: str = "lan", rate: Text | Rate | None = None,
        policed: bool = False, queue: Text | Duration = model.QUEUE, mtu: int = presets.DX_MTU.value,
        bgp: model.Bgp | None = None, a_to_b: model.Impairment | None = None, b_to_a: model.Impairment | None = None,
        **both: Unpack[ImpairmentFields],
    ) -> str:  # fmt: skip
        """Add a link between routers ``a`` and ``b``, whose interfaces are called like it.

        ``a_to_b`` and ``b_to_a`` are from :meth:`impairment`; ``both`` are fields of one, such as ``delay="5 ms"``, for
        the directions that have none of their own. The others: :class:`testbed.model.Link`.
        """
        where = f"link {name}"
        usual = self.impairment(where, **both)
        if both and a_to_b is not None and b_to_a is not None:
            what = f"{', '.join(both)} for both directions, which have their own already"
            self.parameters.problems.append(Problem(where, what, "leave them out"))
        self._links.append(
            model.Link(
                name=name, kind=self._chosen(where, kind, fields.LINK_KINDS), a=a, b=b, mtu=mtu, bgp=bgp,
                a_to_b=a_to_b or usual, b_to_a=b_to_a or usual, policed=policed,
                rate=self._optional(f"{where}, rate", Rate, rate, fields.STAND_IN_RATE),
                queue=self._quantity(f"{where}, queue", Duration, queue, model.QUEUE),
            )
        )  # fmt: skip
        return name

    def vpn(
        self, name: str, a: str, b: str, *, over: str = "inet", kind: str = "ipsec",
        tunnels: int = presets.VPN_TUNNELS.value, routing: str = "bgp", bgp: model.Bgp | None = None,
        rate: Text | Rate | None = presets.VPN_RATE.value, packets_per_s: int | None = presets.VPN_PACKETS.value,
        **options: Unpack[VpnFields],
    ) -> str:  # fmt: skip
        """Add a Site-to-Site VPN of ``tunnels`` tunnels, called ``name-1``, ``name-2``, between two gateways.

        ``a`` is the provider's side; ``options``: :class:`testbed.model.Vpn`.
        """
        where = f"vpn {name}"
        way = self._chosen(where, routing, fields.VPN_ROUTINGS)
        if bgp is None and way == "bgp":
            bgp = self.bgp(hold=presets.VPN_BGP_HOLD.value, keepalive=presets.VPN_BGP_KEEPALIVE.value)
        fields.unknown(where, options, VpnFields, self.parameters.problems)
        self._vpns.append(
            model.Vpn(
                name=name, kind=self._chosen(where, kind, fields.VPN_KINDS), a=a, b=b, over=over, bgp=bgp,
                tunnels=tuple(f"{name}-{i + 1}" for i in range(tunnels)),
                routing=way, suite=options.get("suite", "aes128gcm16"),
                nat_traversal=options.get("nat_traversal", False), mtu=options.get("mtu"),
                clamp_mss=options.get("clamp_mss", True), packets_per_s=packets_per_s,
                follows_ike=options.get("follows_ike", False),
                rate=self._optional(f"{where}, rate", Rate, rate, fields.STAND_IN_RATE),
                dpd=self._optional(f"{where}, dpd", Duration, options.get("dpd")),
                ike_lifetime=self._optional(f"{where}, ike_lifetime", Duration, options.get("ike_lifetime")),
                child_lifetime=self._optional(f"{where}, child_lifetime", Duration, options.get("child_lifetime")),
            )
        )  # fmt: skip
        return name

    def nfs(self, name: str, client: str, server: str, *, kind: str = "nfs", **options: Unpack[ShareFields]) -> str:
        """Let host ``client`` mount a directory of host ``server``; ``kind`` ``efs``: as AWS tells to mount EFS.

        ``options``: :class:`testbed.stores.Share`.
        """
        self._shares.append(fields.share(name, client, server, kind, options, self.parameters.problems))
        return name

    def volume(self, name: str, host: str, kind: str, **options: Unpack[VolumeFields]) -> str:
        """Give a host a block device: of a class (``gp3``, ``io2``, ``st1``), or ``nbd`` from ``server=``.

        ``options``: :class:`testbed.stores.Volume`.
        """
        self._volumes.append(fields.volume(name, host, kind, options, self.parameters.problems))
        return name

    def build(self) -> model.Model:
        """The model of all that was declared."""
        return model.Model(
            name=self.name, about=self.about, sites=tuple(self._sites.values()), routers=tuple(self._routers),
            hosts=tuple(self._hosts), links=tuple(self._links), vpns=tuple(self._vpns),
            shares=tuple(self._shares), volumes=tuple(self._volumes), resolvers=tuple(self._resolvers),
            groups=tuple(self._groups), borders=tuple(self._borders), nat_gateways=tuple(self._nats),
            clusters=tuple(self._clusters),
        )  # fmt: skip

    def _add_site(self, site: model.Site) -> SiteHandle:
        name = site.name
        if name in self._sites:
            self.parameters.problems.append(Problem(f"site {name}", "declared twice", "give each site its own name"))
            return SiteHandle(self, name)
        # A unique local prefix (RFC 4193) in declared order; its 40 "random" bits count, so that plans are readable.
        self._sites[name] = replace(site, cidr6=site.cidr6 or f"fd00:0:{len(self._sites) + 1:x}::/48")
        self._made_subnets.add(name)
        return SiteHandle(self, name)

    def _gateway_kind(self, site: str) -> str:
        return "virtual-private-gateway" if self._sites[site].kind == "vpc" else "customer-gateway"

    def _add_subnet(self, site: str, subnet: model.Subnet) -> str:
        before = self._sites[site]
        if not before.subnets:
            self._made_subnets.discard(site)
        self._sites[site] = replace(before, subnets=(*before.subnets, subnet))
        return subnet.name

    def _add_host(self, site: str, name: str, zone: str, subnet: str, access: AccessFields) -> str:
        where = f"host {name}"
        own = {key: value for key, value in access.items() if key != "rate"}
        given = fields.impairment(where, own, self.parameters.problems) if own else None
        self._hosts.append(
            model.Host(
                name=name, site=site, subnet=self._subnet_of(where, site, zone, subnet), a_to_b=given, b_to_a=given,
                rate=self._optional(f"{where}, rate", Rate, access.get("rate"), fields.STAND_IN_RATE),
            )
        )  # fmt: skip
        return name

    def _subnet_of(self, where: str, site: str, zone: str, name: str) -> str:
        """The subnet of that name, or the first of a zone; it is made where a site declares none of its own."""
        subnets = self._sites[site].subnets
        if name:
            zones = {subnet.zone for subnet in subnets if subnet.name == name}
            if zone and zones and zone not in zones:
                what = f"subnet {name} is not in zone {zone!r}"
                self.parameters.problems.append(Problem(where, what, "give the subnet alone"))
            return name
        for subnet in subnets:
            if subnet.zone == zone:
                return subnet.name
        if subnets and site not in self._made_subnets:
            what = f"{site} has no subnet in zone {zone!r}" if zone else f"{site} has subnets: say which, or a zone"
            self.parameters.problems.append(Problem(where, what, known(zone, (s.zone or s.name for s in subnets))))
            return subnets[0].name
        made = model.Subnet(name=f"{site}-{zone}" if zone else site, cidr="", cidr6="", zone=zone)
        self._sites[site] = replace(self._sites[site], subnets=(*subnets, made))
        return made.name

    def _add_router(self, name: str, kind: str, site: str, asn: int, options: RouterFields) -> str:
        where = f"router {name}"
        fields.unknown(where, options, RouterFields, self.parameters.problems)
        self._routers.append(
            model.Router(
                name=name, kind=self._chosen(where, kind, fields.ROUTER_KINDS), site=site, asn=asn,
                daemon=self._chosen(where, options.get("daemon", "bird"), fields.DAEMONS),
                ecmp=options.get("ecmp", 1), blocks_icmp=options.get("blocks_icmp", False),
                transits=options.get("transits", kind == "transit-gateway"),
            )
        )  # fmt: skip
        return name
