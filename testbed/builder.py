"""The builder: what a topology file talks to.

A topology file defines one function::

    from testbed import Topology

    def topology(t: Topology) -> None:
        aws = t.vpc("aws", "10.0.0.0/16")
        ...

Every call takes quantities as text with a unit (``"5 ms"``, ``"1 Gbit/s"``) and returns a small handle to refer to what
was made. Nothing is checked here but the text of quantities: :mod:`testbed.plan.validate` looks at the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from testbed import model, presets
from testbed.errors import Problem
from testbed.parameters import Parameters
from testbed.units import Duration, Quantity, Rate, Ratio, UnitError

T = TypeVar("T")
Text = str
"""A quantity as text, such as ``"20 ms"``."""


@dataclass(frozen=True)
class SiteHandle:
    """A site of the topology being built."""

    _t: Topology
    name: str

    def subnet(self, name: str, cidr: str = "", *, cidr6: str = "", zone: str = "") -> str:
        """Add a subnet; without ``cidr`` the next /24 (and /64) of the site. Returns its name."""
        return self._t._subnet(self.name, name, cidr, cidr6, zone)

    def host(self, name: str, *, zone: str = "", subnet: str = "", **access: Any) -> str:  # noqa: ANN401
        """Add a host in a zone or subnet; ``access`` are impairments of its own link, as in :func:`Topology.link`."""
        return self._t._host(self.name, name, zone, subnet, access)

    def hosts(self, prefix: str, count: int, *, zone: str = "", subnet: str = "", **access: Any) -> tuple[str, ...]:  # noqa: ANN401
        """Add ``count`` hosts named ``prefix1``, ``prefix2`` and so on."""
        return tuple(self.host(f"{prefix}{i}", zone=zone, subnet=subnet, **access) for i in range(1, count + 1))

    def router(self, name: str, *, asn: int, kind: model.RouterKind | None = None, **options: Any) -> str:  # noqa: ANN401
        """Add a router; the first one of a site is its hosts' gateway. ``options``: see :class:`testbed.model.Router`."""
        default: model.RouterKind = "virtual-private-gateway" if self._t._site_kind(self.name) == "vpc" else "customer-gateway"
        return self._t._add_router(model.Router(name=name, kind=kind or default, site=self.name, asn=asn, **options))


