from testbed import Topology


def topology(t: Topology) -> None:
    t.param("good", str, "a", "one of two", choices=("a", "b"))
    aws = t.vpc("aws", "10.0.0.0/16")
    aws.host("aws-1", zone="a")
    vgw = aws.router("vgw", asn=64512)
    dc = t.lan("dc", "192.168.0.0/16")
    dc.host("dc-1")
    cgw = dc.router("cgw", asn=65000)
    t.link("bare", vgw, cgw, delay=20, rate="100")
    t.link("units", vgw, cgw, delay="20 sec", loss="1", rate="1 mbps")
    t.link("range", vgw, cgw, delay="-1 ms", loss="101 %")
    t.link("fine", vgw, cgw, delay="0.5 ns", queue="fifty", rate="1 Gbit/s")
    t.link("model", vgw, cgw, loss=t.gilbert_elliott(p="1", r="30 %"))
    t.direct_connect("bgp", vgw, cgw, bgp=t.bgp(hold="90", bfd="off"))
    t.direct_connect("structure", vgw, "nowhere")
