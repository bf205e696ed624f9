"""A cluster in two sites, each with a resolver of its own."""

from testbed import Topology


def topology(t: Topology) -> None:
    """One worker in each site."""
    aws = t.vpc("aws", "10.0.0.0/16")
    aws.resolver(aws.host("aws-dns"))
    vgw = aws.router("vgw", asn=64512)
    onprem = t.lan("onprem", "192.168.0.0/16")
    onprem.resolver(onprem.host("onprem-dns"))
    cgw = onprem.router("cgw", asn=65000)
    t.direct_connect("dx", vgw, cgw, delay="5 ms")
    t.cluster("prod", control_plane=aws, workers={aws: 1, onprem: 1})
