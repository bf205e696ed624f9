from testbed import Topology


def topology(t: Topology) -> None:
    aws = t.vpc("aws", "10.0.0.0/16")
    aws.host("aws-1", zone="a")
    vgw = aws.router("vgw", asn=64512)
    dc = t.lan("dc", "192.168.0.0/16")
    dc.host("dc-1")
    cgw = dc.router("cgw", asn=65000)
    t.direct_connect("short", vgw, cgw, bgp=t.bgp(hold="2 s"))
    t.direct_connect("fraction", vgw, cgw, bgp=t.bgp(hold="3.5 s"))
    t.direct_connect("lazy", vgw, cgw, bgp=t.bgp(hold="30 s", keepalive="20 s"))
    t.direct_connect("hasty", vgw, cgw, bgp=t.bgp(bfd="1 ms", bfd_multiplier=1))
    t.direct_connect("fine", vgw, cgw, bgp=t.bgp(bfd="10.5 ms"))
    t.direct_connect("numbers", vgw, cgw, bgp=t.bgp(local_pref=1, med=(-1, None), prepend=(0, 101), prefix_limit=0))
    t.direct_connect("marks", vgw, cgw, bgp=t.bgp(communities=((65536, 1),)))
    twin = t.lan("twin", "172.16.0.0/16").router("twin", asn=64512)
    t.direct_connect("same-as", vgw, twin)
