"""What Docker starts instead of runc to create a container. It runs without the testbed's own packages.

A node's container is to live in the namespace that its host has in the lab, as long as the lab does, so that what is
plugged in there stays through every restart. runc takes the namespace's path from the container's configuration;
the lab says which one, and is told before and after Docker has put its own interface in.

Where some rights are kept back from root, runc would be refused: what it is to start is not given them.
"""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

RUNC = "runc"


def main(lab: str, without: str, argv: list[str]) -> int:
    """Create a container, or start something in one.

    Args:
        lab: the socket where it answers.
        without: rights that nobody is given, with commas between.
        argv: what runc is told.
    """
    if "--process" in argv:
        file = Path(argv[argv.index("--process") + 1])
        process = json.loads(file.read_text(encoding="utf-8"))
        take(without, process)
        file.write_text(json.dumps(process), encoding="utf-8")
        return subprocess.run([RUNC, *argv], check=False).returncode
    config = Path(argv[argv.index("--bundle") + 1], "config.json")
    spec = json.loads(config.read_text(encoding="utf-8"))
    take(without, spec["process"])
    name = spec.get("hostname", "")
    path = ask(lab, "before", name)
    if path:
        for namespace in spec["linux"]["namespaces"]:
            if namespace["type"] == "network":
                namespace["path"] = path
    if path or without:
        config.write_text(json.dumps(spec), encoding="utf-8")
    status = subprocess.run([RUNC, *argv], check=False).returncode
    if path and status == 0:
        ask(lab, "after", name)
    return status


def take(rights: str, process: dict[str, Any]) -> None:
    """Take rights from a process that is to be started."""
    taken = rights.split(",")
    for kind, names in process.get("capabilities", {}).items():
        process["capabilities"][kind] = [name for name in names if name not in taken]


def ask(lab: str, when: str, name: str) -> str:
    """Tell the lab, and return what it answers: the namespace's path, or nothing."""
    with socket.socket(socket.AF_UNIX) as to:
        to.connect(lab)
        to.sendall(f"{when} {name}\n".encode())
        with to.makefile(encoding="utf-8") as answers:
            return answers.readline().strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
