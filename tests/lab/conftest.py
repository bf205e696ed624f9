"""A user for each module, whose labs are all gone in the end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.lab.down import supervisors
from tests.lab.user import User


@pytest.fixture(scope="module")
def user(guest_kernel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """Whose labs are all gone in the end, however the tests end."""
    made = User(tmp_path_factory.mktemp("user"))
    yield made
    for folder in (made.runtime / "testbed" / "labs").glob("*"):
        for pid in supervisors(folder):
            os.kill(pid, signal.SIGKILL)
