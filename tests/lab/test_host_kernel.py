"""Claims about labs and runs on a host's kernel, as root and as an ordinary user.

The host is a guest here: its kernel has all that a lab needs on every machine, and it is nobody else's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.user import ROOT, SMALL, User

pytestmark = pytest.mark.guest
NESTED = str(Path(__file__).with_name("nested.py"))
NESTED_WITHIN_S = 120.0
NOBODY = "65534"
AS_NOBODY = ("setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--no-new-privs")


@pytest.fixture(scope="module")
def host(user: User) -> Iterator[User]:
    """A machine, which is a lab's guest, with a folder for each of its users."""
    user.run("up", SMALL, "--name", "machine")
    # An interpreter in a home that only its owner may enter; what is changed is the guest's view of it.
    ways = {parent for path in (sys.executable, sys.prefix, sys.base_prefix, ROOT) for parent in Path(path).parents}
    user.run("exec", "near", "--", "chmod", "a+rx", *map(str, sorted(ways)))
    user.run("exec", "near", "--", "sh", "-c", f"mkdir -m 700 /run/root /run/user; chown {NOBODY} /run/user")
    yield user
    user.run("down", "--name", "machine")


@pytest.mark.parametrize("name", ["root", "user"])
def test_labs_and_runs_on_the_hosts_kernel_leave_nothing(host: User, name: str) -> None:
    env = ("env", f"PYTHONPATH={ROOT}", f"XDG_RUNTIME_DIR=/run/{name}", f"TMPDIR=/run/{name}", "HOME=/nonexistent")
    words = (*env, *(AS_NOBODY if name == "user" else ()), sys.executable, "-P", NESTED)
    found = json.loads(host.run("exec", "near", "--", *words, within_s=NESTED_WITHIN_S))
    assert found["user"] == (int(NOBODY) if name == "user" else 0)
    assert "lab nested is up" in found["up"], found["up"]
    assert found["status"]["as_planned"] and found["status"]["lab"]["kernel"] == "host"
    assert " 0% packet loss" in found["ping"], found["ping"]
    assert " 100% packet loss" in found["dead"], found["dead"]
    assert "healed: 1  silent wan" in found["heal"]
    assert found["down"] == "lab nested is down\n"
    assert found["after"] == found["before"]
    for number, ended in found["signals"].items():
        assert ended["status"] == 130 and "everything has been taken down" in ended["said"], (number, ended)
        assert ended["took_s"] < 2
        assert ended["during"]["spaces"] > found["before"]["spaces"]
        assert ended["left"] == found["before"], number
