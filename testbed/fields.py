"""What the builder's calls take by keyword, as text, and how it becomes a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypedDict, TypeVar, get_args

from testbed import presets
from testbed.errors import Problem, known
from testbed.model import (
    Distribution,
    FourState,
    GilbertElliott,
    Impairment,
    LinkKind,
    RouterKind,
    RoutingDaemon,
    Slot,
    VpnKind,
    VpnRouting,
)
from testbed.nat import ANYWHERE, NatGateway
from testbed.resolvers import TOP_DOMAIN, Resolver
from testbed.stores import NfsVersion, Share, ShareKind, Volume, VolumeKind, WhenLost
from testbed.units import Duration, Quantity, Rate, Ratio, Size, UnitError

Q = TypeVar("Q", bound=Quantity)
D = TypeVar("D")
W = TypeVar("W", bound=str)
Text = str
"""A quantity as text, such as ``"20 ms"``."""
STAND_IN_RATE = Rate(10**9)
"""Stands for a rate that could not be read; any valid one would do."""
DISTRIBUTIONS: tuple[Distribution, ...] = get_args(Distribution)
LINK_KINDS: tuple[LinkKind, ...] = get_args(LinkKind)
ROUTER_KINDS: tuple[RouterKind, ...] = get_args(RouterKind)
DAEMONS: tuple[RoutingDaemon, ...] = get_args(RoutingDaemon)
VPN_KINDS: tuple[VpnKind, ...] = get_args(VpnKind)
VPN_ROUTINGS: tuple[VpnRouting, ...] = get_args(VpnRouting)
SHARE_KINDS: tuple[ShareKind, ...] = get_args(ShareKind)
NFS_VERSIONS: tuple[NfsVersion, ...] = get_args(NfsVersion)
VOLUME_KINDS: tuple[VolumeKind, ...] = get_args(VolumeKind)
WHEN_LOST: tuple[WhenLost, ...] = get_args(WhenLost)


class ImpairmentFields(TypedDict, total=False):
    """Fields of :class:`testbed.model.Impairment`."""

    delay: Text | Duration
    jitter: Text | Duration
    distribution: str
    table: Sequence[Text | Duration]
    ordered: bool
    delay_correlation: Text | Ratio
    loss: Text | Ratio | GilbertElliott | FourState
    loss_correlation: Text | Ratio
    duplicate: Text | Ratio
    duplicate_correlation: Text | Ratio
    corrupt: Text | Ratio
    corrupt_correlation: Text | Ratio
    reorder: Text | Ratio
    reorder_correlation: Text | Ratio
    reorder_gap: int
    slot: Slot | None


class AccessFields(ImpairmentFields, total=False):
    """A host's own link."""

    rate: Text | Rate | None


class DirectConnectFields(ImpairmentFields, total=False):
    """What a Direct Connect takes besides its own arguments."""

    queue: Text | Duration
    mtu: int
    a_to_b: Impairment | None
    b_to_a: Impairment | None


class AttachFields(DirectConnectFields, total=False):
    """What the link to the Internet takes."""

    rate: Text | Rate | None
    policed: bool


class RouterFields(TypedDict, total=False):
    """Fields of :class:`testbed.model.Router`."""

    daemon: str
    ecmp: int
    blocks_icmp: bool
    transits: bool


class VpnFields(TypedDict, total=False):
    """Fields of :class:`testbed.model.Vpn`."""

    suite: str
    nat_traversal: bool
    mtu: int | None
    clamp_mss: bool
    dpd: Text | Duration | None
    ike_lifetime: Text | Duration | None
    child_lifetime: Text | Duration | None
    follows_ike: bool


class ShareFields(TypedDict, total=False):
    """Fields of :class:`testbed.stores.Share`."""

    version: str
    lost: str
    timeo: Text | Duration
    retrans: int
    rsize: Text | Size
    wsize: Text | Size
    nconnect: int
    sync: bool
    commits: bool
    size: Text | Size
    on: str
    others: Sequence[str]


class VolumeFields(TypedDict, total=False):
    """Fields of :class:`testbed.stores.Volume`."""

    server: str
    size: Text | Size
    iops: int | None
    credits: Text | Size | None


class NatFields(TypedDict, total=False):
    """Fields of :class:`testbed.nat.NatGateway`."""

    to: Sequence[str]
    idle: Text | Duration
    connections: int


class ResolverFields(TypedDict, total=False):
    """Fields of :class:`testbed.resolvers.Resolver`."""

    domain: str
    ttl: Text | Duration
    forwards_to: Sequence[str] | None


class BgpFields(TypedDict, total=False):
    """Fields of :class:`testbed.model.Bgp`."""

    med: tuple[int | None, int | None]
    prepend: tuple[int, int]
    communities: tuple[tuple[int, int], ...]
    prefix_limit: int | None


def quantity(where: str, kind: type[Q], value: object, instead: D, problems: list[Problem]) -> Q | D:
    """Read a quantity. A bad one is noted in ``problems``; ``instead`` stands for it, so that building can go on."""
    try:
        return kind.parse(value)
    except UnitError as error:
        problems.append(Problem(where, str(error), f"for example {kind.example!r}"))
        return instead


def chosen(where: str, value: str, among: tuple[W, ...], problems: list[Problem], instead: W | None = None) -> W:
    """Read a word. An unknown one is noted in ``problems``, and ``instead`` or the first known one stands for it."""
    for word in among:
        if value == word:
            return word
    problems.append(Problem(where, f"{value!r} is not known here", known(str(value), among)))
    return instead or among[0]


