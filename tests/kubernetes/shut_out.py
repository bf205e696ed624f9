"""A cluster whose workers may not speak to its API server: kubeadm cannot join them."""

from testbed import Calico, Topology


def topology(t: Topology) -> None:
    """A control plane behind a security group that somebody made too narrow."""
    aws, onprem = t.vpc("aws", "10.0.0.0/16"), t.lan("onprem", "192.168.0.0/16")
    vgw, cgw = aws.router("vgw", asn=64512), onprem.router("cgw", asn=65000)
    t.direct_connect("dx", vgw, cgw, delay="1 ms", bgp=t.bgp())
    cluster = t.cluster("prod", cni=Calico(), control_plane=aws, workers={onprem: 1})
    t.security_group(
        "control-plane", list(cluster.control_plane), ["in tcp 22 from any", "in udp 4789 from any", "out any to any"]
    )
