"""Numbers of the field, each with where it comes from. ``testbed show presets`` and the docs list them all.

"2023 copy" marks an archived user guide: the provider may have raised the value since. "not checked" marks common
knowledge that no document here confirms. Sizes are bytes of layer 3, RTTs there and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from testbed.theory.mtu import (
    AES_CBC_SHA1,
    AES_CBC_SHA2_256,
    AES_CBC_SHA2_384,
    AES_CBC_SHA2_512,
    AES_GCM_16,
    EspTransform,
)
from testbed.units import Duration, Quantity, Rate, Ratio

T_co = TypeVar("T_co", covariant=True)
Q = TypeVar("Q", bound=Quantity)


@dataclass(frozen=True)
class Preset(Generic[T_co]):
    """A value, its unit where the value's own text does not carry one, and its source."""

    value: T_co
    source: str
    unit: str = ""

    @property
    def text(self) -> str:
        """Value and unit for a table."""
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        return ", ".join(str(value) for value in values) + (f" {self.unit}" if self.unit else "")


def listed() -> dict[str, Preset[object]]:
    """Every preset of this module by name, tables with their key in brackets, in the order of the file."""
    found: dict[str, Preset[object]] = {}
    for name, value in globals().items():
        if isinstance(value, Preset):
            found[name] = value
        elif name.isupper() and isinstance(value, Mapping):
            for key, entry in value.items():
                label = f"{name}[{'-'.join(key) if isinstance(key, tuple) else key}]"
                found[label] = Preset(entry, entry.source) if isinstance(entry, IpsecSuite) else entry
    return found


def _parsed(kind: type[Q], text: str, source: str) -> Preset[Q]:
    return Preset(kind.parse(text), source)


_DX = "AWS Direct Connect user guide"
_VPN = "AWS Site-to-Site VPN user guide"
_BGP_SETTINGS = f"{_DX}, BGP specific settings (2026)"
_TUNNEL_OPTIONS = f"{_VPN}, tunnel options (2023 copy)"
_QUOTAS = f"{_VPN}, quotas (2023 copy)"

# Direct Connect
_JUMBO = f"{_DX}, setting jumbo frames (2023 copy); AWS agent toolkit, Direct Connect (2026)"
DX_MTU = Preset(1500, f"{_JUMBO}: default of every virtual interface", "B")
DX_TRANSIT_MTU = Preset(8500, f"{_JUMBO}: transit virtual interface", "B")
DX_PRIVATE_MTU = Preset(9001, f"{_JUMBO}: private virtual interface", "B")
DX_DEDICATED_RATES = Preset(
    tuple(map(Rate.parse, ("1 Gbit/s", "10 Gbit/s", "100 Gbit/s", "400 Gbit/s"))),
    f"{_DX}, dedicated connections (2023 copy); 400 Gbit/s: AWS Direct Connect FAQ (2026)",
)
DX_HOSTED_RATES = Preset(
    tuple(Rate(megabits * 10**6) for megabits in (50, 100, 200, 300, 400, 500, 1_000, 2_000, 5_000, 10_000, 25_000)),
    f"{_DX}, hosted connections (2023 copy): policed, so excess is dropped and bursts get less. 25 Gbit/s: not checked",
)
DX_BGP_HOLD = _parsed(Duration, "90 s", f"{_BGP_SETTINGS}: default")
DX_BGP_KEEPALIVE = _parsed(Duration, "30 s", f"{_BGP_SETTINGS}: default")
DX_BGP_HOLD_MIN = _parsed(Duration, "3 s", f"{_BGP_SETTINGS}: minimum; 0 is not supported")
DX_BGP_KEEPALIVE_MIN = _parsed(Duration, "1 s", f"{_BGP_SETTINGS}: minimum")
DX_BFD_INTERVAL = _parsed(Duration, "300 ms", f"{_BGP_SETTINGS}: minimum, asynchronous mode")
DX_BFD_MULTIPLIER = Preset(3, f"{_BGP_SETTINGS}: minimum")
DX_GRACEFUL_RESTART = _parsed(Duration, "120 s", f"{_BGP_SETTINGS}: not to be combined with BFD")
DX_PREFIX_LIMIT = Preset(
    100, f"{_DX}, quotas (2023 copy): each family, private or transit; one more closes the session"
)

