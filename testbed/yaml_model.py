"""The shape of a topology in YAML: the border where data comes from outside, and so the place of pydantic.

Quantities stay text here; the builder reads them, as it reads those of a Python topology. Where text is expected,
``${name}`` stands for the value of a parameter.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema, model_validator

from testbed.guards import EXAMPLES
from testbed.parameters import OFF
from testbed.units import Duration, Quantity, Rate, Ratio, Size

_REFERENCE = {"type": "string", "pattern": r"\$\{[^}]+\}"}


def _off(value: object) -> object:
    return None if value == OFF else value


def _text_of(kind: type[Quantity]) -> dict[str, Any]:
    units = ", ".join(kind.units)
    return {"type": "string", "description": f"a {kind.kind} with its unit ({units})", "examples": [kind.example]}


DurationText = Annotated[str, WithJsonSchema(_text_of(Duration))]
RatioText = Annotated[str, WithJsonSchema(_text_of(Ratio))]
RateText = Annotated[str, WithJsonSchema(_text_of(Rate))]
SizeText = Annotated[str, WithJsonSchema(_text_of(Size))]
OptionalDuration = Annotated[DurationText | None, BeforeValidator(_off)]
OptionalRate = Annotated[RateText | None, BeforeValidator(_off)]
Whole = Annotated[int, WithJsonSchema({"anyOf": [{"type": "integer"}, _REFERENCE]})]
OptionalWhole = Annotated[
    int | None,
    BeforeValidator(_off),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"const": OFF}, _REFERENCE]}),
]
Flag = Annotated[bool, WithJsonSchema({"anyOf": [{"type": "boolean"}, {"enum": ["yes", "no"]}, _REFERENCE]})]


class Strict(BaseModel):
    """Knows all its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _empty(cls, value: object) -> object:
        """``dc-1:`` with nothing behind it has no keys."""
        return {} if value == "" else value


class Param(Strict):
    """A parameter that ``--set`` can change."""

    kind: Literal["duration", "rate", "size", "ratio", "number", "text"] = Field(description="what its values are")
    default: str = Field(description="as a user would write it")
    help: str = Field(description="one line")
    choices: tuple[str, ...] = Field((), description="the only values allowed")
    optional: Flag = Field(False, description=f"'{OFF}' is a value, too")


class GilbertElliottLoss(Strict):
    """Loss in bursts: two states."""

    p: RatioText = Field(description="from good to bad")
    r: RatioText = Field(description="from bad to good")
    loss_bad: RatioText = "100 %"
    loss_good: RatioText = "0 %"


class FourStateLoss(Strict):
    """Markov loss: tc-netem(8), ``loss state``."""

    p13: RatioText
    p31: RatioText = "100 %"
    p32: RatioText = "0 %"
    p23: RatioText = "100 %"
    p14: RatioText = "0 %"


class SlotFields(Strict):
    """Delivery in bursts."""

    min: DurationText
    max: DurationText
    packets: Whole = 0
    bytes: SizeText = "0 B"


LOSS_MODELS: dict[str, type[Strict]] = {"gilbert-elliott": GilbertElliottLoss, "four-state": FourStateLoss}
"""Name of the member of the union below to its keys."""


def loss_tag(value: object) -> str:
    """Which of the loss models a value is meant to be."""
    if isinstance(value, dict):
        return "four-state" if "p13" in value else "gilbert-elliott"
    return "text"


Loss = Annotated[
    Annotated[RatioText, Tag("text")]
    | Annotated[GilbertElliottLoss, Tag("gilbert-elliott")]
    | Annotated[FourStateLoss, Tag("four-state")],
    Discriminator(loss_tag),
]


class ImpairmentKeys(Strict):
    """What one direction does to packets: see ``testbed.model.Impairment``."""

    delay: DurationText | None = None
    jitter: DurationText | None = None
    distribution: str | None = None
    table: list[DurationText] | None = None
    ordered: Flag | None = None
    delay_correlation: RatioText | None = None
    loss: Loss | None = None
    loss_correlation: RatioText | None = None
    duplicate: RatioText | None = None
    duplicate_correlation: RatioText | None = None
    corrupt: RatioText | None = None
    corrupt_correlation: RatioText | None = None
    reorder: RatioText | None = None
    reorder_correlation: RatioText | None = None
    reorder_gap: Whole | None = None
    slot: SlotFields | None = None


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


class SiteKeys(Strict):
    """A VPC or a LAN."""

    kind: Literal["vpc", "lan"]
    cidr: str
    cidr6: str = ""
    mtu: OptionalWhole = None
    ospf: Flag = False
    seen_as: str = Field("", description="range as which other sites see it, of the same size")
    subnets: dict[str, SubnetKeys] = {}
    hosts: dict[str, HostKeys] = {}
    routers: dict[str, RouterKeys] = {}


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


class NetworkAclKeys(Strict):
    """A stateless filter on the border of subnets: see ``testbed.guards.NetworkAcl``."""

    site: str
    subnets: tuple[str, ...] = Field((), description="none: all of the site's")
    rules: tuple[RuleText, ...] = Field(description="the first that fits decides; what none fits is denied")


class Document(Strict):
    """A topology. The order of sites, routers, hosts, links, VPNs, stores and guards is that of the plan."""

    about: str = Field("", description="one line")
    params: dict[str, Param] = {}
    sites: dict[str, SiteKeys] = {}
    transit_gateways: dict[str, GatewayKeys] = Field({}, description="transit gateways that belong to no site")
    internet: tuple[str, ...] = Field((), description="names of the routers that are the Internet")
    links: dict[str, LinkKeys] = {}
    vpns: dict[str, VpnKeys] = {}
    shares: dict[str, ShareKeys] = {}
    volumes: dict[str, VolumeKeys] = {}
    nat_gateways: dict[str, NatGatewayKeys] = {}
    security_groups: dict[str, SecurityGroupKeys] = {}
    network_acls: dict[str, NetworkAclKeys] = {}
