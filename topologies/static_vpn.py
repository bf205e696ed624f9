"""No Direct Connect and no BGP: a Site-to-Site VPN with static routes, moved to its second tunnel by IKE's DPD alone.

aws-a --+                    == vpn-1 ==                  +-- dc-1
        +-- VPC aws, vgw -- inet ------- inet -- cgw, LAN dc --+
aws-b --+                    == vpn-2 ==                  +-- dc-2
"""

from testbed import Duration, Rate, Ratio, Topology, presets


def topology(t: Topology) -> None:
    """The first tunnel carries everything; without its IKE session its interfaces go down, and the routes into it."""
    delay = t.param("vpn.delay", Duration, "15 ms", "one-way delay of the Internet path under the VPN")
    loss = t.param("vpn.loss", Ratio, "0 %", "packets lost on that path, each direction")
    rate = t.param("vpn.rate", Rate, str(presets.VPN_RATE.value), "limit of each tunnel")
    dpd = t.param("vpn.dpd", Duration, str(presets.VPN_DPD.value), "IKE's DPD timeout")
    follows = t.param("vpn.follows_ike", str, "yes", "whether the interfaces follow IKE", choices=("yes", "no"))
    daemon = t.param("routing.daemon", str, "bird", "routing daemon of both gateways", choices=("bird", "frr"))

    aws = t.vpc("aws", "10.0.0.0/16")
    aws.host("aws-a", zone="a")
    aws.host("aws-b", zone="b")
    vgw = aws.router("vgw", asn=64512, daemon=daemon)

    dc = t.lan("dc", "192.168.0.0/16")
    dc.hosts("dc-", 2)
    cgw = dc.router("cgw", asn=65000, daemon=daemon)

    inet = t.internet("inet")
    t.attach(vgw, inet)
    t.attach(cgw, inet, delay=delay, loss=loss)
    t.vpn("vpn", vgw, cgw, over=inet, routing="static", rate=rate, dpd=dpd, follows_ike=follows == "yes")
