"""The shape of a topology in YAML: the border where data comes from outside, and so the place of pydantic.

Quantities stay text here; the builder reads them, as it reads those of a Python topology. Where text is expected,
``${name}`` stands for the value of a parameter.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, WithJsonSchema

from testbed.clusters import Effect
from testbed.cni import CALICO_OVERHEAD, DATAPLANES, FLANNEL_OVERHEAD
from testbed.guards import EXAMPLES
from testbed.parameters import OFF
from testbed.yaml_values import (
    DurationText,
    Flag,
    ImpairmentKeys,
    OptionalDuration,
    OptionalRate,
    OptionalWhole,
    SizeText,
    Strict,
    Whole,
)


class Param(Strict):
    """A parameter that ``--set`` can change."""

    kind: Literal["duration", "rate", "size", "ratio", "number", "text"] = Field(description="what its values are")
    default: str = Field(description="as a user would write it")
    help: str = Field(description="one line")
    choices: tuple[str, ...] = Field((), description="the only values allowed")
    optional: Flag = Field(False, description=f"'{OFF}' is a value, too")


class HostKeys(ImpairmentKeys):
    """A host, or ``count`` hosts numbered from 1; impairments and rate are of its own link."""

    zone: str = ""
    subnet: str = ""
    count: OptionalWhole = None
    rate: OptionalRate = None


class GatewayKeys(Strict):
    """A router without a site: see ``testbed.model.Router``."""

    asn: Whole
    daemon: str | None = None
    ecmp: Whole | None = None
    blocks_icmp: Flag | None = None
    transits: Flag | None = None


class RouterKeys(GatewayKeys):
    """A router; the first of a site is its hosts' gateway."""

    kind: str | None = None


class SubnetKeys(Strict):
    """A subnet; without ``cidr`` the next free one of the site."""

    cidr: str = ""
    cidr6: str = ""
    zone: str = ""


class ResolverKeys(Strict):
    """The DNS server of a site: see ``testbed.resolvers.Resolver``."""

    host: str
    domain: str | None = None
    ttl: DurationText | None = None
    forwards_to: tuple[str, ...] | None = Field(None, description="sites; without it every other that has a resolver")


class SiteKeys(Strict):
    """A VPC or a LAN."""

    kind: Literal["vpc", "lan"]
    cidr: str
    cidr6: str = ""
    mtu: OptionalWhole = None
    ospf: Flag = False
    seen_as: str = Field("", description="range as which other sites see it, of the same size")
    subnets: dict[str, SubnetKeys] = Field({})
    hosts: dict[str, HostKeys] = Field({})
    routers: dict[str, RouterKeys] = Field({})
    resolver: ResolverKeys | None = None


class NatGatewayKeys(Strict):
    """A NAT gateway of a VPC: see ``testbed.nat.NatGateway``."""

    site: str
    subnet: str = Field(description="where it stands")
    serves: tuple[str, ...] = Field(description="subnets whose hosts go through it")
    to: tuple[str, ...] | None = None
    idle: DurationText | None = None
    connections: Whole | None = None


class BgpKeys(Strict):
    """The sessions over a link or tunnel, one in each family."""

    hold: DurationText | None = None
    keepalive: DurationText | None = None
    bfd: OptionalDuration = None
    bfd_multiplier: OptionalWhole = None
    local_pref: OptionalWhole = None
    med: tuple[OptionalWhole, OptionalWhole] | None = None
    prepend: tuple[Whole, Whole] | None = None
    communities: tuple[tuple[Whole, Whole], ...] | None = None
    prefix_limit: OptionalWhole = None


class LinkKeys(ImpairmentKeys):
    """A link; impairments are of both directions unless ``a_to_b`` or ``b_to_a`` has its own."""

    between: tuple[str, str] = Field(description="routers: side a, side b")
    kind: str = "lan"
    rate: OptionalRate = None
    policed: Flag = Field(False, description="the excess is dropped, not queued, as by a hosted Direct Connect")
    queue: DurationText | None = None
    mtu: OptionalWhole = None
    bgp: BgpKeys | None = None
    a_to_b: ImpairmentKeys | None = None
    b_to_a: ImpairmentKeys | None = None


class VpnKeys(Strict):
    """A Site-to-Site VPN: see ``testbed.model.Vpn``."""

    between: tuple[str, str] = Field(description="routers: the provider's, the customer's")
    over: str | None = None
    kind: str | None = None
    tunnels: Whole | None = None
    routing: str | None = None
    bgp: BgpKeys | None = None
    suite: str | None = None
    nat_traversal: Flag | None = None
    mtu: OptionalWhole = None
    clamp_mss: Flag | None = None
    dpd: DurationText | None = None
    ike_lifetime: DurationText | None = None
    child_lifetime: DurationText | None = None
    follows_ike: Flag | None = None
    rate: OptionalRate = None
    packets_per_s: OptionalWhole = None


