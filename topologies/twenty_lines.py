"""A VPC and a data centre with Direct Connect between them: the smallest topology of one's own."""

from testbed import Duration, Topology


def topology(t: Topology) -> None:
    """Two sites, a link, and a parameter for --set."""
    delay = t.param("dx.delay", Duration, "5 ms", "one-way delay of Direct Connect")

    cloud = t.vpc("cloud", "10.0.0.0/16")
    cloud.hosts("worker-", 2, zone="a")
    vgw = cloud.router("vgw", asn=64512)

    office = t.lan("office", "192.168.0.0/16")
    office.host("server")
    cgw = office.router("cgw", asn=65000)

    t.direct_connect("dx", vgw, cgw, rate="1 Gbit/s", delay=delay, loss="0.01 %")
