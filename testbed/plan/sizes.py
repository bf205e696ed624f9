"""Queues sized from rate and delay, tunnel MTUs, and the defaults that a plan fills in."""

from __future__ import annotations

from testbed import presets
from testbed.model import Impairment, Vpn
from testbed.plan.plan import Shaper
from testbed.theory import mtu, queue
from testbed.units import Duration, Rate

DPD = presets.VPN_DPD.value
IKE_LIFETIME = presets.VPN_IKE_LIFETIME.value
CHILD_LIFETIME = presets.VPN_CHILD_LIFETIME.value
IBGP_HOLD = presets.DX_BGP_HOLD.value


def shaper(rate: Rate, link_mtu: int, queue_time: Duration) -> Shaper:
    """The token bucket of a link end."""
    bucket = queue.token_bucket(rate, link_mtu, queue_time)
    return Shaper(rate=rate, burst_bytes=int(bucket.burst), limit_bytes=int(bucket.limit))


def packets_in_flight(rate: Rate | None, impairment: Impairment) -> int:
    """Netem's limit for one direction."""
    slot = impairment.slot.max if impairment.slot else Duration(0)
    return queue.netem_limit(
        rate, impairment.delay, impairment.jitter, duplicates=bool(impairment.duplicate), slot=slot
    )


def tunnel_mtu(vpn: Vpn) -> int:
    """The MTU of a VPN's tunnels: what was asked, or what the encapsulation leaves of an Internet path's 1500 bytes."""
    if vpn.mtu is not None:
        return vpn.mtu
    if vpn.kind == "wireguard":
        return mtu.tunnel_mtu(presets.DX_MTU.value, mtu.WIREGUARD[4])
    suite = presets.IPSEC_SUITES[vpn.suite]
    return mtu.ipsec_mtu(suite.transform, nat_traversal=vpn.nat_traversal)
