"""A VPC and a data centre, each with its own DNS server that asks the other for the other's names.

aws-a --+                                          +-- dc-1
        +-- VPC aws, vgw -- dx (Direct Connect) -- cgw --+
aws-dns +   aws.internal                dc.internal +-- dc-dns
"""

from testbed import Duration, Topology, optional, presets


def topology(t: Topology) -> None:
    """Two sites, two domains; the VPC's resolver stands for Route 53's, its endpoints and its rule."""
    delay = t.param("dx.delay", Duration, "5 ms", "one-way delay of Direct Connect")
    bfd = t.param("dx.bfd", optional(Duration), str(presets.DX_BFD_INTERVAL.value), "BFD interval, or off")
    hold = t.param("dx.hold", Duration, str(presets.DX_BGP_HOLD.value), "BGP hold time on Direct Connect")
    near = t.param("dns.delay", Duration, "250 us", "one-way delay between a resolver and its switch")
    ttl = t.param("dns.ttl", Duration, "60 s", "how long an answer may be kept")
    mistake = t.param(
        "dns.mistake", str, "none", choices=("none", "group", "rule"),
        help="group: that of the VPC's resolver forgets the data centre; rule: the data centre's resolver has none",
    )  # fmt: skip

    aws = t.vpc("aws", "10.0.0.0/16")
    aws.host("aws-a", zone="a")
    inbound = aws.resolver(aws.host("aws-dns", zone="b", delay=near), ttl=ttl)
    vgw = aws.router("vgw", asn=64512)

    dc = t.lan("dc", "192.168.0.0/16")
    dc.host("dc-1")
    dc.resolver(dc.host("dc-dns", delay=near), ttl=ttl, forwards_to=[] if mistake == "rule" else None)
    cgw = dc.router("cgw", asn=65000)

    t.direct_connect("dx", vgw, cgw, delay=delay, bgp=t.bgp(bfd=bfd, hold=hold))
    if mistake == "group":
        t.security_group("inbound", [inbound], ["in udp 53 from aws", "in tcp 53 from aws", "out any to any"])
