"""Settings of the kernel that each kind of namespace needs. Imports next to nothing: so does the guest's init."""

from __future__ import annotations

from collections.abc import Mapping

from testbed.net.namespace import read_sysctl, write_sysctl

_NODE = {
    "net/ipv6/conf/default/accept_ra": "0",
    "net/ipv6/conf/default/router_solicitations": "0",
    "net/ipv6/conf/default/accept_dad": "0",
}
# Hosts have a planned address; a link-local one for each of thousands would only flood the switch with reports.
_ADDRESSES_OF_ITS_OWN = "net/ipv6/conf/default/addr_gen_mode"
HOST = {**_NODE, _ADDRESSES_OF_ITS_OWN: "1"}
"""A name is looked up among those of all namespaces, so setting these in each of thousands takes long: where the kernel
is ours, it starts every namespace with them."""
INHERIT = "net/core/devconf_inherit_init_net"
"""1: new namespaces begin with the first one's settings (Documentation/admin-guide/sysctl/net.rst)."""
TRACKED_MAX = "net/netfilter/nf_conntrack_max"
"""How many connections the kernel tracks at once (Documentation/networking/nf_conntrack-sysctl.rst)."""
ROUTER = {
    **_NODE,
    _ADDRESSES_OF_ITS_OWN: "0",
    "net/ipv4/ip_forward": "1",
    "net/ipv6/conf/all/forwarding": "1",
    # An interface that goes down and comes up again, as a tunnel that follows its IKE session, is as it was.
    "net/ipv6/conf/default/keep_addr_on_down": "1",
    # Paths are asymmetric while routes move; a reverse path filter would drop what the network would not.
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    # A host that is told of another router of its LAN would keep that path when routes move back.
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/conf/default/send_redirects": "0",
    # Layer-4 hashing, as routers with ECMP do: flows spread, each keeps its path.
    "net/ipv4/fib_multipath_hash_policy": "1",
    "net/ipv6/fib_multipath_hash_policy": "1",
}
FABRIC = {
    # It passes frames on and speaks to nobody: addresses of its thousands of ports would only cost.
    "net/ipv6/conf/all/disable_ipv6": "1",
    "net/ipv6/conf/default/disable_ipv6": "1",
}
FABRIC_IF_THERE = {
    # No firewall between switches; it is asked of every packet, and there only where the kernel has one for bridges.
    f"net/bridge/bridge-nf-call-{table}": "0"
    for table in ("iptables", "ip6tables", "arptables")
}


def namespaces_begin_as_hosts() -> bool:
    """Whether new namespaces begin with what hosts need."""
    return read_sysctl(INHERIT) == "1" and all(read_sysctl(key) == value for key, value in HOST.items())


def write(values: Mapping[str, str], *, if_there: bool = False) -> None:
    """Set them in the namespace that this thread is in; ``if_there``: only those that this kernel has."""
    for key, value in values.items():
        if not if_there or read_sysctl(key) is not None:
            write_sysctl(key, value)
