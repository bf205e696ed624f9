"""Try what this machine's kernel can do, in a network namespace that goes when this process ends.

Run as ``python -m testbed.kernel.trial root|user``: with the rights of root, or in a user namespace as anybody. Prints
one JSON object: what was tried, and the error, empty where it worked. The namespace is private, so nothing of the host
changes, except that the kernel may load a module, as it does at the first use by any program.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyroute2 import IPRoute

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
NAMESPACE = "namespace"
"""The key of the result that says whether there was a namespace to try in."""

NETLINK_XFRM, XFRM_MSG_NEWSA, XFRMA_ALG_AEAD = 6, 0x10, 18  # linux/netlink.h, linux/xfrm.h
NLM_F_REQUEST, NLM_F_ACK = 1, 4
NLMSG_HEADER = struct.Struct("=IHHII")
ESP_PROTOCOL = 50
HANDLE, ROOT, INGRESS = 0x10000, 0xFFFFFFFF, 0xFFFF0000  # any handle, and linux/pkt_sched.h
ETH_P_ALL = 3  # linux/if_ether.h
# Some traffic control needs a rate; whether it is small or large does not matter, no packet is sent.
RATE, BURST = "1mbit", 2000


def main() -> None:
    """Enter a namespace, try everything, print the results."""
    try:
        _enter(CLONE_NEWNET if sys.argv[1] == "root" else CLONE_NEWUSER | CLONE_NEWNET)
    except OSError as error:
        print(json.dumps({NAMESPACE: _said(error)}))
        return
    print(json.dumps({NAMESPACE: "", **_try_all()}))


def _enter(flags: int) -> None:
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if flags & CLONE_NEWUSER:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def _try_all() -> dict[str, str]:
    # Only now: a process with threads cannot enter a user namespace, and the library may start some.
    from pyroute2 import IPRoute

    with IPRoute() as ip:
        loopback = ip.link_lookup(ifname="lo")[0]
        ip.link("set", index=loopback, state="up")
        trials: dict[str, Callable[[], Any]] = {
            **{kind: partial(_link, ip, kind, loopback, options) for kind, options in LINKS.items()},
            **{kind: partial(_qdisc, ip, kind, loopback, options) for kind, options in QDISCS.items()},
            "matchall": partial(_matchall, ip, loopback),
            **{kind: partial(_action, ip, kind, loopback) for kind in ACTIONS},
            "esp": _esp,
        }
        return {name: _attempt(trial) for name, trial in trials.items()}


LINKS: dict[str, dict[str, Any]] = {
    "veth": {"peer": "trialpeer"},
    "bridge": {},
    "dummy": {},
    "ifb": {},
    "vrf": {"vrf_table": 1000},
    "vxlan": {"vxlan_id": 1, "vxlan_port": 4789},
    "ipip": {"ipip_local": "127.0.0.1", "ipip_remote": "127.0.0.2"},
    "gre": {"gre_local": "127.0.0.1", "gre_remote": "127.0.0.2"},
    "wireguard": {},
    "xfrm": {"xfrm_if_id": 1},
}
QDISCS: dict[str, dict[str, Any]] = {
    "netem": {"delay": 1000},
    "tbf": {"rate": RATE, "burst": BURST, "limit": BURST},
    "htb": {},
    "fq_codel": {},
}
ACTIONS: dict[str, dict[str, Any]] = {
    "police": {"rate": RATE, "burst": BURST, "action": "drop"},
    "mirred": {"direction": "egress", "action": "redirect", "ifindex": 1},
}


def _link(ip: IPRoute, kind: str, loopback: int, options: dict[str, Any]) -> None:
    tunnel = {"xfrm_link": loopback} if kind == "xfrm" else {}
    ip.link("add", ifname=f"trial-{kind}", kind=kind, **options, **tunnel)
    ip.link("del", index=ip.link_lookup(ifname=f"trial-{kind}")[0])


def _qdisc(ip: IPRoute, kind: str, loopback: int, options: dict[str, Any]) -> None:
    ip.tc("add", kind, loopback, HANDLE, **options)
    ip.tc("del", index=loopback, parent=ROOT)


@contextlib.contextmanager
def _ingress(ip: IPRoute, loopback: int) -> Iterator[None]:
    ip.tc("add", "ingress", loopback, INGRESS)
    try:
        yield
    finally:
        ip.tc("del", "ingress", loopback, INGRESS)


def _matchall(ip: IPRoute, loopback: int) -> None:
    with _ingress(ip, loopback):
        ip.tc("add-filter", "matchall", loopback, parent=INGRESS, protocol=ETH_P_ALL, prio=1, classid=HANDLE + 1)


def _action(ip: IPRoute, kind: str, loopback: int) -> None:
    """Hang the action on whichever of two filters the kernel has: what is asked for is the action."""
    where = {"parent": INGRESS, "protocol": ETH_P_ALL, "prio": 1, "action": {"kind": kind, **ACTIONS[kind]}}
    with _ingress(ip, loopback):
        try:
            ip.tc("add-filter", "matchall", loopback, **where)
        except Exception:
            ip.tc("add-filter", "u32", loopback, **where, target=HANDLE + 1, keys=["0x0/0x0+0"])


def _esp() -> None:
    """Ask for a security association with AES-GCM, as IPsec daemons do: struct xfrm_usersa_info and one attribute."""
    selector = bytes(56)
    identity = socket.inet_aton("127.0.0.2").ljust(16, b"\0") + struct.pack("=IB3x", socket.htonl(0x1000), ESP_PROTOCOL)
    source = socket.inet_aton("127.0.0.1").ljust(16, b"\0")
    forever = struct.pack("=8Q", *[2**64 - 1] * 4, *[0] * 4)
    rest = bytes(32 + 12) + struct.pack("=IIHBBB7x", 0, 1, socket.AF_INET, 0, 32, 0)
    algorithm = b"rfc4106(gcm(aes))".ljust(64, b"\0") + struct.pack("=II", 160, 128) + bytes(20)
    attribute = struct.pack("=HH", 4 + len(algorithm), XFRMA_ALG_AEAD) + algorithm
    body = selector + identity + source + forever + rest + attribute
    header = NLMSG_HEADER.pack(NLMSG_HEADER.size + len(body), XFRM_MSG_NEWSA, NLM_F_REQUEST | NLM_F_ACK, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM) as xfrm:
        xfrm.settimeout(5)  # arbitrary; the kernel answers at once
        xfrm.sendto(header + body, (0, 0))
        code = -struct.unpack_from("=i", xfrm.recv(4096), NLMSG_HEADER.size)[0]
    if code:
        raise OSError(code, os.strerror(code))


def _attempt(trial: Callable[[], Any]) -> str:
    try:
        trial()
    except Exception as error:
        return _said(error)
    return ""


def _said(error: Exception) -> str:
    """The kernel's words; the library's errors carry its extended message where there is one."""
    words = [str(a) for a in error.args if not isinstance(a, int)]
    return ", ".join(words) or type(error).__name__


if __name__ == "__main__":
    main()
