"""What FRR's daemons are told: from a plan's routing to their files. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from testbed import presets
from testbed.daemons.defaults import CONNECT_RETRY_S, OSPF_DEAD_S, OSPF_HELLO_S, SIBLING_HANDICAP
from testbed.plan.sessions import PodRouting, Routing, Session
from testbed.units import Duration

FIRST_DISTANCE = 20
"""Distance of the most preferred routes; FRR's own for eBGP. Less preferred ones follow, two numbers for each."""
IBGP_DISTANCE, OSPF_DISTANCE = 200, 210
"""FRR's own for iBGP: here of siblings' routes whose preference this router knows nothing of. OSPF comes last, since
iBGP carries the preference and OSPF is for what iBGP lacks."""
EBGP_TAG = 1
"""Marks what came from outside, which is what OSPF passes on; arbitrary."""
FAMILIES = ((4, "ip", "ipv4"), (6, "ipv6", "ipv6"))


def render(routing: Routing, folder: str) -> dict[str, str]:
    """File name to text for each daemon that is needed, in the order to start them; ``folder`` is prefixed to logs."""
    files = {"zebra": _zebra()}
    if any(session.bfd for session in routing.sessions):
        files["bfdd"] = _bfdd(routing)
    if routing.statics:
        files["staticd"] = _staticd(routing)
    if routing.ospf:
        files["ospfd"] = _ospf(routing, "ip", "ospf")
        files["ospf6d"] = _ospf(routing, "ipv6", "ospf6")
    if routing.sessions or routing.pods:
        files["bgpd"] = _bgpd(routing)
    return {f"{name}.conf": "\n".join([*_head(routing, name, folder), *lines]) + "\n" for name, lines in files.items()}


def _head(routing: Routing, daemon: str, folder: str) -> Iterator[str]:
    yield f"! {routing.node}: AS {routing.asn}"
    yield f"hostname {routing.node}"
    # bfdd tells its sessions' states only when debugging; the others' debugging is noise.
    yield f"log file {folder}{daemon}.log {'debugging' if daemon == 'bfdd' else 'informational'}"
    yield "log timestamp precision 6"


def distances(routing: Routing) -> dict[int, int]:
    """Local preference to distance, such that the order between protocols is that of the preferences.

    Only known preferences have one: this router's, and the presets, which its siblings' routes are likely to carry.
    A sibling's route has the distance after that, so that a router's own comes first where both are preferred alike.
    """
    usual = (presets.LOCAL_PREF_DX, presets.LOCAL_PREF_VPN_STATIC, presets.LOCAL_PREF_VPN_BGP)
    sessions = (*routing.sessions, *routing.node_sessions)
    external = {s.local_pref for s in sessions if s.local_as != s.peer_as} | {p.value for p in usual}
    own = {static.local_pref for static in routing.statics}
    passed_on = {presets.LOCAL_PREF_VPN_STATIC.value - SIBLING_HANDICAP}
    known = sorted(external | own | passed_on, reverse=True)
    return {preference: FIRST_DISTANCE + 2 * rank for rank, preference in enumerate(known)}


def _zebra() -> Iterator[str]:
    # With next hop objects of the kernel's, routes in the kernel would not say where they lead.
    yield "no zebra nexthop kernel enable"


def _bfdd(routing: Routing) -> Iterator[str]:
    yield "debug bfd peer"
    yield "bfd"
    for session in routing.sessions:
        if session.bfd is not None:
            yield f" profile {session.name}"
            yield f"  detect-multiplier {session.bfd.multiplier}"
            yield f"  receive-interval {_ms(session.bfd.interval)}"
            yield f"  transmit-interval {_ms(session.bfd.interval)}"
            yield " exit"
    yield "exit"


def _staticd(routing: Routing) -> Iterator[str]:
    distance = distances(routing)
    for static in routing.statics:
        word = "ip" if ip_network(static.prefix).version == 4 else "ipv6"
        yield f"{word} route {static.prefix} {static.interface} {distance[static.local_pref]}"


