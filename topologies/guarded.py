"""A VPC with a security group and a network ACL, a data centre behind Direct Connect, and a rule that was forgotten.

web --+                                              +-- db (its own group: TCP 5432 from the VPC alone)
      +-- VPC aws, vgw -- dx (Direct Connect) -- cgw --+
batch +   ACL on zone b: no answers to UDP           +-- ops
"""

from testbed import Duration, Topology, presets


def topology(t: Topology) -> None:
    """Two sites; who may speak to whom is the question."""
    delay = t.param("dx.delay", Duration, "5 ms", "one-way delay of Direct Connect")

    aws = t.vpc("aws", "10.0.0.0/16")
    web = aws.host("web", zone="a")
    aws.host("batch", zone="b")
    vgw = aws.router("vgw", asn=64512)

    dc = t.lan("dc", "192.168.0.0/16")
    db = dc.host("db")
    dc.host("ops")
    cgw = dc.router("cgw", asn=65000)

    bfd = presets.DX_BFD_INTERVAL.value
    t.direct_connect("dx", vgw, cgw, delay=delay, bgp=t.bgp(bfd=bfd))

    everything_out = "out any to any"
    t.security_group("web", [web], ["in tcp 443 from any", "in icmp from dc", everything_out])
    t.security_group("db", [db], ["in tcp 5432 from aws", "in udp 4789 from any", everything_out])
    # TCP's answers to 1024-65535 are let in; those to UDP were forgotten.
    t.network_acl(
        "zone-b", aws, ["allow in icmp from any", "allow in tcp 443-65535 from any", "allow out any to any"],
        subnets=["aws-b"],
    )  # fmt: skip
