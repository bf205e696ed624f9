"""The classic hybrid black hole: 9001 in the VPC, 1446 in the tunnel, and the message that would tell is filtered.

app (9001) -- VPC, vgw (drops ICMP) == vpn over the Internet, MTU 1446 == cgw -- LAN (9001), store
"""

from testbed import Topology, presets


def topology(t: Topology) -> None:
    """Mended by ``--set vpn.clamp=yes``, or by ``--set mtu=1446`` at the hosts."""
    clamp = t.param("vpn.clamp", str, "no", "clamp the MSS of TCP through the tunnels", choices=("no", "yes"))
    suite = t.param("vpn.suite", str, "aes128gcm16", "IPsec proposal", choices=tuple(presets.IPSEC_SUITES))
    nat = t.param("vpn.nat", str, "no", "wrap ESP in UDP", choices=("no", "yes"))
    mtu = t.param("mtu", int, str(presets.VPC_MTU.value), "MTU of both sites")
    icmp = t.param("icmp", str, "filtered", "what path MTU discovery needs, at both gateways",
                   choices=("filtered", "passes"))  # fmt: skip

    cloud = t.vpc("cloud", "10.0.0.0/16", mtu=mtu)
    cloud.host("app", zone="a")
    vgw = cloud.router("vgw", asn=64512, blocks_icmp=icmp == "filtered")
    office = t.lan("office", "192.168.0.0/16", mtu=mtu)
    office.host("store")
    cgw = office.router("cgw", asn=65000, blocks_icmp=icmp == "filtered")

    inet = t.internet("inet")
    t.attach(vgw, inet, delay="5 ms")
    t.attach(cgw, inet, delay="5 ms")
    t.vpn(
        "vpn", vgw, cgw, over=inet, suite=suite, nat_traversal=nat == "yes", clamp_mss=clamp == "yes"
    )  # fmt: skip
