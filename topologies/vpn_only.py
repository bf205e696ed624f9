"""No Direct Connect: a Site-to-Site VPN on a transit gateway, whose two tunnels are used at once (ECMP).

aws-1 -- VPC aws, tgw -- inet -- cgw -- LAN dc -- dc-1
                  ===== vpn-1 ====
                  ===== vpn-2 ====
"""

from testbed import Duration, Rate, Ratio, Topology, presets


def topology(t: Topology) -> None:
    """Flows spread over the tunnels; each keeps to one."""
    delay = t.param("inet.delay", Duration, "15 ms", "one-way delay of the Internet path")
    jitter = t.param("inet.jitter", Duration, "1 ms", "standard deviation of that delay")
    loss = t.param("inet.loss", Ratio, "0 %", "packets lost on that path, each direction")
    tunnels = t.param("vpn.tunnels", int, "2", "how many tunnels")
    rate = t.param("vpn.rate", Rate, str(presets.VPN_RATE.value), "limit of each tunnel")
    kind = t.param("vpn.kind", str, "ipsec", "what the tunnels are", choices=("ipsec", "wireguard"))
    suite = t.param("vpn.suite", str, "aes128gcm16", "IPsec proposal", choices=tuple(presets.IPSEC_SUITES))
    daemon = t.param("routing.daemon", str, "bird", "routing daemon of both gateways", choices=("bird", "frr"))

    aws = t.vpc("aws", "10.0.0.0/16")
    aws.host("aws-1", zone="a")
    tgw = aws.router("tgw", kind="transit-gateway", asn=64512, ecmp=tunnels, daemon=daemon)

    dc = t.lan("dc", "192.168.0.0/16")
    dc.host("dc-1")
    cgw = dc.router("cgw", asn=65000, ecmp=tunnels, daemon=daemon)

    inet = t.internet("inet")
    t.attach(tgw, inet)
    t.attach(cgw, inet, delay=delay, jitter=jitter, loss=loss)
    t.vpn("vpn", tgw, cgw, over=inet, kind=kind, suite=suite, tunnels=tunnels, rate=rate)
