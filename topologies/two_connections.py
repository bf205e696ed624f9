"""Two Direct Connects at different locations, one preferred, each on a router of its own in the data centre.

aws-a --+                +-- dx-near -- cgw-1 --+             +-- dc-1
        +-- VPC aws, vgw |                      | iBGP, LAN dc |
aws-b --+                +-- dx-far --- cgw-2 --+             +-- dc-2
"""

from testbed import Duration, Rate, Topology, optional, presets


def topology(t: Topology) -> None:
    """The near connection carries everything; the far one waits, from a location further away."""
    near = t.param("near.delay", Duration, "2 ms", "one-way delay of the preferred connection")
    far = t.param("far.delay", Duration, "7 ms", "one-way delay of the other connection")
    rate = t.param("dx.rate", Rate, "1 Gbit/s", "port speed of both connections")
    bfd = t.param("dx.bfd", optional(Duration), str(presets.DX_BFD_INTERVAL.value), "BFD interval on both, or off")
    hold = t.param("dx.hold", Duration, str(presets.DX_BGP_HOLD.value), "BGP hold time on both; keepalive is a third")
    daemon = t.param("routing.daemon", str, "bird", "routing daemon of all gateways", choices=("bird", "frr"))

    aws = t.vpc("aws", "10.0.0.0/16")
    aws.host("aws-a", zone="a")
    aws.host("aws-b", zone="b")
    vgw = aws.router("vgw", asn=64512, daemon=daemon)

    dc = t.lan("dc", "192.168.0.0/16")
    dc.hosts("dc-", 2)
    first, second = (dc.router(name, asn=65000, daemon=daemon) for name in ("cgw-1", "cgw-2"))

    preferred = presets.LOCAL_PREF_DX.value
    t.direct_connect("dx-near", vgw, first, rate=rate, delay=near, bgp=t.bgp(hold=hold, bfd=bfd, local_pref=preferred))
    t.direct_connect(
        "dx-far", vgw, second, rate=rate, delay=far, bgp=t.bgp(hold=hold, bfd=bfd, local_pref=preferred - 1)
    )
