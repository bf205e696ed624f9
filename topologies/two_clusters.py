"""Two Kubernetes clusters, one in a VPC and one in a data centre, Direct Connect between them, a VPN as backup.

aws-cp --+                  +-- dx (Direct Connect, BGP + BFD) --+                     +-- onprem-cp
         +-- VPC aws, vgw --|                                    |-- cgw, LAN onprem --|
aws-1 ---+                  +-- vpn (two tunnels over inet) -----+                     +-- onprem-1, ...
"""

from testbed import Calico, Duration, Topology, optional, presets

MODES = {
    "vxlan": Calico(mode="vxlan"),
    "vxlan-cross-subnet": Calico(mode="vxlan-cross-subnet"),
    "bgp": Calico(mode="bgp"),
}


def topology(t: Topology) -> None:
    """Declare the sites, what joins them, and a cluster in each."""
    delay = t.param("dx.delay", Duration, "5 ms", "one-way delay of Direct Connect")
    bfd = t.param(
        "dx.bfd", optional(Duration), str(presets.DX_BFD_INTERVAL.value), "BFD interval on Direct Connect, or off"
    )
    vpn_delay = t.param("vpn.delay", Duration, "15 ms", "one-way delay of the Internet path under the VPN")
    workers = t.param("workers", int, "1", "workers of each cluster")
    mode = t.param("cni.mode", str, "vxlan", "how Calico takes packets between nodes", choices=tuple(MODES))

    aws = t.vpc("aws", "10.0.0.0/16")
    # Not AWS's usual 64512, which Calico's nodes have.
    vgw = aws.router("vgw", asn=64513)
    onprem = t.lan("onprem", "192.168.0.0/16")
    cgw = onprem.router("cgw", asn=65000)
    t.direct_connect("dx", vgw, cgw, delay=delay, bgp=t.bgp(bfd=bfd, local_pref=presets.LOCAL_PREF_DX.value))
    inet = t.internet("inet")
    t.attach(vgw, inet)
    t.attach(cgw, inet, delay=vpn_delay)
    t.vpn("vpn", vgw, cgw, over=inet)

    for name, site, pods in (("cloud", aws, "10.244.0.0/16"), ("premises", onprem, "10.245.0.0/16")):
        t.cluster(name, cni=MODES[mode], control_plane=site, workers={site: workers}, pods=pods)
