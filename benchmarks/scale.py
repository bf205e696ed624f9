"""A topology of as many hosts as asked for: what does a host cost?"""

from testbed import Topology


def topology(t: Topology) -> None:
    """One VPC and one LAN, half of the hosts each, joined by Direct Connect."""
    hosts = t.param("hosts", int, "100", "how many hosts")
    aws = t.vpc("aws", "10.0.0.0/8")
    aws.hosts("a", hosts // 2, zone="a", delay="0.1 ms")
    vgw = aws.router("vgw", asn=64512)
    dc = t.lan("dc", "172.16.0.0/12")
    dc.hosts("d", hosts - hosts // 2, delay="0.1 ms")
    cgw = dc.router("cgw", asn=65000)
    t.direct_connect("dx", vgw, cgw, delay="5 ms", bgp=t.bgp(bfd="300 ms"))
