"""What each routing daemon is told: sessions over links and tunnels, static VPN routes, and iBGP within a site."""

from __future__ import annotations

from dataclasses import replace

from testbed import presets
from testbed.model import Bgp, Link, Router, Vpn
from testbed.plan import addresses, sizes
from testbed.plan.draft import Draft
from testbed.plan.plan import End, PlannedTunnel
from testbed.plan.sessions import Routing, Session, StaticVpnRoute
from testbed.units import Duration

FIRST_MED, MED_STEP = 100, 100
"""What a provider attaches to its first tunnel, and how much more to each further one; only the order counts."""


USUAL_PREF = 100
"""Of a session over a plain link: what BGP gives to routes unless told otherwise, in BIRD and FRR alike."""


def add_link(draft: Draft, link: Link, a: End, b: End) -> None:
    """The sessions over a link."""
    if link.bgp is not None:
        usual = presets.LOCAL_PREF_DX.value if link.kind == "direct-connect" else USUAL_PREF
        _add_sessions(draft, link.name, a, b, link.bgp, usual)


def _add_sessions(draft: Draft, name: str, a: End, b: End, bgp: Bgp, usual_pref: int) -> None:
    """A session in each family between the ends of a link or tunnel, as both routers see it."""
    preference = usual_pref if bgp.local_pref is None else bgp.local_pref
    for side, (here, there) in enumerate(((a, b), (b, a))):
        for local, peer in ((here.address, there.address), (here.address6, there.address6)):
            session = Session(
                name=f"{name}{'_6' if ':' in peer else ''}", interface=here.interface, local=local, peer=peer,
                local_as=draft.routers[here.node].asn, peer_as=draft.routers[there.node].asn, hold=bgp.hold,
                keepalive=bgp.keepalive, local_pref=preference, bfd=bgp.bfd, med=bgp.med[side],
                prepend=bgp.prepend[side], communities=bgp.communities, prefix_limit=bgp.prefix_limit,
            )  # fmt: skip
            draft.sessions.setdefault(here.node, []).append(session)


def add_tunnel(draft: Draft, vpn: Vpn, position: int, tunnel: PlannedTunnel) -> None:
    """Sessions through a tunnel, or, for a static VPN, routes into it at both ends."""
    if vpn.bgp is not None:
        steered = _steered(draft, vpn, vpn.bgp, position)
        _add_sessions(draft, tunnel.name, tunnel.a, tunnel.b, steered, presets.LOCAL_PREF_VPN_BGP.value)
        return
    preference = presets.LOCAL_PREF_VPN_STATIC.value - position
    for here, there in ((tunnel.a, tunnel.b), (tunnel.b, tunnel.a)):
        for prefix in draft.originated(there.node):
            route = StaticVpnRoute(prefix=prefix, interface=here.interface, local_pref=preference)
            draft.statics.setdefault(here.node, []).append(route)


def _steered(draft: Draft, vpn: Vpn, bgp: Bgp, position: int) -> Bgp:
    """The provider steers with MED to one tunnel (VPN user guide, routing); equal ones only under ECMP."""
    if bgp.med != (None, None) or draft.routers[vpn.a].ecmp > 1:
        return bgp
    med = FIRST_MED + MED_STEP * position
    return replace(bgp, med=(med, med))


def routing_of(draft: Draft, router: Router) -> Routing:
    """Everything that a router's daemon is told."""
    site = draft.sites.get(router.site)
    sessions = [*draft.sessions.get(router.name, ()), *_internal_sessions(draft, router)]
    lans = tuple(cable.interface for cable in draft.cables if cable.node == router.name and cable.bridge)
    return Routing(
        node=router.name, daemon=router.daemon, asn=router.asn, ecmp=router.ecmp, sessions=tuple(sessions),
        router_id=addresses.router_id(1 + draft.model.routers.index(router)),
        originate=draft.originated(router.name), statics=tuple(draft.statics.get(router.name, ())),
        ospf=lans if site is not None and site.ospf else (), transits=router.transits,
        pods=tuple(draft.pods.get(router.name, ())),
    )  # fmt: skip


def _internal_sessions(draft: Draft, router: Router) -> list[Session]:
    """IBGP between the routers of one site, over its first subnet."""
    site = draft.sites.get(router.site)
    siblings = draft.siblings(router)
    if site is None or len(siblings) == 1:
        return []
    mine = addresses.router_address(site.subnets[0], siblings.index(router))
    return [
        Session(
            name=f"ibgp_{sibling.name}{'_6' if ':' in peer else ''}".replace("-", "_"), interface="lan0", local=local,
            peer=peer, local_as=router.asn, peer_as=sibling.asn, hold=sizes.IBGP_HOLD,
            keepalive=Duration(sizes.IBGP_HOLD // 3), local_pref=100,
        )
        for number, sibling in enumerate(siblings)
        if sibling is not router
        for local, peer in zip(mine, addresses.router_address(site.subnets[0], number), strict=True)
    ]  # fmt: skip
