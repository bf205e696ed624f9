"""No Direct Connect: two VPN connections on a transit gateway, each to a router of its own; all tunnels used (ECMP).

aws-a --+                 ===== vpn-a-1, vpn-a-2 ==== cgw-1 --+             +-- dc-1
        +-- VPC aws, tgw -- inet                               | iBGP, LAN dc |
aws-b --+                 ===== vpn-b-1, vpn-b-2 ==== cgw-2 --+             +-- dc-2
"""

from testbed import Duration, Rate, Ratio, Topology, presets


def topology(t: Topology) -> None:
    """Flows of the VPC spread over four tunnels; those of the data centre leave through cgw-1, over its two."""
    delay = t.param("vpn.delay", Duration, "15 ms", "one-way delay of the Internet path under the VPNs")
    loss = t.param("vpn.loss", Ratio, "0 %", "packets lost on that path, each direction")
    rate = t.param("vpn.rate", Rate, str(presets.VPN_RATE.value), "limit of each tunnel")
    kind = t.param("vpn.kind", str, "ipsec", "what the tunnels are", choices=("ipsec", "wireguard"))
    daemon = t.param("routing.daemon", str, "bird", "routing daemon of all gateways", choices=("bird", "frr"))

    aws = t.vpc("aws", "10.0.0.0/16")
    aws.host("aws-a", zone="a")
    aws.host("aws-b", zone="b")
    tgw = aws.router("tgw", kind="transit-gateway", asn=64512, ecmp=4, daemon=daemon)

    dc = t.lan("dc", "192.168.0.0/16")
    dc.hosts("dc-", 2)
    first, second = (dc.router(name, asn=65000, ecmp=2, daemon=daemon) for name in ("cgw-1", "cgw-2"))

    inet = t.internet("inet")
    t.attach(tgw, inet)
    for cgw in (first, second):
        t.attach(cgw, inet, delay=delay, loss=loss)
    for name, cgw in (("vpn-a", first), ("vpn-b", second)):
        t.vpn(name, tgw, cgw, over=inet, kind=kind, tunnels=2, rate=rate)
