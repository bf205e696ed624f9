"""A cluster in one subnet: what needs nodes to be neighbours works here."""

from testbed import Flannel, Topology


def topology(t: Topology) -> None:
    """A control plane and two workers in a LAN."""
    lab = t.lan("lab", "192.168.0.0/16")
    lab.router("gw", asn=65000)
    t.cluster("prod", cni=Flannel(mode="host-gw"), control_plane=lab, workers={lab: 2})
