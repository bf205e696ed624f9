"""Topologies in YAML: read, checked against :mod:`testbed.yaml_model`, and declared to the builder like Python ones.

So the same topology gives the same plan in both, and every rule is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Discriminator, Tag, ValidationError
from pydantic_core import ErrorDetails

from testbed import model, yaml_model, yaml_text, yaml_values
from testbed.builder import SiteHandle, Topology
from testbed.clusters import Taint
from testbed.cni import AnyCni, Calico, Flannel
from testbed.errors import InputError, Problem, known
from testbed.parameters import Parameters, optional
from testbed.units import Duration, Quantity, Rate, Ratio, Size

_QUANTITIES: Mapping[str, type[Quantity]] = {"duration": Duration, "rate": Rate, "size": Size, "ratio": Ratio}
_OWN_WORDS = {
    "missing": "this is missing", "int_parsing": "not a whole number", "bool_parsing": "not yes or no",
    "dict_type": "keys and values belong here", "model_type": "keys and values belong here",
    "string_type": "one value belongs here", "list_type": "a list belongs here", "tuple_type": "a list belongs here",
}  # fmt: skip
"""Error types of pydantic whose own messages speak of Python."""


def read_yaml(path: Path, parameters: Parameters) -> Topology:
    """Declare what a file says. Raises :class:`InputError` with everything that has the wrong shape."""
    document = yaml_text.read(path)
    _declare_parameters(document, parameters)
    texts = {name: parameter.value for name, parameter in parameters.declared.items()}
    document.value = yaml_text.resolve(document.value, (), texts, document)
    try:
        content = yaml_model.Document.model_validate(document.value)
    except ValidationError as error:
        document.problems += [_problem(document, detail) for detail in error.errors()]
    if document.problems:
        raise InputError([*document.problems, *parameters.problems])
    topology = Topology(path.stem, parameters)
    topology.about = content.about
    _declare(topology, content, document)
    return topology


def _declare_parameters(document: yaml_text.Document, parameters: Parameters) -> None:
    """Parameters come first, since everything else may refer to them."""
    listed = document.value.get("params", {}) if isinstance(document.value, dict) else {}
    for name, keys in listed.items() if isinstance(listed, dict) else ():
        try:
            param = yaml_model.Param.model_validate(keys)
        except ValidationError:
            continue  # told when the whole document is looked at
        try:
            parameters.declare(name, _kind(param), param.default, param.help, choices=param.choices)
        except ValueError as error:
            where = document.where(("params", name, "default"))
            document.problems.append(Problem(where, str(error), "the default has to be valid, too"))


def _kind(param: yaml_model.Param) -> Callable[[str], object]:
    kind = _QUANTITIES.get(param.kind) or (int if param.kind == "number" else str)
    return optional(kind) if param.optional else kind


def _problem(document: yaml_text.Document, error: ErrorDetails) -> Problem:
    place, within = _followed(error["loc"])
    if error["type"] == "extra_forbidden":
        names = within.model_fields if within is not None else ()
        return Problem(document.where(place), f"unknown key {place[-1]!r}", known(str(place[-1]), names))
    what = _OWN_WORDS.get(error["type"], error["msg"][:1].lower() + error["msg"][1:])
    given = error["input"]
    if isinstance(given, str):
        what = f"{given!r}: {what}"
    return Problem(document.where(place), what, "topologies/*.yaml have examples of nearly every key")


def _followed(loc: tuple[str | int, ...]) -> tuple[yaml_text.Place, Any]:
    """The place in the file that pydantic means, and the type of what it is in.

    pydantic's own place also names the members of unions.
    """
    place: list[str | int] = []
    within: Any = None
    annotation: Any = yaml_model.Document
    for part in loc:
        chosen = dict(_tagged(annotation))
        if part in chosen:
            annotation = chosen[part]
            continue
        place.append(part)
        within = next((kind for kind in _members(annotation) if _is_model(kind)), None)
        if within is not None:
            field = within.model_fields.get(part)
            annotation = field.annotation if field else None
        else:
            # Of a dict[str, X], list[X] or tuple[X, ...]: X.
            containers = [kind for kind in _members(annotation) if get_origin(kind) in (dict, list, tuple)]
            inner = [kind for kind in get_args(containers[0]) if kind not in (str, ...)] if containers else []
            annotation = inner[0] if inner else None
    return tuple(place), within


def _tagged(annotation: object) -> Iterator[tuple[str | int, object]]:
    """The members of the unions in an annotation of which a discriminator chooses one, by what pydantic calls them."""
    if get_origin(annotation) is Annotated:
        kind, *notes = get_args(annotation)
        yield from ((note.tag, kind) for note in notes if isinstance(note, Tag))
        if not any(isinstance(note, Discriminator) for note in notes):
            return
        annotation = kind
    if get_origin(annotation) in (Union, UnionType):
        for member in get_args(annotation):
            yield from _tagged(member)


def _members(annotation: object) -> Iterator[object]:
    """The members of a union, without what is annotated to them."""
    if get_origin(annotation) is Annotated:
        yield from _members(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    else:
        yield annotation


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, yaml_values.Strict)


def _declare(t: Topology, content: yaml_model.Document, document: yaml_text.Document) -> None:
    for name, site in content.sites.items():
        _declare_site(t, name, site)
    for name, cluster in content.clusters.items():
        if not (unknown := [*_unknown_sites(("clusters", name), cluster, content.sites, document)]):
            _declare_cluster(t, name, cluster)
        t.parameters.problems += unknown
    for name, gateway in content.nat_gateways.items():
        t.nat_gateway(name, SiteHandle(t, gateway.site), **_given(gateway, "site"))
    for name, router in content.transit_gateways.items():
        t.transit_gateway(name, **_given(router))
    for name in content.internet:
        t.internet(name)
    for name, link in content.links.items():
        _declare_link(t, name, link)
    for name, vpn in content.vpns.items():
        t.vpn(name, *vpn.between, bgp=_bgp(t, vpn.bgp), **_given(vpn, "between", "bgp"))
    for name, share in content.shares.items():
        t.nfs(name, *share.between, **_given(share, "between"))
    for name, volume in content.volumes.items():
        t.volume(name, volume.host, volume.kind, **_given(volume, "host", "kind"))
    for name, group in content.security_groups.items():
        t.security_group(name, group.hosts, group.rules)
    for borders, declare in ((content.network_acls, t.network_acl), (content.firewalls, t.firewall)):
        for name, border in borders.items():
            declare(name, SiteHandle(t, border.site), border.rules, subnets=border.subnets)


def _declare_site(t: Topology, name: str, site: yaml_model.SiteKeys) -> None:
    ranges = {key: value for key, value in _given(site).items() if key in ("cidr", "cidr6", "mtu", "seen_as")}
    if site.kind == "vpc" and site.ospf:
        t.parameters.problems.append(Problem(f"site {name}", "a VPC speaks no OSPF", "leave ospf out"))
    handle = t.vpc(name, **ranges) if site.kind == "vpc" else t.lan(name, ospf=site.ospf, **ranges)
    for subnet, keys in site.subnets.items():
        handle.subnet(subnet, **_given(keys))
    for host, host_keys in site.hosts.items():
        place = {"zone": host_keys.zone, "subnet": host_keys.subnet}
        access = _impairment_fields(t, host_keys) | _given(host_keys, *yaml_values.ImpairmentKeys.model_fields, "count")
        if host_keys.count is None:
            handle.host(host, **(access | place))
        else:
            handle.hosts(host, host_keys.count, **(access | place))
    for router, router_keys in site.routers.items():
        handle.router(router, **_given(router_keys))
    if site.resolver is not None:
        handle.resolver(site.resolver.host, **_given(site.resolver, "host"))


def _unknown_sites(
    place: yaml_text.Place, cluster: yaml_model.ClusterKeys, sites: Collection[str], document: yaml_text.Document
) -> Iterator[Problem]:
    """Nodes are given to sites when they are declared, so these have to be there."""
    named: list[tuple[str, yaml_text.Place]] = [(cluster.control_plane, ("control_plane",))]
    named += [(site, (key, site)) for key in ("workers", "taints") for site in getattr(cluster, key)]
    for site, keys in named:
        if site not in sites:
            where = document.where((*place, *keys))
            yield Problem(where, f"no site is called {site!r}", known(site, sites))


def _declare_cluster(t: Topology, name: str, cluster: yaml_model.ClusterKeys) -> None:
    given = _given(cluster, "control_plane", "workers", "taints", "cni")
    if cluster.cni is not None:
        given["cni"] = _cni(cluster.cni)
    t.cluster(
        name, control_plane=SiteHandle(t, cluster.control_plane),
        workers={SiteHandle(t, site): count for site, count in cluster.workers.items()},
        taints={SiteHandle(t, site): Taint(**_given(taint)) for site, taint in cluster.taints.items()},
        **given,
    )  # fmt: skip


def _cni(keys: yaml_model.CalicoKeys | yaml_model.FlannelKeys) -> AnyCni:
    return Calico(**_given(keys)) if isinstance(keys, yaml_model.CalicoKeys) else Flannel(**_given(keys))


def _declare_link(t: Topology, name: str, link: yaml_model.LinkKeys) -> None:
    own = _given(
        link, *yaml_values.ImpairmentKeys.model_fields, "between", "kind", "policed", "bgp", "a_to_b", "b_to_a"
    )
    own |= _impairment_fields(t, link)
    for direction in ("a_to_b", "b_to_a"):
        keys = getattr(link, direction)
        if keys is not None:
            own[direction] = t.impairment(f"link {name}, {direction}", **_impairment_fields(t, keys))
    if link.kind == "direct-connect":
        t.direct_connect(name, *link.between, hosted=link.policed, bgp=_bgp(t, link.bgp), **own)
    else:
        t.link(name, *link.between, kind=link.kind, policed=link.policed, bgp=_bgp(t, link.bgp), **own)


def _impairment_fields(t: Topology, keys: yaml_values.ImpairmentKeys) -> dict[str, Any]:
    names = yaml_values.ImpairmentKeys.model_fields
    found = {name: value for name, value in _given(keys).items() if name in names}
    if isinstance(keys.loss, yaml_values.GilbertElliottLoss):
        found["loss"] = t.gilbert_elliott(**keys.loss.model_dump())
    if isinstance(keys.loss, yaml_values.FourStateLoss):
        found["loss"] = t.four_state(**keys.loss.model_dump())
    if keys.slot is not None:
        found["slot"] = t.slot(**keys.slot.model_dump())
    return found


def _bgp(t: Topology, keys: yaml_model.BgpKeys | None) -> model.Bgp | None:
    return None if keys is None else t.bgp(**_given(keys))


def _given(keys: BaseModel, *without: str) -> dict[str, Any]:
    """The keys that the file has, as the builder's keywords."""
    return {name: getattr(keys, name) for name in keys.model_fields_set if name not in without}
