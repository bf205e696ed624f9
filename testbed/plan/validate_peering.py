"""What can be wrong with AS numbers, and with clusters whose nodes speak BGP."""

from __future__ import annotations

from collections.abc import Iterator

from testbed.clusters import Cluster
from testbed.errors import Problem
from testbed.model import Model

ASN_MAX = 4_294_967_294
"""RFC 7300."""
NOBODYS = (23456, 65535)
"""Nor is 0 anybody's. Source: RFC 6793, RFC 7300, RFC 7607."""


def asn_usable(asn: int) -> bool:
    """Whether a number can be that of an AS."""
    return 1 <= asn <= ASN_MAX and asn not in NOBODYS


def peerings(model: Model, where: str, cluster: Cluster) -> Iterator[Problem]:
    """Every problem of the sessions between nodes and the routers of their sites."""
    asn, title = cluster.cni.speaks_as, cluster.cni.title
    if asn is None:
        return
    if not asn_usable(asn):
        yield Problem(where, f"{title}: AS number {asn} cannot be used", "a private one, such as 64513")
    if same := [router.name for router in model.routers if router.asn == asn]:
        what = f"{title}: its nodes are in AS {asn}, as {', '.join(same)} is, which would refuse what they announce"
        yield Problem(where, what, "give the nodes an AS of their own, such as Calico(mode='bgp', asn=64513)")
    sites = dict.fromkeys(node.site for node in cluster.nodes)
    for site in sites:
        nodes = sum(node.site == site for node in cluster.nodes)
        if not 0 <= cluster.cni.reflectors <= nodes:
            what = f"{title}: {cluster.cni.reflectors} reflectors in site {site}, which has {nodes} nodes"
            yield Problem(where, what, "at most as many as the smallest site has nodes")
    routed = {node.site for each in model.clusters if each.cni.speaks_as is not None for node in each.nodes}
    if len(routed) > 1:
        for vpn in (vpn for vpn in model.vpns if vpn.bgp is None):
            what = f"{title}: VPN {vpn.name} has static routes, and those know nothing of pods"
            yield Problem(where, what, "give the VPN BGP, or choose a mode that wraps packets, such as vxlan")
