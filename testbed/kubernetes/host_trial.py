"""Try what clusters need of the host's kernel, in mount and network namespaces that go when this process ends.

Run as ``python -m testbed.kubernetes.host_trial``, as root. Prints one JSON object: what was tried, and the error,
empty where it worked. Nothing stays but what belongs to no namespace: modules that the kernel loads at their first use,
and controllers of control groups, which others may come to use as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from testbed.kernel.programs import ENVIRONMENT
from testbed.kubernetes import cgroups, rights
from testbed.kubernetes.cgroups_v2 import PREFIX
from testbed.net.namespace import CLONE_NEWNET, CLONE_NEWNS, alone, mount, unshare

PLACE = Path("/run")
"""Below which it is tried, on a file system in memory."""
DISK_BYTES = 1 << 23
"""Of a disk that is mounted; arbitrary: small, and ext4 fits."""
LIMIT_S = 20.0
"""For any program that is started; arbitrary, far above what they take."""
BRIDGE_FILTER = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
NAT = """
table ip trial {
  chain out { type nat hook postrouting priority 100; ct state established accept; ip saddr 192.0.2.0/24 masquerade; }
}
"""
MATCH, TARGET = 0, 1
EXTENSIONS = (
    ("comment", 0, MATCH), ("conntrack", 3, MATCH), ("addrtype", 1, MATCH), ("mark", 1, MATCH), ("multiport", 1, MATCH),
    ("statistic", 0, MATCH), ("set", 4, MATCH), ("MASQUERADE", 0, TARGET), ("DNAT", 2, TARGET), ("MARK", 2, TARGET),
    ("REJECT", 0, TARGET),
)  # fmt: skip
"""Of iptables, with their revisions, those that Docker, kube-proxy and Calico's Felix write rules with."""
NETLINK_NETFILTER, NFNL_SUBSYS_NFT_COMPAT, NFNL_MSG_COMPAT_GET = 12, 11, 0
"""Of linux/netlink.h, linux/netfilter/nfnetlink.h and nf_tables_compat.h."""
NFTA_COMPAT_NAME, NFTA_COMPAT_REV, NFTA_COMPAT_TYPE = 1, 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR = 1, 4, 2  # linux/netlink.h
HEADER = struct.Struct("=IHHII")


def main() -> None:
    """Enter the namespaces, try everything, print the results."""
    unshare(CLONE_NEWNS | CLONE_NEWNET)
    alone()
    mount("tmpfs", str(PLACE), "tmpfs")
    trials: dict[str, Callable[[], None]] = {
        "capabilities": _capabilities, "overlay": _overlay, "loop": _loop, "cgroups": _cgroups, "nat": _nat,
        "iptables": _extensions, "bridge-filter": _bridge_filter,
    }  # fmt: skip
    print(json.dumps({name: _attempt(trial) for name, trial in trials.items()}))


def _attempt(trial: Callable[[], None]) -> str:
    try:
        trial()
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return ""


def _run(*argv: str, given: str = "") -> None:
    done = subprocess.run(
        argv, env=dict(ENVIRONMENT), input=given, capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    if done.returncode:
        raise OSError(f"{argv[0]}: {(done.stderr or done.stdout).strip()}")


def _capabilities() -> None:
    """Containers with all rights are given every one that the kernel has, but for those that may be left out."""
    missing = sum(1 << number for number in rights.missing() if number not in rights.DISPENSABLE)
    if missing:
        raise OSError(f"taken from root here: {missing:#x}, which capsh --decode={missing:x} names")


def _overlay() -> None:
    for name in ("upper", "work", "merged"):
        (PLACE / name).mkdir()
    layers = f"lowerdir=/usr,upperdir={PLACE}/upper,workdir={PLACE}/work"
    mount("overlay", str(PLACE / "merged"), "overlay", 0, layers)


def _loop() -> None:
    disk, place = PLACE / "disk", PLACE / "mounted"
    place.mkdir()
    with disk.open("wb") as file:
        os.truncate(file.fileno(), DISK_BYTES)
    _run("mkfs.ext4", "-q", "-F", str(disk))
    _run("mount", "-o", "loop", str(disk), str(place))
    _run("umount", str(place))


def _cgroups() -> None:
    groups = cgroups.of_this_machine()
    groups.see()
    if lacking := groups.lacking():
        raise OSError(f"neither version has all controllers here; version 2 has no {', '.join(lacking)}")
    groups.attempt(f"{PREFIX}trial-{os.getpid()}")


def _nat() -> None:
    _run("nft", "-f", "-", given=NAT)


def _bridge_filter() -> None:
    if not BRIDGE_FILTER.exists():
        with contextlib.suppress(OSError):
            _run("modprobe", "br_netfilter")
    BRIDGE_FILTER.stat()


def _extensions() -> None:
    if lacking := [*_lacking()]:
        raise OSError(f"no {', '.join(lacking)}")


def _lacking() -> Iterator[str]:
    """Ask for each as iptables does."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as kernel:
        kernel.settimeout(LIMIT_S)
        for number, (name, revision, kind) in enumerate(EXTENSIONS):
            body = struct.pack("=BBH", socket.AF_INET, 0, 0) + _attribute(NFTA_COMPAT_NAME, name.encode() + b"\0")
            for attribute, value in ((NFTA_COMPAT_REV, revision), (NFTA_COMPAT_TYPE, kind)):
                body += _attribute(attribute, struct.pack("!I", value))
            sort = NFNL_SUBSYS_NFT_COMPAT << 8 | NFNL_MSG_COMPAT_GET
            kernel.send(HEADER.pack(HEADER.size + len(body), sort, NLM_F_REQUEST | NLM_F_ACK, number, 0) + body)
            if _refused(kernel):
                yield name


def _attribute(sort: int, value: bytes) -> bytes:
    length = 4 + len(value)
    return struct.pack("=HH", length, sort) + value + bytes(-length % 4)


def _refused(kernel: socket.socket) -> bool:
    """Whether the last message was answered with an error: what comes before the answer is what was asked for."""
    while True:
        answers = kernel.recv(1 << 16)
        while answers:
            length, sort, *_ = HEADER.unpack_from(answers)
            if sort == NLMSG_ERROR:
                return bool(struct.unpack_from("=i", answers, HEADER.size)[0])
            answers = answers[length + -length % 4 :]


if __name__ == "__main__":
    main()
