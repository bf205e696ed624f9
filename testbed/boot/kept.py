"""Kept clusters, as a user sees them: what they are, what they take, when they were last used, and that they go."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.errors import InputError, Problem, known
from testbed.kubernetes.disk import IMAGE
from testbed.plan.plan import Plan
from testbed.units import Size

PREFIX, ABOUT = "state-", "about.json"
BLOCK = 512
"""Bytes that stat(2) counts in."""


@dataclass(frozen=True)
class Kept:
    """One disk. ``used_s``: when a run last started from it, in s of the epoch; ``about``: what is on it."""

    key: str
    folder: Path
    size: Size
    used_s: float
    about: str


def describe(plan: Plan, file: str, folder: Path) -> None:
    """Note in a disk's folder what is on it."""
    words = []
    for cluster in plan.clusters:
        nodes = Counter(node.site for node in cluster.nodes)
        spread = ", ".join(f"{count} in {site}" for site, count in nodes.items())
        words.append(f"{cluster.name}: Kubernetes {cluster.version}, {cluster.joined_by.title}, nodes: {spread}")
    about = {"file": Path(file).name, "clusters": "; ".join(words)}
    (folder / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def use(disk: Path) -> None:
    """Note that a run starts from a disk now."""
    os.utime(disk.parent)


def kept(cache: Path) -> tuple[Kept, ...]:
    """All, those that were used last first."""
    found = [_kept(path) for path in cache.glob(f"{PREFIX}*") if (path / IMAGE).is_file()]
    return tuple(sorted(found, key=lambda each: (-each.used_s, each.key)))


def forget(cache: Path, keys: Sequence[str], *, everything: bool = False) -> tuple[Kept, ...]:
    """Remove disks; runs have copies of their own, so nobody misses them.

    Raises:
        InputError: a key that no disk has; then nothing is removed.
    """
    all_ = kept(cache)
    names = [each.key for each in all_]
    if problems := [Problem(f"cluster {key}", "none is kept by that key", known(key, names)) for key in keys
                    if key not in names]:  # fmt: skip
        raise InputError(problems)
    gone = tuple(each for each in all_ if everything or each.key in keys)
    for each in gone:
        shutil.rmtree(each.folder)
    return gone


def _kept(folder: Path) -> Kept:
    about = folder / ABOUT
    said = json.loads(about.read_text(encoding="utf-8")) if about.is_file() else {}
    words = f"{said['clusters']} ({said['file']})" if said else "made before it was noted what is on it"
    size = Size((folder / IMAGE).stat().st_blocks * BLOCK)
    return Kept(folder.name.removeprefix(PREFIX), folder, size, folder.stat().st_mtime, words)
