"""A data centre with two gateways that speak OSPF, one of which leads to the VPC."""

from testbed import Topology


def topology(t: Topology) -> None:
    """The other gateway knows the VPC from its sibling alone."""
    aws = t.vpc("aws", "10.0.0.0/16")
    aws.host("aws-a")
    vgw = aws.router("vgw", asn=64512)
    dc = t.lan("dc", "192.168.0.0/16", ospf=True)
    dc.host("dc-1")
    near = dc.router("near", asn=65000)
    dc.router("far", asn=65000)
    t.direct_connect("dx", vgw, near)
