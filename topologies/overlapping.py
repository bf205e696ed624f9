"""Two offices with the same range and a VPC between them: each office is seen as a range that is nobody's.

app -- nat -- vgw --+-- dx-berlin -- gw-berlin -- berlin-1   192.168.0.0/16, seen as 100.64.0.0/16
    10.0.0.0/16     +-- dx-madrid -- gw-madrid -- madrid-1   192.168.0.0/16, seen as 100.65.0.0/16
"""

from testbed import Duration, Topology, presets


def topology(t: Topology) -> None:
    """A VPC with a NAT gateway joins two sites that were planned by people who had not met."""
    idle = t.param("nat.idle", Duration, str(presets.NAT_IDLE.value), "after which it forgets a silent connection")
    most = t.param("nat.connections", int, str(presets.NAT_CONNECTIONS.value), "at once to one address, port, protocol")
    delay = t.param("dx.delay", Duration, "5 ms", "one-way delay of each Direct Connect")

    aws = t.vpc("aws", "10.0.0.0/16")
    private, public = aws.subnet("private"), aws.subnet("public")
    aws.host("app", subnet=private)
    vgw = aws.router("vgw", asn=64512, transits=True)
    t.nat_gateway("nat", aws, subnet=public, serves=[private], idle=idle, connections=most)

    for name, seen_as, asn in (("berlin", "100.64.0.0/16", 65001), ("madrid", "100.65.0.0/16", 65002)):
        office = t.lan(name, "192.168.0.0/16", seen_as=seen_as)
        office.host(f"{name}-1")
        t.direct_connect(f"dx-{name}", vgw, office.router(f"gw-{name}", asn=asn), delay=delay)
