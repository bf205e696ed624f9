"""One Kubernetes cluster in two sites: its control plane in a VPC, workers there and in a data centre.

aws-cp --+                  +-- dx (Direct Connect, BGP + BFD) --+
         +-- VPC aws, vgw --|                                    |-- cgw, LAN onprem -- onprem-1, onprem-2, ...
aws-1 ---+                  +-- vpn (two tunnels over inet) -----+
"""

from dataclasses import replace

from testbed import Calico, Duration, Flannel, Size, Taint, Topology, optional, presets

# A VPC's gateway has the number that Calico's nodes have unless told otherwise.
CNIS: dict[str, Calico | Flannel] = {
    "calico-vxlan": Calico(mode="vxlan"),
    "calico-vxlan-cross-subnet": Calico(mode="vxlan-cross-subnet"),
    "calico-bgp": Calico(mode="bgp", asn=64513),
    "calico-wireguard": Calico(mode="vxlan", wireguard=True),
    "calico-nftables": Calico(mode="vxlan", dataplane="nftables"),
    "flannel-vxlan": Flannel(mode="vxlan"),
    "flannel-ipip": Flannel(mode="ipip"),
    "flannel-wireguard": Flannel(mode="wireguard"),
}


def topology(t: Topology) -> None:
    """Declare the sites, what joins them, and the cluster that is stretched over both."""
    delay = t.param("dx.delay", Duration, "5 ms", "one-way delay of Direct Connect")
    bfd = t.param(
        "dx.bfd", optional(Duration), str(presets.DX_BFD_INTERVAL.value), "BFD interval on Direct Connect, or off"
    )
    vpn_delay = t.param("vpn.delay", Duration, "15 ms", "one-way delay of the Internet path under the VPN")
    vpn = t.param("vpn", str, "yes", "a VPN for the day on which Direct Connect is lost", choices=("no", "yes"))
    workers = t.param("workers", int, "1", "workers in the data centre")
    joined = t.param("cni", str, "calico-vxlan", "what joins pods, and how", choices=tuple(CNIS))
    mtu = t.param("pods.mtu", optional(Size), "off", "MTU of pods; off: what the narrowest way leaves")
    tainted = t.param("tainted", str, "no", "keep pods that do not ask for it off these workers", choices=("no", "yes"))
    files = t.param("files", str, "no", "a file server on premises that nodes may mount", choices=("no", "yes"))

    aws = t.vpc("aws", "10.0.0.0/16")
    vgw = aws.router("vgw", asn=64512)
    onprem = t.lan("onprem", "192.168.0.0/16")
    cgw = onprem.router("cgw", asn=65000)
    t.direct_connect("dx", vgw, cgw, delay=delay, bgp=t.bgp(bfd=bfd, local_pref=presets.LOCAL_PREF_DX.value))
    if vpn == "yes":
        inet = t.internet("inet")
        t.attach(vgw, inet)
        t.attach(cgw, inet, delay=vpn_delay)
        t.vpn("vpn", vgw, cgw, over=inet)

    taint = Taint(key="eks.amazonaws.com/compute-type", value="hybrid", effect="NoSchedule")
    cni = CNIS[joined] if mtu is None else replace(CNIS[joined], mtu=int(mtu))
    cluster = t.cluster(
        "prod", cni=cni, control_plane=aws, workers={aws: 1, onprem: workers},
        taints={onprem: taint} if tainted == "yes" else {},
    )  # fmt: skip
    if files == "yes":
        server, desk = onprem.host("files"), onprem.host("desk")
        nodes = [*cluster.control_plane, *(name for names in cluster.workers.values() for name in names)]
        t.nfs("share", desk, server, others=nodes)