def _ospf(routing: Routing, address: str, protocol: str) -> Iterator[str]:
    """Of one version; ``address`` and ``protocol`` are FRR's words for its family and for itself."""
    yield from _only_external()
    for name in routing.ospf:
        yield f"interface {name}"
        yield f" {address} {protocol} area 0"
        yield f" {address} {protocol} hello-interval {OSPF_HELLO_S}"
        yield f" {address} {protocol} dead-interval {OSPF_DEAD_S}"
        yield "exit"
    yield f"router {protocol}"
    yield f" {protocol} router-id {routing.router_id}"
    yield " log-adjacency-changes detail"
    yield f" distance {OSPF_DISTANCE}"
    yield " redistribute bgp route-map external"
    yield " redistribute static"
    yield "exit"


def _only_external() -> Iterator[str]:
    yield "route-map external permit 10"
    yield f" match tag {EBGP_TAG}"
    yield "exit"


def _bgpd(routing: Routing) -> Iterator[str]:
    # Policies come first: one that is named before it exists denies everything until it is looked at again.
    yield "bgp route-map delay-timer 0"
    for version, word, _ in FAMILIES:
        for prefix in (p for p in routing.originate if ip_network(p).version == version):
            yield f"{word} prefix-list own{version} permit {prefix}"
    yield from _statics_to_siblings(routing)
    for session in routing.sessions:
        yield from _policies(session, routing)
    yield from _pods(routing)
    yield f"router bgp {routing.asn}"
    yield f" bgp router-id {routing.router_id}"
    yield " bgp log-neighbor-changes"
    # Each session has policies of its own.
    yield " no bgp ebgp-requires-policy"
    yield " no bgp default ipv4-unicast"
    # What a site originates is announced whether or not it is in the kernel: it is the site's range, not one route.
    yield " no bgp network import-check"
    yield " bgp graceful-restart-disable"
    for session in routing.sessions:
        yield from _neighbor(session)
    for session in routing.node_sessions:
        yield from _neighbor(session)
        yield f" neighbor {session.peer} passive"  # a node calls when it is up
    for version, _, word in FAMILIES:
        yield from _family(routing, version, word)
    yield "exit"


def _neighbor(session: Session) -> Iterator[str]:
    peer = f" neighbor {session.peer}"
    yield f"{peer} remote-as {session.peer_as}"
    yield f"{peer} description {session.name}"
    yield f"{peer} update-source {session.local}"
    yield f"{peer} timers {_s(session.keepalive)} {_s(session.hold)}"
    yield f"{peer} timers connect {CONNECT_RETRY_S}"
    if session.bfd is not None:
        yield f"{peer} bfd"
        yield f"{peer} bfd profile {session.name}"


def _family(routing: Routing, version: int, word: str) -> Iterator[str]:
    sessions = [s for s in (*routing.sessions, *routing.node_sessions) if s.family == version]
    yield f" address-family {word} unicast"
    yield from (f"  network {prefix}" for prefix in routing.originate if ip_network(prefix).version == version)
    if _passes_on(routing) and _static_preference(routing, version) is not None:
        yield f"  redistribute static route-map static{version}"
    yield f"  distance bgp {FIRST_DISTANCE} {IBGP_DISTANCE} {IBGP_DISTANCE}"
    yield f"  maximum-paths {routing.ecmp}"
    for session in sessions:
        peer = f"  neighbor {session.peer}"
        yield f"{peer} activate"
        yield f"{peer} route-map {session.name}-in in"
        yield f"{peer} route-map {session.name}-out out"
        if session.prefix_limit is not None:
            yield f"{peer} maximum-prefix {session.prefix_limit}"
        if session.internal:
            yield f"{peer} next-hop-self"
    yield " exit-address-family"


