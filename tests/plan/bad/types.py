from testbed import Topology


def topology(t: Topology) -> None:
    aws = t.vpc("aws", "10.0.0.0/16", mtu="9001")
    vgw = aws.router("vgw", asn="64512")
    dc = t.lan("dc", "192.168.0.0/16", ospf=1)
    cgw = dc.router("cgw", asn=65000)
    dc.host(1)
    t.link("dx", vgw, cgw, policed="no")