class ShareKeys(Strict):
    """A share that one host mounts from another: see ``testbed.stores.Share``."""

    between: tuple[str, str] = Field(description="hosts: the client, the server")
    kind: str | None = None
    version: str | None = None
    lost: str | None = None
    timeo: DurationText | None = None
    retrans: Whole | None = None
    rsize: SizeText | None = None
    wsize: SizeText | None = None
    nconnect: Whole | None = None
    sync: Flag | None = None
    commits: Flag | None = None
    size: SizeText | None = None
    on: str | None = None
    others: list[str] | None = None


class VolumeKeys(Strict):
    """A block device of a host: see ``testbed.stores.Volume``."""

    host: str
    kind: str
    server: str | None = None
    size: SizeText | None = None
    iops: OptionalWhole = None
    credits: SizeText | None = None


RuleText = Annotated[
    str,
    WithJsonSchema({"type": "string", "description": "one rule: testbed/guards.py", "examples": list(EXAMPLES)}),
]


class SecurityGroupKeys(Strict):
    """A stateful filter of hosts: see ``testbed.guards.SecurityGroup``."""

    hosts: tuple[str, ...] = Field(description="those that belong to it")
    rules: tuple[RuleText, ...] = Field(description="what is allowed; answers pass, nothing else does")


class BorderKeys(Strict):
    """A filter on the border of subnets: see ``testbed.guards.BorderFilter``."""

    site: str
    subnets: tuple[str, ...] = Field((), description="none: all of the site's")
    rules: tuple[RuleText, ...] = Field(description="the first that fits decides; what none fits is denied")


CniName = Literal["calico", "flannel"]
DataplaneText = Annotated[str, WithJsonSchema({"enum": [*DATAPLANES]})]


class CalicoKeys(Strict):
    """Pods joined by Calico: see ``testbed.cni.Calico``."""

    name: Annotated[CniName, WithJsonSchema({"const": "calico"})]
    mode: Annotated[str, WithJsonSchema({"enum": [*CALICO_OVERHEAD]})] | None = None
    mtu: OptionalWhole = None
    asn: OptionalWhole = None
    reflectors: Whole | None = None
    wireguard: Flag | None = None
    dataplane: DataplaneText | None = None


class FlannelKeys(Strict):
    """Pods joined by Flannel: see ``testbed.cni.Flannel``."""

    name: Annotated[CniName, WithJsonSchema({"const": "flannel"})]
    mode: Annotated[str, WithJsonSchema({"enum": [*FLANNEL_OVERHEAD]})] | None = None
    mtu: OptionalWhole = None
    dataplane: DataplaneText | None = None


def cni_tag(value: object) -> CniName:
    """Which of the networks for pods a value is meant to be."""
    return "flannel" if isinstance(value, dict) and value.get("name") == "flannel" else "calico"


CniKeys = Annotated[
    Annotated[CalicoKeys, Tag("calico")] | Annotated[FlannelKeys, Tag("flannel")], Discriminator(cni_tag)
]


class TaintKeys(Strict):
    """Keeps pods off nodes that do not tolerate it: see ``testbed.clusters.Taint``."""

    key: str
    value: str
    effect: Effect


class ClusterKeys(Strict):
    """A Kubernetes cluster, whose nodes become hosts of sites: see ``testbed.clusters.Cluster``."""

    control_plane: str = Field(description="site")
    workers: dict[str, Annotated[Whole, Field(ge=0)]] = Field({}, description="how many in which site")
    version: str | None = Field(None, description="of Kubernetes")
    cni: CniKeys | None = None
    taints: dict[str, TaintKeys] = Field({}, description="of the workers of a site")
    pods: str | None = Field(None, description="range of addresses")
    services: str | None = Field(None, description="range of addresses")
    prefix: str = Field("", description="of nodes' names, before SITE-cp and SITE-1")


class Document(Strict):
    """A topology. The order of sites, routers, hosts, links, VPNs, stores and guards is that of the plan."""

    about: str = Field("", description="one line")
    params: dict[str, Param] = Field({})
    sites: dict[str, SiteKeys] = Field({})
    clusters: dict[str, ClusterKeys] = Field({}, description="their nodes come after the hosts of the sites")
    transit_gateways: dict[str, GatewayKeys] = Field({}, description="transit gateways that belong to no site")
    internet: tuple[str, ...] = Field((), description="names of the routers that are the Internet")
    links: dict[str, LinkKeys] = Field({})
    vpns: dict[str, VpnKeys] = Field({})
    shares: dict[str, ShareKeys] = Field({})
    volumes: dict[str, VolumeKeys] = Field({})
    nat_gateways: dict[str, NatGatewayKeys] = Field({})
    security_groups: dict[str, SecurityGroupKeys] = Field({})
    network_acls: dict[str, BorderKeys] = Field({}, description="stateless: answers need a rule of their own")
    firewalls: dict[str, BorderKeys] = Field({}, description="stateful: answers pass")