# Site-to-Site VPN
VPN_RATE = _parsed(Rate, "1.25 Gbit/s", f"{_QUOTAS}: each tunnel, and one flow uses one tunnel")
VPN_PACKETS = Preset(140_000, f"{_QUOTAS}: each tunnel", "packets/s")
VPN_MTU = Preset(1446, f"{_QUOTAS}: at most, with AES-GCM; no path MTU discovery, no jumbo frames", "B")
VPN_MSS = Preset(1406, f"{_QUOTAS}: with the MTU above, IPv4", "B")
VPN_DPD = _parsed(Duration, "30 s", f"{_TUNNEL_OPTIONS}: timeout, default and minimum")
VPN_IKE_LIFETIME = _parsed(Duration, "28800 s", f"{_TUNNEL_OPTIONS}: phase 1")
VPN_CHILD_LIFETIME = _parsed(Duration, "3600 s", f"{_TUNNEL_OPTIONS}: phase 2")
VPN_REKEY_MARGIN = _parsed(Duration, "270 s", f"{_TUNNEL_OPTIONS}: before a lifetime's end")
VPN_REKEY_FUZZ = _parsed(Ratio, "100 %", f"{_TUNNEL_OPTIONS}: of the margin, at random on top of it")
VPN_REPLAY_WINDOW = Preset(1024, _TUNNEL_OPTIONS, "packets")
VPN_BGP_HOLD = _parsed(Duration, "30 s", f"{_VPN}, example configurations with BGP (2023 copy)")
VPN_BGP_KEEPALIVE = _parsed(Duration, "10 s", f"{_VPN}, example configurations with BGP (2023 copy)")
VPN_INSIDE_CIDR = Preset("169.254.0.0/16", f"{_TUNNEL_OPTIONS}: inside addresses of IPv4 tunnels")
VPN_INSIDE_PREFIX = Preset(30, f"{_TUNNEL_OPTIONS}: length of each tunnel's prefix")
VPN_TUNNELS = Preset(2, f"{_VPN}, tunnel options (2026): of a connection, in different zones")

# Which way a virtual private gateway sends. AWS gives the order; the numbers are arbitrary and only their order counts.
_ORDER = f"order: {_VPN}, route priority (2023 copy); the number is arbitrary"
LOCAL_PREF_DX = Preset(300, f"{_ORDER}: BGP over Direct Connect before all VPN")
LOCAL_PREF_VPN_STATIC = Preset(200, f"{_ORDER}: static VPN routes next")
LOCAL_PREF_VPN_BGP = Preset(100, f"{_ORDER}: BGP over VPN last")

# Inside AWS
VPC_MTU = Preset(9001, "AWS EC2 user guide, network MTU (2023 copy): between instances of a VPC", "B")
VPC_INTERNET_MTU = Preset(1500, "AWS EC2 user guide, network MTU (2023 copy): through an Internet gateway or VPN", "B")
_TGW = "AWS Transit Gateway guide, what is a transit gateway (2026)"
TGW_MTU = Preset(8500, f"{_TGW}: VPC, Direct Connect, Connect and peering attachments", "B")
TGW_VPN_MTU = Preset(1500, f"{_TGW}: VPN attachments", "B")

# NAT gateways
_NAT = "AWS VPC user guide, NAT gateways"
NAT_IDLE = _parsed(
    Duration, "350 s", f"{_NAT}, troubleshooting (2026): a connection idle for 350 s or more times out, of any protocol"
)
NAT_CONNECTIONS = Preset(
    55_000, f"{_NAT}, basics (2026): each address, at once to one address, port and protocol", "connections"
)
NAT_PORTS = Preset((1024, 65_535), f"{_NAT}, basics (2026): the ports that it uses, 64,512 of them")

