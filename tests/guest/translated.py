"""A NAT gateway, two offices with one range, and guards of every kind on the way: each says something of the others."""

from testbed import Topology


def topology(t: Topology) -> None:
    """Rules name others as they are seen; ACLs of a subnet see what its hosts send, and what the NAT gateway does."""
    aws = t.vpc("aws", "10.0.0.0/16")
    private, public = aws.subnet("private"), aws.subnet("public")
    aws.host("app", subnet=private)
    vgw = aws.router("vgw", asn=64512, transits=True)
    t.nat_gateway("nat", aws, subnet=public, serves=[private])
    some = ["in tcp 443-65535 from any", "in icmp from any", "in udp 40000-65535 from berlin", "out any to any"]
    t.network_acl("private", aws, some, subnets=[private])
    offices = (("berlin", "100.64.0.0/16", 65001), ("madrid", "100.65.0.0/16", 65002))
    rules = ["in tcp 443 from aws", "in udp 4789 from any", "out icmp to any", "out tcp to aws", "out udp to berlin"]
    for name, seen_as, asn in offices:
        office = t.lan(name, "192.168.0.0/16", seen_as=seen_as)
        office.host(f"{name}-1")
        t.direct_connect(f"dx-{name}", vgw, office.router(f"gw-{name}", asn=asn), delay="5 ms")
        t.firewall(name, office, rules)
    group = ["in tcp 443 from 10.0.1.0/24", "in udp 4789 from any", "out any to any"]
    t.security_group("madrid-1", ["madrid-1"], group)
