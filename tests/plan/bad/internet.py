from testbed import Topology


def topology(t: Topology) -> None:
    aws = t.vpc("aws", "10.0.0.0/16")
    aws.host("aws-1", zone="a")
    vgw = aws.router("vgw", asn=64512)
    dc = t.lan("dc", "192.168.0.0/16")
    dc.host("dc-1")
    cgw = dc.router("cgw", asn=65000)
    inet = t.internet("inet")
    second = t.internet("inet-2")
    t.attach(vgw, inet)
    t.attach(vgw, second)
    t.attach(vgw, cgw, name="not-inet")
    t.attach(inet, second, name="between")
    t.link("wrong-kind", cgw, inet)
    t.link("jumbo", cgw, inet, kind="internet", mtu=9000, bgp=t.bgp())
    t.link("speaks", cgw, inet, bgp=t.bgp())
