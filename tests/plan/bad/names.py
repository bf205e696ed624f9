from testbed import Topology


def topology(t: Topology) -> None:
    dc = t.lan("dc", "192.168.0.0/16")
    dc.host("Web_1")
    dc.host("fabric")
    dc.host("a-name-that-is-too-long")
    dc.host("twice")
    dc.host("twice")
    t.lan("dc-2", "172.16.0.0/16").host("twice")
    a = dc.router("gw", asn=65000)
    b = t.vpc("aws", "10.0.0.0/16").router("vgw", asn=64512)
    t.link("twice", a, b)
    t.link("lan0", a, b)
    t.link("own4", a, b)
    t.link("dx", a, b)
    t.link("dx", a, b)
    t.lan("dc", "172.17.0.0/16")
