"""Security groups and network ACLs that cannot be."""

from testbed import Topology


def topology(t: Topology) -> None:
    aws = t.vpc("aws", "10.0.0.0/16")
    host = aws.host("aws-a")
    lonely = t.lan("lonely", "192.168.0.0/16")
    t.security_group("group", [], ["in tcp 443 from any"])
    t.security_group("group", [host, "aws-b"], ["deny in tcp 443 from any", "in tcp 443", "up tcp 443 from any"])
    t.security_group("Bad Name", [host], ["in sctp 1 from any", "in tcp 443 to any", "in icmp 8 from any"])
    t.security_group("ports", [host], ["in tcp 0 from any", "in tcp 9-1 from any", "in tcp http from any"])
    t.security_group("peers", [host], ["in tcp 1 from aw", "in tcp 1 from 10.0.0.1/16", f"in tcp 1 from {'x' * 60}"])
    t.network_acl("acl", lonely, ["allow in any from any"], subnets=["lonly"])
    t.security_group("groups", [host], ["in any from group:peers", "in any from group:peer", "in any from group:"])
    t.firewall("wall", aws, ["in any from group:peers"])
    t.security_group("texts", host, "in tcp 443 from any")
