"""A data centre whose firewalls see half of each connection: in by the second router, out by the first."""

from testbed import Topology


def topology(t: Topology) -> None:
    """TCP and UDP to the data centre are allowed by both firewalls; answers are known to one that lets none pass."""
    cloud, office = t.vpc("cloud", "10.0.0.0/16"), t.lan("office", "192.168.0.0/16")
    cloud.host("app")
    office.host("store")
    vgw = cloud.router("vgw", asn=64512)
    for number, med in (("1", 1), ("2", 0)):
        gateway = office.router(f"cgw-{number}", asn=65000)
        t.direct_connect(f"dx-{number}", vgw, gateway, bgp=t.bgp(med=(None, med)))
    t.firewall("wall", office, ["in tcp 443 from cloud", "in udp 4789 from cloud"])
