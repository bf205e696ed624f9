"""Route reflectors in sites of several zones, and routers of two kinds."""

from testbed import Calico, Topology


def topology(t: Topology) -> None:
    """A VPC with nodes in two zones whose router is FRR, and a LAN whose router is BIRD."""
    aws, dc = t.vpc("aws", "10.0.0.0/16"), t.lan("dc", "192.168.0.0/16")
    vgw, cgw = aws.router("vgw", asn=64512, daemon="frr"), dc.router("cgw", asn=65000)
    t.direct_connect("dx", vgw, cgw, delay="5 ms", bgp=t.bgp())
    cni = Calico(mode="bgp", asn=64513, reflectors=1, dataplane="nftables")
    t.cluster("prod", cni=cni, control_plane=aws, workers={aws: 2, dc: 1})