# RTTs. Single measurements by third parties, not promises: orders of magnitude for a design.
_ZONES_2014 = "gist josephmisiti/10312241: pings of 2014, mean"
_BEST_OF_50 = "xkyle.com, Measuring AWS region and AZ latency: best of 50 pings"
INTER_AZ_RTT: Mapping[tuple[str, str], Preset[Duration]] = {
    ("us-east-1a", "us-east-1a"): _parsed(Duration, "0.446 ms", f"{_ZONES_2014}; within one zone"),
    ("us-east-1b", "us-east-1c"): _parsed(Duration, "1.328 ms", _ZONES_2014),
    ("us-east-1b", "us-east-1d"): _parsed(Duration, "2.112 ms", _ZONES_2014),
    ("ap-south-1", "smallest"): _parsed(Duration, "0.25 ms", f"{_BEST_OF_50}; the smallest between two zones"),
    ("sa-east-1", "largest"): _parsed(Duration, "3.37 ms", f"{_BEST_OF_50}; the largest between two zones"),
}
_TEN_PINGS = "gist caius/21eca095: 10 pings"
_CLOUDPING = "cloudping.co (2026 copy)"
INTER_REGION_RTT: Mapping[tuple[str, str], Preset[Duration]] = {
    ("us-east-1", "us-west-2"): _parsed(Duration, "71.4 ms", _TEN_PINGS),
    ("us-east-1", "eu-west-1"): _parsed(Duration, "66.6 ms", _TEN_PINGS),
    ("us-east-1", "ca-central-1"): _parsed(Duration, "14.1 ms", _TEN_PINGS),
    ("ca-central-1", "us-west-2"): _parsed(Duration, "75.4 ms", _TEN_PINGS),
    ("ca-central-1", "eu-west-1"): _parsed(Duration, "68.6 ms", _TEN_PINGS),
    ("ca-central-1", "eu-west-2"): _parsed(Duration, "77.7 ms", _TEN_PINGS),
    ("af-south-1", "af-south-1"): _parsed(Duration, "0.96 ms", f"{_CLOUDPING}; within the region"),
    ("af-south-1", "eu-west-1"): _parsed(Duration, "156.57 ms", _CLOUDPING),
    ("af-south-1", "us-east-1"): _parsed(Duration, "226.85 ms", _CLOUDPING),
    ("af-south-1", "us-west-2"): _parsed(Duration, "278.75 ms", _CLOUDPING),
    ("ap-east-1", "ap-southeast-1"): _parsed(Duration, "34.01 ms", _CLOUDPING),
    ("ap-east-1", "us-east-1"): _parsed(Duration, "202.47 ms", _CLOUDPING),
    ("ap-east-1", "us-west-2"): _parsed(Duration, "146.27 ms", _CLOUDPING),
}


@dataclass(frozen=True)
class IpsecSuite:
    """What both ends of a tunnel agree on.

    Attributes:
        ike, esp: proposals in strongSwan's words (swanctl.conf, ``proposals`` and ``esp_proposals``).
        mode: of the cipher; ``hash`` of the packets' integrity, empty with GCM, which needs none.
        transform: the sizes that decide on the MTU.
        source: of algorithms and sizes.
    """

    ike: str
    esp: str
    mode: Literal["gcm", "cbc"]
    hash: str
    transform: EspTransform
    source: str

    def __str__(self) -> str:
        return f"IKE {self.ike}, ESP {self.esp}"


def _suite(key_bits: int, digest: str, transform: EspTransform) -> IpsecSuite:
    # IKE always in CBC with a MODP group: strongSwan's base plug-ins have no GCM and no elliptic curves, while ESP is
    # the kernel's work. AWS accepts group 14 and up in both phases.
    ike = f"aes{key_bits}-{digest or 'sha256'}-modp2048"
    esp = f"aes{key_bits}-{digest}-modp2048" if digest else f"aes{key_bits}gcm16-modp2048"
    source = f"algorithms: {_TUNNEL_OPTIONS}; sizes: RFC 4106, RFC 3602, RFC 2404, RFC 4868"
    return IpsecSuite(ike, esp, "cbc" if digest else "gcm", digest, transform, source)


IPSEC_SUITES: Mapping[str, IpsecSuite] = {
    "aes128gcm16": _suite(128, "", AES_GCM_16),
    "aes256gcm16": _suite(256, "", AES_GCM_16),
    "aes128-sha1": _suite(128, "sha1", AES_CBC_SHA1),
    "aes256-sha1": _suite(256, "sha1", AES_CBC_SHA1),
    "aes128-sha256": _suite(128, "sha256", AES_CBC_SHA2_256),
    "aes256-sha256": _suite(256, "sha256", AES_CBC_SHA2_256),
    "aes128-sha384": _suite(128, "sha384", AES_CBC_SHA2_384),
    "aes256-sha384": _suite(256, "sha384", AES_CBC_SHA2_384),
    "aes128-sha512": _suite(128, "sha512", AES_CBC_SHA2_512),
    "aes256-sha512": _suite(256, "sha512", AES_CBC_SHA2_512),
}
