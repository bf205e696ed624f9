"""Queues sized from rate and delay, tunnel MTUs, and the defaults that a plan fills in."""

from __future__ import annotations

from testbed import presets
from testbed.model import NO_TIME, Impairment, Vpn
from testbed.plan import impairments
from testbed.plan.plan import Shaper
from testbed.theory import mtu, queue
from testbed.units import Duration, Rate, Size

DPD = presets.VPN_DPD.value
IKE_LIFETIME = presets.VPN_IKE_LIFETIME.value
CHILD_LIFETIME = presets.VPN_CHILD_LIFETIME.value
IBGP_HOLD = NODE_HOLD = presets.DX_BGP_HOLD.value
"""What Calico's nodes ask for is longer, so this holds: BIRD's 240 s (BIRD 1.6, doc/bird.sgml)."""
U32_MAX = 2**32 - 1


def shaper(rate: Rate, link_mtu: int, queue_time: Duration) -> Shaper:
    """The token bucket of a link end.

    Raises:
        ValueError: the queue is longer than the kernel counts.
    """
    bucket = queue.token_bucket(rate, link_mtu, queue_time)
    if bucket.limit > U32_MAX:
        raise ValueError(f"a queue of {queue_time} at {rate} is {bucket.limit}, more than tbf counts")
    return Shaper(rate=rate, burst_bytes=int(bucket.burst), limit_bytes=int(bucket.limit))


def packets_in_flight(rate: Rate | None, impairment: Impairment, burst: Size) -> int:
    """Netem's limit for one direction, behind a shaper that lets ``burst`` through at once.

    Raises:
        ValueError: more than netem counts.
    """
    table = impairments.shape(impairment)
    return queue.netem_limit(
        rate, impairment.delay, impairment.jitter, burst=burst,
        # A measured shape with outliers reaches further than the four deviations of the named ones.
        reach=queue.JITTER_REACH * (table.spread if table else 1), duplicates=bool(impairment.duplicate),
        slot=impairment.slot.max if impairment.slot else NO_TIME,
    )  # fmt: skip


def tunnel_mtu(vpn: Vpn, path_mtu: int) -> int:
    """The MTU of a VPN's tunnels: what was asked, or what the encapsulation leaves of an Internet path's.

    Raises:
        ValueError: it leaves nothing.
    """
    if vpn.mtu is not None:
        return vpn.mtu
    if vpn.kind == "wireguard":
        return mtu.tunnel_mtu(path_mtu, mtu.WIREGUARD[4])
    suite = presets.IPSEC_SUITES[vpn.suite]
    return mtu.ipsec_mtu(suite.transform, link_mtu=path_mtu, nat_traversal=vpn.nat_traversal)
