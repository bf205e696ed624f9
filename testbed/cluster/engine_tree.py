"""The engine: Docker, kind and what they need, as files that lie over the guest's own tree. Nothing of it is installed.

Packages are unpacked as they are. What they have outside ``/usr`` goes there, since a folder ``/lib`` would hide the
link of that name on every machine whose ``/usr`` is merged.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed.cluster import settled
from testbed.cluster.assemble import Parts, files_below
from testbed.cluster.packages import Package
from testbed.cluster.recipe import ImageRecipe
from testbed.kernel.command import run

UNPACK_LIMIT_S = 120.0  # arbitrary: docker.io is 150 MB
MERGED = ("bin", "sbin", "lib", "lib64")
"""Source: Debian's usrmerge."""
BESIDE, IMAGE_NAME = "testbed", "image"
"""Folder with what is no program: manifests, the image's name."""


def write_engine(recipe: ImageRecipe, image: str, parts: Parts, target: Path, env: Mapping[str, str]) -> None:
    """Write the engine's folder."""
    target.mkdir()
    _unpack(parts.packages[recipe.root] if recipe.root else (), target, env)
    for name, program in recipe.files.items():
        _place(parts.programs[program], target / name.lstrip("/"), 0o755)
    for name, tree in recipe.trees.items():
        module, _, inside = tree.partition(":")
        for placed, file in files_below(parts.sources[module] / inside, name.strip("/")):
            _place(file, target / placed, 0o644)
    (target / BESIDE).mkdir(exist_ok=True)
    (target / BESIDE / IMAGE_NAME).write_text(image + "\n", encoding="utf-8")


def _unpack(packages: Sequence[Package], target: Path, env: Mapping[str, str]) -> None:
    for package in packages:
        run(["dpkg-deb", "-x", str(package.path), str(target)], env=env, timeout_s=UNPACK_LIMIT_S, cwd=target)
    for name in MERGED:
        if (target / name).is_dir():
            shutil.copytree(target / name, target / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(target / name)
    present = {str(path.relative_to(target)) for path in target.rglob("*")}
    for name, to in settled.alternatives(present).items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).symlink_to(to)


def _place(source: Path, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)
