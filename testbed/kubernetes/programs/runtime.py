"""What Docker starts instead of runc to create a container. It runs without the testbed's own packages.

A node's container is to live in the namespace that its host has in the lab, as long as the lab does, so that what is
plugged in there stays through every restart. runc takes the namespace's path from the container's configuration;
the lab says which one, and is told before and after Docker has put its own interface in.
"""

import json
import socket
import subprocess
import sys
from pathlib import Path

RUNC = "runc"


def main(lab: str, argv: list[str]) -> int:
    """Create the container. ``lab``: the socket where the lab answers."""
    config = Path(argv[argv.index("--bundle") + 1], "config.json")
    spec = json.loads(config.read_text(encoding="utf-8"))
    name = spec.get("hostname", "")
    path = ask(lab, "before", name)
    if path:
        for namespace in spec["linux"]["namespaces"]:
            if namespace["type"] == "network":
                namespace["path"] = path
        config.write_text(json.dumps(spec), encoding="utf-8")
    status = subprocess.run([RUNC, *argv], check=False).returncode
    if path and status == 0:
        ask(lab, "after", name)
    return status


def ask(lab: str, when: str, name: str) -> str:
    """Tell the lab, and return what it answers: the namespace's path, or nothing."""
    with socket.socket(socket.AF_UNIX) as to:
        to.connect(lab)
        to.sendall(f"{when} {name}\n".encode())
        with to.makefile(encoding="utf-8") as answers:
            return answers.readline().strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
