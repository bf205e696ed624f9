"""What the guest's first Python runs before anything else: find the packages, then become the job's module.

The kernel's command line goes into its random numbers, so the interpreter, this file and what it reads have names there
that are the same for every user and every checkout (:func:`testbed.boot.guest.started` lays them out), and Python is
told only here where it belongs. Imports nothing of the testbed: it does not know yet where that is.
"""

import json
import runpy
import site
import sys
from pathlib import Path

HERE = "/proc/self/cwd"
"""Before the guest mounts its own /proc, this is the host's view of the kernel's process: its working directory."""
TOLD = "start.json"


def main() -> None:
    """Do what :mod:`site` does at Python's start, for the environment of the one that started the kernel."""
    told = json.loads(Path(HERE, TOLD).read_text(encoding="utf-8"))
    sys.executable = told["executable"]
    sys.prefix = sys.exec_prefix = told["prefix"]
    sys.path.insert(0, told["package"])
    site.main()
    runpy.run_module(told["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