class Topology:
    """Collects what a topology file declares."""

    def __init__(self, name: str, parameters: Parameters | None = None) -> None:
        self.name = name
        self.about = ""
        self.parameters = parameters or Parameters()
        self._sites: dict[str, model.Site] = {}
        self._routers: list[model.Router] = []
        self._hosts: list[model.Host] = []
        self._links: list[model.Link] = []
        self._vpns: list[model.Vpn] = []

    def param(self, name: str, kind: type[T] | Callable[[str], T], default: str, help: str, *, choices: tuple[str, ...] = ()) -> T:
        """Declare a parameter that ``--set`` can change, and return its value."""
        return self.parameters.declare(name, kind, default, help, choices=choices)

    def vpc(self, name: str, cidr: str, *, cidr6: str = "", mtu: int = presets.VPC_MTU.value) -> SiteHandle:
        """Add a VPC. Hosts go into zones; a subnet is made for each zone that is used."""
        return self._site(name, "vpc", cidr, cidr6, mtu, ospf=False)

    def lan(self, name: str, cidr: str, *, cidr6: str = "", mtu: int = presets.DX_MTU.value, ospf: bool = False) -> SiteHandle:
        """Add a LAN, on premises. With ``ospf`` its routers speak OSPF to each other."""
        return self._site(name, "lan", cidr, cidr6, mtu, ospf=ospf)

    def internet(self, name: str = "inet") -> str:
        """Add the Internet as a transit router between sites. Attach gateways to it with :meth:`attach`."""
        return self._add_router(model.Router(name=name, kind="internet"))

    def attach(self, router: str, internet: str = "inet", *, name: str = "", **options: Any) -> str:  # noqa: ANN401
        """Connect a gateway to the Internet; ``a`` is the gateway. Options as in :meth:`link`."""
        return self.link(name or f"{internet}-{router}", router, internet, kind="internet", **options)

    def direct_connect(
        self,
        name: str,
        a: str,
        b: str,
        *,
        rate: Text | Rate = "1 Gbit/s",
        hosted: bool = False,
        bgp: model.Bgp | None = None,
        **options: Any,  # noqa: ANN401
    ) -> str:
        """Add a Direct Connect: dedicated (shaped), or ``hosted`` (policed: the excess is dropped, not queued)."""
        session = bgp or self.bgp(local_pref=presets.LOCAL_PREF_DX.value)
        return self.link(name, a, b, kind="direct-connect", rate=rate, policed=hosted, bgp=session, **options)

    def link(
        self,
        name: str,
        a: str,
        b: str,
        *,
        kind: model.LinkKind = "lan",
        rate: Text | Rate | None = None,
        policed: bool = False,
        queue: Text | Duration = "50 ms",
        mtu: int = presets.DX_MTU.value,
        bgp: model.Bgp | None = None,
        a_to_b: model.Impairment | None = None,
        b_to_a: model.Impairment | None = None,
        **both: Any,  # noqa: ANN401
    ) -> str:
        """Add a link. ``both`` are fields of :class:`testbed.model.Impairment` for both directions (``delay="5 ms"``)."""
        where = f"link {name}"
        impairment = self.impairment(where, **both)
        self._links.append(
            model.Link(
                name=name, kind=kind, a=a, b=b, mtu=mtu, policed=policed, bgp=bgp,
                rate=None if rate is None else self._quantity(where, Rate, rate),
                queue=self._quantity(where, Duration, queue),
                a_to_b=a_to_b or impairment,
                b_to_a=b_to_a or impairment,
            )
        )  # fmt: skip
        return name

    def vpn(
        self,
        name: str,
        a: str,
        b: str,
        *,
        over: str = "inet",
        kind: model.VpnKind = "ipsec",
        tunnels: int = 2,
        routing: model.VpnRouting = "bgp",
        bgp: model.Bgp | None = None,
        rate: Text | Rate | None = presets.VPN_RATE.value,
        packets_per_s: int | None = presets.VPN_PACKETS.value,
        dpd: Text | Duration = presets.VPN_DPD.value,
        **options: Any,  # noqa: ANN401
    ) -> str:
        """Add a Site-to-Site VPN of ``tunnels`` tunnels, called ``name-1``, ``name-2``. Options: :class:`testbed.model.Vpn`."""
        where = f"vpn {name}"
        self._vpns.append(
            model.Vpn(
                name=name, kind=kind, a=a, b=b, over=over, routing=routing, packets_per_s=packets_per_s,
                tunnels=tuple(f"{name}-{i}" for i in range(1, tunnels + 1)),
                bgp=bgp or self.bgp(hold=presets.VPN_BGP_HOLD.value, keepalive=presets.VPN_BGP_KEEPALIVE.value, local_pref=presets.LOCAL_PREF_VPN_BGP.value),
                rate=None if rate is None else self._quantity(where, Rate, rate),
                dpd=self._quantity(where, Duration, dpd),
                **options,
            )
        )  # fmt: skip
        return name

    def bgp(
        self,
        *,
        hold: Text | Duration = presets.DX_BGP_HOLD.value,
        keepalive: Text | Duration | None = None,
        bfd: Text | Duration | None = None,
        bfd_multiplier: int = presets.DX_BFD_MULTIPLIER.value,
        local_pref: int = 100,
        **options: Any,  # noqa: ANN401
    ) -> model.Bgp:
        """BGP options for a link or VPN. ``keepalive`` defaults to a third of ``hold``; ``bfd`` is its interval."""
        held = self._quantity("bgp hold", Duration, hold)
        kept = Duration(held // 3) if keepalive is None else self._quantity("bgp keepalive", Duration, keepalive)
        detection = None
        if bfd is not None:
            detection = model.Bfd(interval=self._quantity("bfd", Duration, bfd), multiplier=bfd_multiplier)
        return model.Bgp(hold=held, keepalive=kept, bfd=detection, local_pref=local_pref, **options)

    def impairment(self, where: str = "impairment", **fields: Any) -> model.Impairment:  # noqa: ANN401
        """An impairment from fields given as text: ``impairment(delay="5 ms", loss="0.1 %")``."""
        return impairment(where, fields, self.parameters.problems)

    def build(self) -> model.Model:
        """The model of all that was declared."""
        return model.Model(
            name=self.name, about=self.about, sites=tuple(self._sites.values()), routers=tuple(self._routers),
            hosts=tuple(self._hosts), links=tuple(self._links), vpns=tuple(self._vpns),
        )  # fmt: skip

    def _site(self, name: str, kind: model.SiteKind, cidr: str, cidr6: str, mtu: int, *, ospf: bool) -> SiteHandle:
        if name in self._sites:
            self.parameters.problems.append(Problem(f"site {name}", "declared twice", "give each site its own name"))
        # A unique local prefix (RFC 4193) in declared order; its 40 "random" bits count, so that plans are readable.
        cidr6 = cidr6 or f"fd00:0:{len(self._sites) + 1:x}::/48"
        self._sites[name] = model.Site(name=name, kind=kind, cidr=cidr, cidr6=cidr6, mtu=mtu, ospf=ospf)
        return SiteHandle(self, name)

    def _site_kind(self, name: str) -> model.SiteKind:
        return self._sites[name].kind

    def _subnet(self, site: str, name: str, cidr: str, cidr6: str, zone: str) -> str:
        known = self._sites[site]
        subnet = model.Subnet(name=name, cidr=cidr, cidr6=cidr6, zone=zone)
        self._sites[site] = replace(known, subnets=(*known.subnets, subnet))
        return name

    def _host(self, site: str, name: str, zone: str, subnet: str, access: dict[str, Any]) -> str:
        subnets = self._sites[site].subnets
        if not subnet:
            match = [s.name for s in subnets if s.zone == zone]
            subnet = match[0] if match else self._subnet(site, f"{site}-{zone}" if zone else site, "", "", zone)
        rate = access.pop("rate", None)
        given = self.impairment(f"host {name}", **access) if access else None
        self._hosts.append(
            model.Host(
                name=name, site=site, subnet=subnet, a_to_b=given, b_to_a=given,
                rate=None if rate is None else self._quantity(f"host {name}", Rate, rate),
            )
        )  # fmt: skip
        return name

    def _add_router(self, router: model.Router) -> str:
        self._routers.append(router)
        return router.name

    def _quantity(self, where: str, kind: type[Q], value: Text | Q) -> Q:
        return quantity(where, kind, value, self.parameters.problems)


Q = TypeVar("Q", bound=Quantity)


def quantity(where: str, kind: type[Q], value: Text | Q, problems: list[Problem]) -> Q:
    """Read a quantity; a bad one is noted in ``problems`` and stands as the smallest, so that building can go on."""
    try:
        return kind.parse(value)
    except UnitError as error:
        problems.append(Problem(where, str(error), f"for example {kind.example!r}"))
        return kind(kind.smallest)


_DURATIONS = ("delay", "jitter")
_RATIOS = (
    "delay_correlation", "loss", "loss_correlation", "duplicate", "duplicate_correlation", "corrupt",
    "corrupt_correlation", "reorder", "reorder_correlation",
)  # fmt: skip


def impairment(where: str, fields: dict[str, Any], problems: list[Problem]) -> model.Impairment:
    """An impairment from fields given as text. Problems are noted, not raised."""
    known = set(model.Impairment.__dataclass_fields__)
    problems += [
        Problem(where, f"no such impairment: {name}", f"known: {', '.join(sorted(known))}")
        for name in sorted(set(fields) - known)
    ]
    read: dict[str, Any] = {name: value for name, value in fields.items() if name in known}
    for name in set(_DURATIONS) & set(read):
        read[name] = quantity(f"{where}, {name}", Duration, read[name], problems)
    for name in set(_RATIOS) & set(read):
        if not isinstance(read[name], (model.GilbertElliott, model.FourState)):
            read[name] = quantity(f"{where}, {name}", Ratio, read[name], problems)
    return model.Impairment(**read)