def unknown(where: str, given: Mapping[str, object], kind: type, problems: list[Problem]) -> None:
    """Note the keywords that a call does not take: Python itself would only name the first."""
    names = list(kind.__annotations__)
    problems += [Problem(where, f"no such option: {name}", known(name, names)) for name in given if name not in names]


def texts(where: str, given: object, problems: list[Problem]) -> tuple[str, ...]:
    """Read a list of words. One text alone, which Python takes for a list of its letters, is noted in ``problems``."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        problems.append(Problem(where, f"{given!r} is no list of texts", f"[{given!r}]"))
        return ()
    problems += [
        Problem(where, f"{each!r} is no text", f"{str(each)!r}") for each in given if not isinstance(each, str)
    ]
    return tuple(each for each in given if isinstance(each, str))


_KINDS: dict[str, type[Quantity]] = {
    "delay": Duration, "jitter": Duration, "delay_correlation": Ratio, "loss": Ratio, "loss_correlation": Ratio,
    "duplicate": Ratio, "duplicate_correlation": Ratio, "corrupt": Ratio, "corrupt_correlation": Ratio,
    "reorder": Ratio, "reorder_correlation": Ratio,
}  # fmt: skip


def impairment(where: str, given: Mapping[str, object], problems: list[Problem]) -> Impairment:
    """An impairment from fields given as text. Problems are noted, not raised."""
    usual = Impairment()
    names = [field.name for field in fields(Impairment)]
    read: dict[str, Any] = {}
    for name, value in given.items():
        place = f"{where}, {name}"
        if name not in names:
            problems.append(Problem(where, f"no such impairment: {name}", known(name, names)))
        elif name == "distribution":
            read[name] = chosen(place, str(value), DISTRIBUTIONS, problems, usual.distribution)
        elif name == "table" and isinstance(value, Sequence):
            read[name] = tuple(quantity(place, Duration, entry, usual.delay, problems) for entry in value)
        elif name in _KINDS and not isinstance(value, GilbertElliott | FourState):
            read[name] = quantity(place, _KINDS[name], value, getattr(usual, name), problems)
        else:
            read[name] = value
    return Impairment(**read)


def share(
    name: str, client: str, server: str, kind: str, given: Mapping[str, Any], problems: list[Problem]
) -> Share:  # fmt: skip
    """A share from fields given as text. Problems are noted, not raised."""
    where = f"share {name}"
    unknown(where, given, ShareFields, problems)
    usual = Share(name=name, client=client, server=server, kind=chosen(where, kind, SHARE_KINDS, problems))
    version = "4.1" if usual.kind == "efs" else usual.version
    read: dict[str, Any] = {
        field: given[field] for field in ("retrans", "nconnect", "sync", "commits", "on") if field in given
    }
    for field, quantities in (("timeo", Duration), ("rsize", Size), ("wsize", Size), ("size", Size)):
        if field in given:
            read[field] = quantity(f"{where}, {field}", quantities, given[field], getattr(usual, field), problems)
    read["others"] = tuple(given.get("others", ()))
    read["version"] = chosen(f"{where}, version", str(given.get("version", version)), NFS_VERSIONS, problems, "4.2")
    read["lost"] = chosen(f"{where}, lost", str(given.get("lost", usual.lost)), WHEN_LOST, problems)
    return replace(usual, **read)


def volume(name: str, host: str, kind: str, given: Mapping[str, Any], problems: list[Problem]) -> Volume:
    """A volume from fields given as text. Problems are noted, not raised."""
    where = f"volume {name}"
    unknown(where, given, VolumeFields, problems)
    usual = Volume(name=name, host=host, kind=chosen(where, kind, VOLUME_KINDS, problems))
    read: dict[str, Any] = {field: given[field] for field in ("server", "iops") if field in given}
    for field in ("size", "credits"):
        if given.get(field) is not None:
            read[field] = quantity(f"{where}, {field}", Size, given[field], getattr(usual, field), problems)
    return replace(usual, **read)


def nat_gateway(
    name: str, site: str, subnet: str, serves: Sequence[str], given: Mapping[str, Any], problems: list[Problem]
) -> NatGateway:  # fmt: skip
    """A NAT gateway from fields given as text. Problems are noted, not raised."""
    where = f"NAT gateway {name}"
    unknown(where, given, NatFields, problems)
    usual = presets.NAT_IDLE.value
    return NatGateway(
        name=name, site=site, subnet=subnet, serves=tuple(serves), to=tuple(given.get("to", (ANYWHERE,))),
        idle=quantity(f"{where}, idle", Duration, given.get("idle", usual), usual, problems),
        connections=given.get("connections", presets.NAT_CONNECTIONS.value),
    )  # fmt: skip


def resolver(site: str, host: str, given: Mapping[str, Any], problems: list[Problem]) -> Resolver:
    """A resolver from fields given as text. Problems are noted, not raised."""
    where = f"resolver of {site}"
    unknown(where, given, ResolverFields, problems)
    usual = Resolver(site=site, host=host, domain=given.get("domain") or f"{site}.{TOP_DOMAIN}")
    ttl = quantity(f"{where}, ttl", Duration, given.get("ttl", usual.ttl), usual.ttl, problems)
    sites = given.get("forwards_to")
    return replace(usual, ttl=ttl, forwards_to=None if sites is None else tuple(sites))
