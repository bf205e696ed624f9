"""What tests of packet filters share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.conftest import ROOT
from tests.daemons.sample import program

InANamespace = Callable[[str], None]


@pytest.fixture
def in_a_namespace() -> InANamespace:
    """Run a script with nft in a user and network namespace of its own, where any user may; it must end well."""

    def call(script: str) -> None:
        program("nft")
        argv = [program("unshare"), "--user", "--map-root-user", "--net", sys.executable, "-c", script]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode and "unshare" in done.stderr:
            pytest.skip(f"no user namespaces here: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr

    return call
