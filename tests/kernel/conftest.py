"""Tiny programs on a PATH of their own, and a kernel source of three files."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

# What the code under test starts besides the programs a test fakes.
REAL_TOOLS = (
    "bash", "sh", "env", "cat", "cp", "mv", "rm", "mkdir", "touch", "chmod", "sleep", "grep", "sed", "sort", "dirname",
    "tar", "xz", "patch", "nice", "setarch",
)  # fmt: skip


@pytest.fixture
def bin_dir(tmp_path: Path) -> Path:
    """A PATH with the tools above and nothing else, so that what a test leaves out is really missing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in REAL_TOOLS:
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    return folder


@pytest.fixture
def script(bin_dir: Path) -> Callable[..., Path]:
    """Put a shell script on that PATH."""

    def write(name: str, body: str) -> Path:
        path = bin_dir / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def make_tarball() -> Callable[..., Path]:
    """Pack a kernel source of sorts, as kernel.org packs them: where, under which name, which version, saying what."""
    return _make_tarball


def _make_tarball(where: Path, name: str, version: str = "7.2.13", greeting: str = "hello") -> Path:
    parts = dict(zip(("VERSION", "PATCHLEVEL", "SUBLEVEL"), version.split("."), strict=False))
    tree = where / f"unpacked-{name}" / f"linux-{version}"
    tree.mkdir(parents=True)
    (tree / "Makefile").write_text("".join(f"{key} = {value}\n" for key, value in parts.items()))
    (tree / "greeting.c").write_text(f"first\nsecond\n{greeting}\nfourth\nfifth\n")
    tarball = where / name
    tarball.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "-cJf", tarball, "-C", tree.parent, tree.name], check=True)
    return tarball


@pytest.fixture
def patch_file(tmp_path: Path) -> Path:
    """A patch for that source, as long as it greets with hello."""
    path = tmp_path / "patches" / "0001-greet.patch"
    path.parent.mkdir()
    hunk = "@@ -1,5 +1,5 @@\n first\n second\n-hello\n+hello, world\n fourth\n fifth\n"
    path.write_text(f"--- a/greeting.c\n+++ b/greeting.c\n{hunk}")
    return path
