from testbed import Topology


def topology(t: Topology) -> None:
    aws = t.vpc("aws", "10.0.0.0/16")
    aws.host("aws-1", zone="a")
    vgw = aws.router("vgw", asn=64512)
    dc = t.lan("dc", "192.168.0.0/16")
    dc.host("dc-1")
    cgw = dc.router("cgw", asn=65000)
    dc.host("x", zoen="a")
    t.lan("lab", "172.16.0.0/16").router("lab", asn=65001, ecpm=2, daemon="quagga")
    t.lan("far", "172.17.0.0/16").router("far", asn=65002, kind="customer-gatewya")
    t.link("dx", vgw, cgw, dealy="5 ms", distribution="gaussian", kind="fibre")
    t.internet("inet")
    t.attach(vgw)
    t.attach(cgw)
    t.vpn("vpn", vgw, cgw, kind="gre", routing="ospf", natt=True)
