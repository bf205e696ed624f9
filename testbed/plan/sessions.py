"""What routers tell each other, as values: sessions, what goes over them, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from testbed.model import Bfd
from testbed.units import Duration


@dataclass(frozen=True, kw_only=True)
class Session:
    """One BGP session as one router sees it."""

    name: str
    interface: str
    local: str
    peer: str
    local_as: int
    peer_as: int
    hold: Duration
    keepalive: Duration
    local_pref: int
    bfd: Bfd | None = None
    med: int | None = None
    prepend: int = 0
    communities: tuple[tuple[int, int], ...] = ()
    prefix_limit: int | None = None

    @property
    def family(self) -> Literal[4, 6]:
        """Address family of the session and of the routes it carries."""
        return 6 if ":" in self.peer else 4

    @property
    def internal(self) -> bool:
        """True for iBGP: both ends are of one AS."""
        return self.local_as == self.peer_as


@dataclass(frozen=True, kw_only=True)
class StaticVpnRoute:
    """A route into a tunnel that the routing daemon holds with a preference, as a gateway's static VPN route."""

    prefix: str
    interface: str
    local_pref: int


@dataclass(frozen=True, kw_only=True)
class PodRouting:
    """What a router has to do with pods whose nodes speak BGP: where each node's pods are, it learns when that is up.

    Attributes:
        prefix: the range that all of them have their addresses of.
        asn: of the nodes.
        sessions: with nodes of the router's own site; their routes go to its neighbours.
    """

    prefix: str
    asn: int
    sessions: tuple[Session, ...]


@dataclass(frozen=True, kw_only=True)
class Routing:
    """Everything a router's routing daemon is told."""

    node: str
    daemon: Literal["bird", "frr"]
    router_id: str
    asn: int
    originate: tuple[str, ...]
    sessions: tuple[Session, ...]
    statics: tuple[StaticVpnRoute, ...] = ()
    ospf: tuple[str, ...] = ()
    """Interfaces that speak OSPF."""
    ecmp: int = 1
    transits: bool = False
    """What was learned from one neighbour is announced to the others, too."""
    pods: tuple[PodRouting, ...] = ()

    @property
    def node_sessions(self) -> tuple[Session, ...]:
        """With nodes of clusters: up when their cluster is."""
        return tuple(session for pods in self.pods for session in pods.sessions)


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What a router must know while nothing is broken: ``prefix`` through ``paths`` of the interfaces ``best``.

    ``via`` are all interfaces over which it is told of the prefix. ``paths`` is 1, or more with ECMP.
    """

    node: str
    prefix: str
    via: tuple[str, ...]
    best: tuple[str, ...]
    paths: int = 1
