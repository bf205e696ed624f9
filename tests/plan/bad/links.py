from testbed import Topology


def topology(t: Topology) -> None:
    aws = t.vpc("aws", "10.0.0.0/16")
    aws.host("aws-1", zone="a")
    vgw = aws.router("vgw", asn=64512)
    dc = t.lan("dc", "192.168.0.0/16")
    dc.host("dc-1")
    cgw = dc.router("cgw", asn=65000)
    t.link("no-end", vgw, "cwg")
    t.link("loop", vgw, vgw)
    t.link("slow", vgw, cgw, rate="1 kbit/s")
    t.link("fast", vgw, cgw, rate="401 Gbit/s")
    t.link("nothing", vgw, cgw, policed=True)
    t.link("tiny", vgw, cgw, mtu=1279)
    t.link("huge", vgw, cgw, mtu=9002)
    t.link("long-queue", vgw, cgw, rate="400 Gbit/s", queue="1 s")
    t.link("long-delay", vgw, cgw, rate="400 Gbit/s", delay="1 h")
    once = t.impairment(delay="1 ms")
    t.link("both", vgw, cgw, a_to_b=once, b_to_a=once, delay="2 ms")
