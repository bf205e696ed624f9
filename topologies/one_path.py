"""One path between two hosts, for throughput: a bare link, or a tunnel with the same numbers under it.

left -- VPC cloud, gw-left ==== path (a link, or a VPN's tunnel over inet) ==== gw-right, LAN office -- right
"""

from testbed import Duration, Rate, Ratio, Topology, optional, presets


def topology(t: Topology) -> None:
    """The path's numbers are those of its one slow link, whatever runs over it."""
    kind = t.param("path.kind", str, "link", "what the path is", choices=("link", "ipsec", "wireguard"))
    delay = t.param("path.delay", Duration, "10 ms", "one-way delay")
    loss = t.param("path.loss", Ratio, "0 %", "packets lost on the way from left to right")
    rate = t.param("path.rate", Rate, "100 Mbit/s", "rate of the slow link, IP packets and Ethernet headers")
    queue = t.param("path.queue", Duration, "40 ms", "how long the queue before it may grow")
    limit = t.param("vpn.rate", optional(Rate), "off", "limit of the tunnel, or off; AWS's is 1.25 Gbit/s")
    packets = t.param("vpn.packets", int, "0", "packets a second through the tunnel, 0: no limit; AWS's is 140000")

    cloud = t.vpc("cloud", "10.0.0.0/16", mtu=presets.DX_MTU.value)
    cloud.host("left", zone="a")
    left = cloud.router("gw-left", asn=64512)
    office = t.lan("office", "192.168.0.0/16")
    office.host("right")
    right = office.router("gw-right", asn=65000)

    there, back = t.impairment("path", delay=delay, loss=loss), t.impairment("path", delay=delay)
    if kind == "link":
        t.link("path", left, right, rate=rate, queue=queue, a_to_b=there, b_to_a=back, bgp=t.bgp())
        return
    inet = t.internet("inet")
    t.attach(left, inet, name="path", rate=rate, queue=queue, a_to_b=there, b_to_a=back)
    t.attach(right, inet)
    t.vpn("vpn", left, right, over=inet, kind=kind, tunnels=1, rate=limit, packets_per_s=packets or None)