def _passes_on(routing: Routing) -> bool:
    """True when static VPN routes are for others, too: siblings, or a transit's neighbours."""
    return routing.transits or any(session.internal for session in routing.sessions)


def _static_preference(routing: Routing, version: int) -> int | None:
    """Of the static VPN routes of a family, the highest preference."""
    return max((s.local_pref for s in routing.statics if ip_network(s.prefix).version == version), default=None)


def _statics_to_siblings(routing: Routing) -> Iterator[str]:
    """Static VPN routes go to the site's other routers with their preference, and without the weight of own routes."""
    if not _passes_on(routing):
        return
    for version, _, _ in FAMILIES:
        preference = _static_preference(routing, version)
        if preference is not None:
            yield f"route-map static{version} permit 10"
            yield f" set local-preference {preference - SIBLING_HANDICAP}"
            yield " set weight 0"
            yield "exit"


def _pods(routing: Routing) -> Iterator[str]:
    """Both sides of a session with a Kubernetes node tell of pods and of nothing else."""
    distance = distances(routing)
    for pods in routing.pods:
        yield f"ip prefix-list {_pod_list(pods)} permit {pods.prefix} le 32"
        yield f"bgp as-path access-list pods{pods.asn} permit ^{pods.asn}$"
        for session in pods.sessions:
            yield f"route-map {session.name}-in permit 10"
            yield f" match ip address prefix-list {_pod_list(pods)}"
            yield f" set local-preference {session.local_pref}"
            yield f" set distance {distance[session.local_pref]}"
            yield f" set tag {EBGP_TAG}"
            yield "exit"
            yield f"route-map {session.name}-out permit 10"
            yield f" match ip address prefix-list {_pod_list(pods)}"
            yield "exit"


def _pod_list(pods: PodRouting) -> str:
    """Clusters may be in the same AS, and have ranges of their own."""
    return f"pods-{pods.prefix.replace('/', '-')}"


def _policies(session: Session, routing: Routing) -> Iterator[str]:
    distance = distances(routing)
    word = "ip" if session.family == 4 else "ipv6"
    own = f" match {word} address prefix-list own{session.family}"
    if session.internal:
        for number, (preference, value) in enumerate(distance.items(), start=1):
            yield f"route-map {session.name}-in permit {number}"
            yield f" match local-preference {preference}"
            yield f" set distance {value + 1}"
            yield "exit"
        yield f"route-map {session.name}-in permit {len(distance) + 1}"
        yield "exit"
        # Siblings originate the same range themselves.
        yield f"route-map {session.name}-out deny 10"
        yield own
        yield "exit"
        yield f"route-map {session.name}-out permit 20"
        yield "exit"
        return
    yield f"route-map {session.name}-in permit 10"
    yield f" set local-preference {session.local_pref}"
    yield f" set distance {distance[session.local_pref]}"
    yield f" set tag {EBGP_TAG}"
    yield "exit"
    # A site is not a transit for others unless it is meant to be: only what it originates goes out, and where its own
    # nodes' pods are.
    going = [[] if routing.transits else [own]]
    if session.family == 4 and not routing.transits:
        going += [
            [f" match ip address prefix-list {_pod_list(p)}", f" match as-path pods{p.asn}"] for p in routing.pods
        ]
    for number, matches in enumerate(going, start=1):
        yield f"route-map {session.name}-out permit {10 * number}"
        yield from matches
        yield from _attributes(session)
        yield "exit"


def _attributes(session: Session) -> Iterator[str]:
    if session.med is not None:
        yield f" set metric {session.med}"
    if session.prepend:
        yield f" set as-path prepend {' '.join([str(session.local_as)] * session.prepend)}"
    if session.communities:
        yield f" set community {' '.join(f'{asn}:{value}' for asn, value in session.communities)} additive"


def _s(value: Duration) -> int:
    return value // 10**9


def _ms(value: Duration) -> int:
    """Whole milliseconds, rounded up: FRR counts no finer."""
    return -(-value // 10**6)
