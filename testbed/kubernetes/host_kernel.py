"""What the host's kernel, and this machine around it, give a cluster: tried, for doctor and before a run is begun."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from testbed.errors import Problem
from testbed.kernel.command import CommandFailed, run
from testbed.kernel.detect import Capability
from testbed.kubernetes.memory import memory_of
from testbed.plan.plan import Plan
from testbed.units import Size

PREFIX = "clusters."
RIGHTS = f"{PREFIX}root"
TRIAL = "testbed.kubernetes.host_trial"
TRIAL_LIMIT_S = 60.0
"""Arbitrary; less than a second was measured."""
GUEST = "or use the guest kernel, which has all of this: --kernel guest"
HINTS = {
    "capabilities": "run where root is given all of them, not in a container that keeps some back",
    "overlay": "a kernel with CONFIG_OVERLAY_FS, and a /usr that is not two overlays already",
    "loop": "a kernel with CONFIG_BLK_DEV_LOOP and CONFIG_EXT4_FS, and /dev/loop-control",
    "cgroups": "boot with systemd.unified_cgroup_hierarchy=1, and not in a container, whose processes are in its root",
    "nat": "a kernel with CONFIG_NF_TABLES, CONFIG_NFT_NAT and CONFIG_NFT_MASQ, and the program nft",
    "iptables": "a kernel with CONFIG_NFT_COMPAT, CONFIG_IP_SET and these of CONFIG_NETFILTER_XT_*",
    "bridge-filter": "modprobe br_netfilter, or a kernel with CONFIG_BRIDGE_NETFILTER",
}


def capabilities(env: Mapping[str, str] | None = None) -> tuple[Capability, ...]:
    """Try what clusters need, in namespaces of a child process. Less than a second."""
    if os.geteuid():
        why = "not running as root: nodes need control groups, devices and mounts that a user namespace does not give"
        return (Capability(RIGHTS, available=False, why=why, hint=f"run as root, {GUEST}"),)
    environment = {**(os.environ if env is None else env), "PYTHONPATH": str(Path(__file__).parents[2])}
    try:
        argv = [sys.executable, "-P", "-m", TRIAL]
        results = json.loads(run(argv, env=environment, timeout_s=TRIAL_LIMIT_S).stdout)
    except (CommandFailed, ValueError) as error:
        return (Capability(RIGHTS, available=False, why=f"nothing could be tried: {error}", hint=GUEST),)
    found = (
        Capability(f"{PREFIX}{name}", not error, error or "tried, and it worked", f"{HINTS[name]}; {GUEST}")
        for name, error in results.items()
    )
    return (Capability(RIGHTS, available=True, why="running as root"), *found)


def problems(plan: Plan, found: tuple[Capability, ...], free: Size) -> Iterator[Problem]:
    """All that keeps a plan's clusters from the host's kernel, with so much memory free. Pure."""
    if not plan.clusters:
        return
    for each in found:
        if not each.available:
            yield Problem(f"host kernel, {each.name}", each.why, each.hint)
    if free < (needed := memory_of(plan)):
        yield Problem("memory", f"{free} free, and the nodes may need {needed}", "stop something, or plan fewer nodes")
