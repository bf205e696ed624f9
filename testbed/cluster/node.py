"""What a node's image has besides packages, programs and kind's own files. Pure: names and contents.

Images for pods lie in the node's image as archives and are imported when the node starts, before kubelet, or when they
are asked for: what lay in ``/var`` would be copied for every node, those that it has no use for as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

ARCHIVES: Mapping[str, str] = {
    "all": "kind/images/all.tar", "control-plane": "kind/images/control-plane.tar", "asked": "kind/images/asked.tar",
}  # fmt: skip
"""Where archives of images for pods lie, by the nodes that need them."""
IMPORT = ("ctr", "--namespace", "k8s.io", "images", "import", "--local", "--discard-unpacked-layers")
"""Gives a node's containerd an archive's images."""

IMPORTER = "kind/bin/import-images.sh"
UNITS = "etc/systemd/system"
TARGET = "multi-user.target"
"""kind waits until the node says that it has reached this one."""
ENABLED = ("kubelet.service", "containerd.service", "undo-mount-hacks.service")
IMAGES_UNIT = "testbed-images.service"
MASKED = ("systemd-binfmt.service",)  # it would register with the kernel that all nodes share
DIRECTORIES = ("etc/kubernetes/manifests", "opt/cni/bin", "etc/cni/net.d")
STOP_SIGNAL = "SIGRTMIN+3"  # systemd's for a clean halt; SIGTERM makes it start itself again

# kind names a cluster's nodes NAME-control-plane, NAME-control-plane2, NAME-worker and so on.
IMPORT_SCRIPT = f"""\
#!/bin/sh
# Give containerd the images that this node needs, once in the node's life.
set -eu
done=/var/lib/testbed/images-imported
test ! -e "$done" || exit 0
archives=/kind/images/all.tar
case "$(hostname)" in *-control-plane*) archives="$archives /kind/images/control-plane.tar" ;; esac
for archive in $archives; do
    {" ".join(IMPORT)} "$archive"
done
mkdir -p "${{done%/*}}"
touch "$done"
"""
IMPORT_UNIT = f"""\
[Unit]
Description=Import the images for pods that came with the node
Requires=containerd.service
After=containerd.service
Before=kubelet.service {TARGET}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/{IMPORTER}

[Install]
RequiredBy={TARGET}
"""
# The kernel's messages are those of the machine that all nodes share.
JOURNAL = "[Journal]\nReadKMsg=no\n"
HOOK = {"path": "/kind/bin/mount-product-files.sh"}


def links() -> dict[str, str]:
    """Symbolic links by name: units that start, one that must not fail, and those that must not start."""
    wanted = {f"{UNITS}/{TARGET}.wants/{unit}": f"/{UNITS}/{unit}" for unit in ENABLED}
    return {**wanted, **required(IMAGES_UNIT), **{f"{UNITS}/{unit}": "/dev/null" for unit in MASKED}}


def required(unit: str) -> dict[str, str]:
    """The link that keeps a node from being ready without what a unit does: kind gives up, and the unit is named."""
    return {f"{UNITS}/{TARGET}.requires/{unit}": f"/{UNITS}/{unit}"}


def texts(kubernetes: str, spec: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """Files by name: content and mode.

    Args:
        kubernetes: its version, which kind reads.
        spec: what ``ctr oci spec`` prints, the start of every container's.
    """
    return {
        "kind/version": (kubernetes, 0o644),
        IMPORTER: (IMPORT_SCRIPT, 0o755),
        f"{UNITS}/{IMAGES_UNIT}": (IMPORT_UNIT, 0o644),
        "etc/systemd/journald.conf.d/testbed.conf": (JOURNAL, 0o644),
        "etc/containerd/cri-base.json": (json.dumps(base_spec(spec), indent=1) + "\n", 0o644),
    }


def base_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The specification that kind's configuration of containerd starts from: kind's hook, and no limits of its own."""
    process = {name: value for name, value in spec.get("process", {}).items() if name != "rlimits"}
    hooks = {**spec.get("hooks", {})}
    hooks["createContainer"] = [*hooks.get("createContainer", ()), HOOK]
    return {**spec, "process": process, "hooks": hooks}
