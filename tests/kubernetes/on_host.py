"""Run in a guest, whose kernel is a host's here: the testbed's own commands with a cluster, and what they leave.

Its word is the folder to work in, on a disk. Writes ``found.json`` there.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from testbed.boot import disks
from testbed.boot.tunables import SET_BY_KUBELET
from testbed.kernel import cache
from testbed.kubernetes.cgroups_v2 import ROOT
from testbed.net.namespace import mount, read_sysctl

TESTBED = (sys.executable, "-P", "-m", "testbed")
FILE, ON_HOST, WITHIN = "topologies/stretched_cluster.py", ("--kernel", "host"), "3000"
LABS = Path("/run/labs")
PLACES = (Path("/dev"), Path("/run"), TEMPORARY := Path("/run/tmp"))
BROUGHT = [Path(path) for path in ("/etc/docker", "/usr/bin/dockerd", "/usr/bin/kind", "/var/lib/docker", "/testbed")]
"""What nobody but the engine has here: the rest of the guest's tree is this machine's, where others write, too."""
OTHERS = ROOT / "docker" / "somebody-elses"
GONE_WITHIN_S = 10.0
"""How long namespaces and mounts of processes that were killed may take to go; arbitrary, on the guest's clock."""


def seen(folder: Path) -> dict[str, Any]:
    """All of the machine that a cluster might have changed, and what runs on it."""
    loops = [loop for loop in sorted(Path("/sys/block").glob("loop*")) if (loop / "loop/backing_file").exists()]
    return {
        "processes": sorted(_programs()),
        "groups": sorted(group for group, _, _ in os.walk(ROOT)),
        "mounts": Path("/proc/self/mounts").read_text().splitlines(),
        "interfaces": sorted(path.name for path in Path("/sys/class/net").iterdir()),
        "loops": [loop.name for loop in loops],
        "settings": {name: read_sysctl(name) for name in SET_BY_KUBELET},
        "files": {str(place): sorted(path.name for path in place.iterdir()) for place in PLACES},
        "engine": [str(path) for path in BROUGHT if path.exists()],
        "disks": sorted(_disks(folder)),
    }


def _disks(folder: Path) -> list[str]:
    """Of runs; those that are kept may stay."""
    names = [path.name for path in (folder / "cache/testbed/cluster").iterdir()]
    return [name for name in names if name.startswith((disks.PREFIX, cache.SCRATCH_PREFIX))]


def _programs() -> list[str]:
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # it may end while it is looked at
            words = (process / "cmdline").read_bytes().split(b"\0") if process.name.isdecimal() else [b""]
            found += [words[0].decode()] if words[0] else []  # kernel threads have none
    return found


def testbed(*words: str) -> str:
    """A command, from start to end: what it said."""
    done = subprocess.run([*TESTBED, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return f"{done.stdout}\nstatus {done.returncode}"


def killed(*words: str) -> str:
    """A run that is killed while its nodes start, with no chance to undo anything: what it said."""
    process = subprocess.Popen([*TESTBED, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    while "nodes and" not in said:
        line = process.stderr.readline()
        assert line, f"it ended before it was to:\n{said}"
        said += line
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return said


def settled(folder: Path, before: dict[str, Any]) -> dict[str, Any]:
    """What is seen when it is as before, or after a while."""
    deadline = time.monotonic() + GONE_WITHIN_S
    while (now := seen(folder)) != before and time.monotonic() < deadline:
        time.sleep(0.1)
    return now


def main(folder: Path) -> None:
    """A run to its end, one that is killed, and a lab that is kept up."""
    mount("cgroup2", str(ROOT), "cgroup2")
    OTHERS.mkdir(parents=True)
    for place in (LABS, TEMPORARY):
        place.mkdir(mode=0o700)
    os.environ.update(XDG_CACHE_HOME=str(folder / "cache"), XDG_RUNTIME_DIR=str(LABS), TMPDIR=str(TEMPORARY))
    with subprocess.Popen(["sleep", "infinity"]) as others:
        (OTHERS / "cgroup.procs").write_text(str(others.pid))
        try:
            found: dict[str, Any] = {}
            for name, value in steps(folder):
                found[name] = value
                (folder / "found.json").write_text(json.dumps(found, indent=1))
        finally:
            others.kill()


def steps(folder: Path) -> Iterator[tuple[str, Any]]:
    """What is done, one after the other, with what is seen."""
    yield "doctor", testbed("doctor")
    before = seen(folder)
    yield "before", before
    yield "run", testbed("run", FILE, *ON_HOST, "--wall-limit", WITHIN, "--out", str(folder / "out"))
    yield "after", settled(folder, before)
    yield "killed", killed("run", FILE, *ON_HOST, "--wall-limit", WITHIN, "--out", str(folder / "killed"))
    yield "left", seen(folder)
    time.sleep(GONE_WITHIN_S)  # what is young is left alone: it may be a run that begins
    for copy in (folder / "cache/testbed/cluster").glob("disk-*"):  # its file system has another clock
        os.utime(copy, (0, 0))
    yield "clean", testbed("clean")
    yield "cleaned", settled(folder, before)
    yield "up", testbed("up", FILE, *ON_HOST)
    yield "nodes", testbed("kubectl", "--", "get", "nodes", "--no-headers", "--output", "name")
    yield "containers", testbed("exec", "onprem-1", "--", "crictl", "ps")
    yield "ping", testbed("exec", "cgw", "--", "ping", "-qc2", "-i0.2", "aws-cp")
    yield "down", testbed("down")
    yield "downed", settled(folder, before)


main(Path(sys.argv[1]))
