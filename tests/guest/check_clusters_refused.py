"""Run in the guest, whose kernel is a host's here: what keeps clusters from it, and who is refused with which words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

RUN = ("run", "topologies/stretched_cluster.py", "--kernel", "host", "--out")
LESS = ("setpriv", "--bounding-set", "-sys_rawio", "--inh-caps", "-all")
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs")


def testbed(rights: tuple[str, ...], *words: str) -> dict[str, object]:
    """A command with fewer rights: how it ended, and what it said."""
    argv = [*rights, sys.executable, "-P", "-m", "testbed", *words]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return {"status": done.returncode, "said": done.stdout}


def main() -> None:
    """As root who lacks a right and memory, then as somebody else."""
    for path in (sys.executable, sys.base_prefix, __file__):  # for whom a home of root's is closed
        for way in Path(path).resolve().parents:
            way.chmod(way.stat().st_mode | 0o055)
    os.environ["XDG_CACHE_HOME"] = "/tmp/cache"
    mounts, root = Path("/proc/self/mounts").read_text(), Path("/tmp/out-root")
    found = {
        "doctor": testbed(LESS, "doctor"), "root": testbed(LESS, *RUN, str(root)),
        "nobody": testbed(NOBODY, *RUN, "/tmp/out-nobody"),
    }  # fmt: skip
    touched = [root.exists(), Path("/tmp/cache").exists(), Path("/proc/self/mounts").read_text() != mounts]
    print(json.dumps({**found, "touched": touched}))


main()
