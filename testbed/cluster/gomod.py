"""Go modules of our own that require a released module, so that it can be built as its authors build it. Pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OURS = "testbed.invalid"
"""RFC 2606 keeps this name from ever being anybody's."""

UNRELEASED = "v0.0.0"
"""What a go.mod requires of a module that it takes from a folder beside itself."""


@dataclass(frozen=True)
class Requirement:
    """A module at a version."""

    path: str
    version: str


@dataclass(frozen=True)
class Replacement:
    """A module whose code is another's, or its own at another version. With no old version: whatever the version."""

    old: Requirement
    new: Requirement


class CannotBuild(Exception):
    """A go.mod says something that a released module cannot keep. The message can be shown as it is."""


def wrapper(name: str, target: Requirement, upstream: Mapping[str, Any], pinned: Mapping[str, str]) -> str:
    """The go.mod of a module that builds ``target`` with the versions that its own go.mod names.

    Replacements count only in the module that is built, so they are copied. Those by a folder are not in a released
    module: they become the version that ``pinned`` names for their path (which may have ``*``), or are left out.

    Args:
        name: the last part of our module's path.
        target: what to build.
        upstream: ``go mod edit -json`` of its go.mod.
        pinned: versions by path.

    Raises:
        CannotBuild: if something is required that is released nowhere and has no version here.
    """
    replacements = [new for old in upstream.get("Replace") or () if (new := _replaced(old, pinned))]
    required = [target, *(Requirement(one["Path"], one["Version"]) for one in upstream.get("Require") or ())]
    known = {one.old.path for one in replacements}
    if lost := [one.path for one in required if one.version == UNRELEASED and one.path not in known]:
        raise CannotBuild(f"{target.path} {target.version} takes from beside itself: {', '.join(lost)}")
    return _text(name, upstream["Go"], sorted(required, key=lambda one: one.path), replacements)


def _replaced(entry: Mapping[str, Any], pinned: Mapping[str, str]) -> Replacement | None:
    old = Requirement(entry["Old"]["Path"], entry["Old"].get("Version", ""))
    new = Requirement(entry["New"]["Path"], entry["New"].get("Version", ""))
    if new.version:
        return Replacement(old, new)
    version = next((version for pattern, version in pinned.items() if fnmatch.fnmatchcase(old.path, pattern)), None)
    return Replacement(old, Requirement(old.path, version)) if version else None


def _text(name: str, go: str, required: Sequence[Requirement], replacements: Sequence[Replacement]) -> str:
    lines = [f"module {OURS}/{name}", "", f"go {go}", "", "require (", *(f"\t{_one(one)}" for one in required), ")"]
    if replacements:
        lines += ["", "replace (", *(f"\t{_one(one.old)} => {_one(one.new)}" for one in replacements), ")"]
    return "\n".join(lines) + "\n"


def _one(module: Requirement) -> str:
    return f"{module.path} {module.version}".rstrip()
