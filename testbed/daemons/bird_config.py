"""What BIRD 2 is told: from a plan's routing to bird.conf. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from testbed.daemons.defaults import CONNECT_DELAY_S, CONNECT_RETRY_S, OSPF_DEAD_S, OSPF_HELLO_S, SIBLING_HANDICAP
from testbed.plan.sessions import PodRouting, Routing, Session
from testbed.units import Duration

PREFIX = "bgp-"
"""Before each session's name: quoted or not, a word of BIRD's own language (a link called ``path``) is refused."""
CONVERGED_SCAN_S = 60
"""How often BIRD re-reads the kernel's tables in case an event was lost; its default."""
OSPF_PREFERENCE = 1
"""Below every local preference: between a site's routers iBGP carries the preference; OSPF is for what iBGP lacks."""


def render(routing: Routing, log: str) -> str:
    """bird.conf of a router. Pure."""
    return "\n".join(_lines(routing, log)) + "\n"


def _lines(routing: Routing, log: str) -> Iterator[str]:
    yield f"# {routing.node}: AS {routing.asn}"
    yield f'log "{log}" all;'
    yield 'timeformat log "%Y-%m-%dT%H:%M:%S.%6f";'
    yield f"router id {routing.router_id};"
    yield "debug protocols { states, events };"
    yield ""
    yield f"protocol device {{ scan time {CONVERGED_SCAN_S}; }}"
    for family in (4, 6):
        yield from _tables(routing, family)
    yield from _bfd(routing)
    if routing.ospf:
        yield from _ospf(routing)
    for session in routing.sessions:
        yield from _session(routing, session)
    for pods in routing.pods:
        for session in pods.sessions:
            yield from _node(pods, session)


def _tables(routing: Routing, family: int) -> Iterator[str]:
    """What the router originates, its static VPN routes, and the way into the kernel."""
    mine = [prefix for prefix in routing.originate if ip_network(prefix).version == family]
    yield ""
    yield f"protocol static own{family} {{"
    yield f"  ipv{family};"
    yield from (f"  route {prefix} unreachable;" for prefix in mine)
    yield "}"
    statics = [static for static in routing.statics if ip_network(static.prefix).version == family]
    # One protocol for each interface: of two routes to one network in one protocol, only the last would count.
    for interface in dict.fromkeys(static.interface for static in statics):
        yield f"protocol static 'static{family}_{interface}' {{"
        yield f"  ipv{family};"
        for static in statics:
            if static.interface == interface:
                # BIRD compares routes of different protocols by preference; BGP routes carry theirs in _session.
                yield f'  route {static.prefix} via "{interface}" {{ preference = {static.local_pref}; }};'
        yield "}"
    multipath = f"  merge paths on limit {routing.ecmp};\n" if routing.ecmp > 1 else ""
    yield f"protocol kernel kernel{family} {{"
    yield f"{multipath}  scan time {CONVERGED_SCAN_S};"
    yield f'  ipv{family} {{ import none; export where proto != "own{family}"; }};'
    yield "}"


def _bfd(routing: Routing) -> Iterator[str]:
    detected = {s.interface: s.bfd for s in routing.sessions if s.bfd is not None}
    if not detected:
        return
    yield ""
    yield "protocol bfd {"
    for interface, bfd in detected.items():
        yield f'  interface "{interface}" {{ interval {_ms(bfd.interval)}; multiplier {bfd.multiplier}; }};'
    yield "}"


def _ospf(routing: Routing) -> Iterator[str]:
    interfaces = ", ".join(f'"{name}"' for name in routing.ospf)
    for family, version in ((4, "v2"), (6, "v3")):
        yield ""
        yield f"protocol ospf {version} ospf{family} {{"
        yield f"  ipv{family} {{"
        yield f"    preference {OSPF_PREFERENCE};"
        # Routes within the area are the site's own networks, which each router is connected to.
        yield "    import where source != RTS_OSPF;"
        # What is learned by iBGP its teller tells by OSPF itself: told again, it would point back at who lost it.
        mine = [PREFIX + session.name for session in routing.sessions if session.internal and session.family == family]
        hidden = " && ".join(f'proto != "{name}"' for name in (f"own{family}", *mine))
        yield f"    export where source ~ [ RTS_BGP, RTS_STATIC ] && {hidden};"
        yield "  };"
        yield f"  area 0 {{ interface {interfaces} {{ hello {OSPF_HELLO_S}; dead {OSPF_DEAD_S}; }}; }};"
        yield "}"


