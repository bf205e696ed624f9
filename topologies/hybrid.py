"""The hybrid reference: a VPC and a data centre, Direct Connect between them, a Site-to-Site VPN as backup.

aws-a --+                 +-- dx (Direct Connect, BGP + BFD) --+                +-- dc-1
        +-- VPC aws, vgw --|                                    |-- cgw, LAN dc --+
aws-b --+                 +-- vpn (two tunnels over inet) -----+                +-- dc-2
"""

from testbed import Duration, Rate, Ratio, Topology, optional, presets


def topology(t: Topology) -> None:
    """Declare the parameters, then the sites, then what joins them."""
    delay = t.param("dx.delay", Duration, "5 ms", "one-way delay of Direct Connect")
    jitter = t.param("dx.jitter", Duration, "0 ms", "standard deviation of that delay")
    loss = t.param("dx.loss", Ratio, "0 %", "packets lost on Direct Connect, each direction")
    rate = t.param("dx.rate", Rate, "1 Gbit/s", "port speed of Direct Connect")
    hosted = t.param("dx.hosted", str, "no", "hosted connection: policed, not shaped", choices=("no", "yes"))
    bfd = t.param(
        "dx.bfd", optional(Duration), str(presets.DX_BFD_INTERVAL.value), "BFD interval on Direct Connect, or off"
    )
    hold = t.param(
        "dx.hold", Duration, str(presets.DX_BGP_HOLD.value), "BGP hold time on Direct Connect; keepalive is a third"
    )
    vpn_kind = t.param("vpn.kind", str, "ipsec", "what the tunnels are", choices=("ipsec", "wireguard"))
    vpn_delay = t.param("vpn.delay", Duration, "15 ms", "one-way delay of the Internet path under the VPN")
    vpn_loss = t.param("vpn.loss", Ratio, "0 %", "packets lost on that path, each direction")
    vpn_routing = t.param("vpn.routing", str, "bgp", "how routes enter the tunnels", choices=("bgp", "static"))
    daemon = t.param("routing.daemon", str, "bird", "routing daemon of both gateways", choices=("bird", "frr"))

    aws = t.vpc("aws", "10.0.0.0/16")
    aws.host("aws-a", zone="a")
    aws.host("aws-b", zone="b")
    vgw = aws.router("vgw", asn=64512, daemon=daemon)

    dc = t.lan("dc", "192.168.0.0/16")
    dc.host("dc-1")
    dc.host("dc-2")
    cgw = dc.router("cgw", asn=65000, daemon=daemon)

    t.direct_connect(
        "dx", vgw, cgw, rate=rate, hosted=hosted == "yes", delay=delay, jitter=jitter, loss=loss,
        bgp=t.bgp(hold=hold, bfd=bfd, local_pref=presets.LOCAL_PREF_DX.value),
    )  # fmt: skip

    inet = t.internet("inet")
    t.attach(vgw, inet)
    t.attach(cgw, inet, delay=vpn_delay, loss=vpn_loss)
    t.vpn("vpn", vgw, cgw, over=inet, kind=vpn_kind, routing=vpn_routing)
