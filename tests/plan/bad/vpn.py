from testbed import Topology


def topology(t: Topology) -> None:
    aws = t.vpc("aws", "10.0.0.0/16")
    vgw = aws.router("vgw", asn=64512)
    cgw = t.lan("dc", "192.168.0.0/16").router("cgw", asn=65000)
    far = t.lan("far", "172.16.0.0/16").router("far", asn=65001)
    inet = t.internet("inet")
    t.attach(vgw, inet)
    t.vpn("unattached", vgw, cgw)
    t.attach(far, inet, mtu=1300)
    t.vpn("over-site", vgw, far, over="dc")
    t.vpn("none", vgw, far, mtu=1290, tunnels=0)
    t.vpn("suite", vgw, far, suite="aes128gmc16")
    t.vpn("both", vgw, far, mtu=1290, routing="static", bgp=t.bgp())
    t.vpn("too-tight", vgw, far)
    t.vpn("mtu", vgw, far, mtu=1400)
    t.vpn("timers", vgw, far, mtu=1290, dpd="0.5 s", ike_lifetime="1 s", child_lifetime="3.5 s", packets_per_s=0)
    t.vpn("ends", vgw, vgw, mtu=1290)
    t.vpn("follows", vgw, far, mtu=1290, follows_ike=True)
