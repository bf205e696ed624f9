"""Two sites and nothing but a VPN between them."""

from testbed import Duration, Topology


def topology(t: Topology) -> None:
    """Both gateways on one Internet; the suite and the lifetimes can be set."""
    suite = t.param("vpn.suite", str, "aes128gcm16", "IPsec proposal")
    nat = t.param("vpn.nat", str, "no", "ESP in UDP", choices=("no", "yes"))
    lifetime = t.param("vpn.lifetime", Duration, "3600 s", "of the phase 2 keys")
    icmp = t.param("vpn.icmp", str, "yes", "whether the provider's router sends what path MTU discovery needs")
    clamp = t.param("vpn.clamp", str, "yes", "whether the MSS of TCP is clamped")
    aws = t.vpc("aws", "10.0.0.0/16")
    aws.host("aws-a")
    vgw = aws.router("vgw", asn=64512, blocks_icmp=icmp == "no")
    dc = t.lan("dc", "192.168.0.0/16")
    dc.host("dc-1")
    cgw = dc.router("cgw", asn=65000)
    inet = t.internet("inet")
    t.attach(vgw, inet)
    t.attach(cgw, inet, delay="15 ms")
    t.vpn(
        "vpn", vgw, cgw, over=inet, tunnels=1, suite=suite, nat_traversal=nat == "yes", child_lifetime=lifetime,
        clamp_mss=clamp == "yes",
    )  # fmt: skip
