"""Run in a node of a lab: the testbed on what is here the host's kernel, since the machine's own may lack netem.

Prints a JSON object: what was seen, and what was left of processes, namespaces and mounts after each end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SMALL = str(Path(__file__).with_name("small.py"))
TESTBED = (sys.executable, "-P", "-m", "testbed")


def left() -> dict[str, int]:
    """How many of each there are."""
    spaces, daemons = set(), 0
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                words = (process / "cmdline").read_bytes()
                daemons += b"--kernel" in words or b"bird" in words or b"testbed.boot.host" in words
                spaces |= {(process / "ns" / kind).readlink() for kind in ("net", "mnt", "pid", "user")}
            except OSError:
                continue
    folders = [path for path in Path(tempfile.gettempdir()).glob("testbed-*") if (path / "job.json").exists()]
    mounts = len(Path("/proc/self/mounts").read_text().splitlines())
    return {"spaces": len(spaces), "daemons": daemons, "folders": len(folders), "mounts": mounts}


def testbed(*words: str) -> str:
    """A command, from start to end."""
    done = subprocess.run([*TESTBED, *words], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr * (done.returncode != 0)


def ended_by(number: signal.Signals) -> dict[str, Any]:
    """A run that is ended in the middle."""
    out = Path(tempfile.mkdtemp(), "out")
    command = [*TESTBED, "run", SMALL, "--kernel", "host", "--clock", "real", "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "waiting for routes" not in (line := process.stderr.readline()):
        assert line, "the run ended before it was to"
    during = left()
    began = time.monotonic()
    process.send_signal(number)
    said = process.communicate(timeout=10)[1]
    took_s = time.monotonic() - began
    time.sleep(0.2)  # the kernel takes namespaces away in its own time
    return {"status": process.returncode, "took_s": took_s, "said": said, "during": during, "left": left()}


def main() -> None:
    """A lab up and down, then runs ended by signals."""
    found: dict[str, Any] = {"user": os.getuid(), "before": left()}
    found["up"] = testbed("up", SMALL, "--kernel", "host", "--name", "nested")
    found["status"] = json.loads(testbed("status", "--json"))
    found["ping"] = testbed("exec", "near", "--", "ping", "-qc3", "-i0.2", "far")
    found["fault"] = testbed("fault", "silent", "wan")
    found["dead"] = testbed("exec", "near", "--", "ping", "-qc1", "-W1", "far")
    found["heal"] = testbed("heal")
    found["down"] = testbed("down")
    found["after"] = left()
    found["signals"] = {number.name: ended_by(number) for number in (signal.SIGTERM, signal.SIGINT)}
    json.dump(found, sys.stdout)


main()