def _session(routing: Routing, session: Session) -> Iterator[str]:
    internal = session.internal
    own = f"own{session.family}"
    yield ""
    yield f"protocol bgp '{PREFIX}{session.name}' {{"
    yield from _peers(session)
    if internal:
        # Otherwise iBGP is multihop, and next hops would be looked up in a table that has no connected networks.
        yield "  direct;"
    yield from _timers(session)
    if session.bfd is not None:
        yield "  bfd on;"
    yield f"  ipv{session.family} {{"
    if session.prefix_limit is not None:
        yield f"    import limit {session.prefix_limit} action disable;"
    # The same number as preference, so that routes of other protocols compare with it.
    if internal:
        yield "    next hop self;"
        yield "    import filter { preference = bgp_local_pref; accept; };"
        yield "    export filter {"
        yield "      if source = RTS_BGP && bgp_path.len > 0 then accept;"
        yield f'      if source = RTS_STATIC && proto != "{own}" then {{'
        yield f"        bgp_local_pref = preference - {SIBLING_HANDICAP};"
        yield "        accept;"
        yield "      }"
        yield "      reject;"
        yield "    };"
    else:
        preference = session.local_pref
        yield f"    import filter {{ bgp_local_pref = {preference}; preference = {preference}; accept; }};"
        # A site is not a transit for others unless it is meant to be: only what it originates goes out.
        hidden = "source !~ [ RTS_BGP, RTS_STATIC ]" if routing.transits else _foreign(routing, session.family)
        yield f"    export filter {{ if {hidden} then reject;{_attributes(session)} accept; }};"
    yield "  };"
    yield "}"


def _foreign(routing: Routing, family: int) -> str:
    """What is neither the site's own range nor told by its own nodes of their pods."""
    words = [f'proto != "own{family}"']
    words += [
        f"!(source = RTS_BGP && {_within(pods)} && bgp_path ~ [= {pods.asn} =])" for pods in routing.pods if family == 4
    ]
    return " && ".join(words)


def _within(pods: PodRouting) -> str:
    return f"net ~ [ {pods.prefix}+ ]"


def _node(pods: PodRouting, session: Session) -> Iterator[str]:
    """With a Kubernetes node, which calls when it is up. Both sides tell of pods and of nothing else."""
    preference = session.local_pref
    refused = f"if !({_within(pods)}) then reject;"
    yield ""
    yield f"protocol bgp '{PREFIX}{session.name}' {{"
    yield from _peers(session)
    yield "  passive yes;"
    yield from _timers(session)
    yield f"  ipv{session.family} {{"
    yield f"    import filter {{ {refused} bgp_local_pref = {preference}; preference = {preference}; accept; }};"
    yield f"    export filter {{ {refused} accept; }};"
    yield "  };"
    yield "}"


def _peers(session: Session) -> Iterator[str]:
    yield f"  local {session.local} as {session.local_as};"
    yield f"  neighbor {session.peer} as {session.peer_as};"


def _timers(session: Session) -> Iterator[str]:
    yield f"  hold time {_s(session.hold)}; keepalive time {_s(session.keepalive)};"
    yield f"  connect delay time {CONNECT_DELAY_S}; connect retry time {CONNECT_RETRY_S}; error wait time 1, 5;"
    yield "  check link yes; graceful restart off;"


def _attributes(session: Session) -> str:
    words = [f" bgp_med = {session.med};"] if session.med is not None else []
    words += [f" bgp_path.prepend({session.local_as});"] * session.prepend
    words += [f" bgp_community.add(({asn}, {value}));" for asn, value in session.communities]
    return "".join(words)


def _s(value: Duration) -> str:
    return f"{value // 10**9}"


def _ms(value: Duration) -> str:
    return f"{value // 10**6} ms" if value % 10**6 == 0 else f"{value // 10**3} us"
