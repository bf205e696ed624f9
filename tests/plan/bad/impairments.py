from testbed import Topology


def topology(t: Topology) -> None:
    aws = t.vpc("aws", "10.0.0.0/16")
    aws.host("aws-1", zone="a")
    vgw = aws.router("vgw", asn=64512)
    dc = t.lan("dc", "192.168.0.0/16")
    dc.host("dc-1")
    cgw = dc.router("cgw", asn=65000)
    t.link("jitter", vgw, cgw, delay="5 ms", jitter="5 ms")
    t.link("constant", vgw, cgw, delay="5 ms", jitter="1 ms", distribution="constant")
    t.link("slow-shape", vgw, cgw, delay="20 s", jitter="3 s")
    t.link("delay-corr", vgw, cgw, delay="5 ms", jitter="1 ms", delay_correlation="25 %")
    t.link("no-loss", vgw, cgw, loss_correlation="25 %")
    t.link("all-corr", vgw, cgw, loss="1 %", loss_correlation="100 %")
    t.link("reorder", vgw, cgw, reorder="1 %")
    t.link("gap", vgw, cgw, delay="1 ms", reorder_gap=0)
    t.link("no-table", vgw, cgw, delay="5 ms", jitter="1 ms", distribution="table")
    t.link("unused", vgw, cgw, delay="5 ms", jitter="1 ms", table=["1 ms", "2 ms"])
    t.link("four", vgw, cgw, loss=t.four_state(p13="1 %", p32="1 %"))
    t.link("burst", vgw, cgw, slot=t.slot(min="2 ms", max="1 ms"))
    once = t.impairment(delay="1 ms", jitter="1 ms")
    t.link("one-way", vgw, cgw, b_to_a=once)
