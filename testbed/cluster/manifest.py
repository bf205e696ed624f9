"""What an image says about where it came from. Pure but for reading what was kept beside the programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from testbed.cluster.gobuild import LISTED
from testbed.cluster.recipe import Module, Recipe

SCHEMA = 1


def manifest(
    recipe: Recipe, key: str, archive: Mapping[str, object], seconds: float, *, modules: Iterable[Path],
    packages: Mapping[str, list[dict[str, str]]], programs: Mapping[str, str], source: str = "packages",
    images: Sequence[Mapping[str, str]] = (), read: Sequence[Module] = (),
) -> dict[str, Any]:  # fmt: skip
    """Everything that went into an image, each with its version and checksum.

    Args:
        recipe: what it was made after.
        key: the name of the image's folder.
        archive: size and checksum of the image's file.
        seconds: how long it took.
        modules: folders of built programs, with the list of what went into each.
        packages: of each root, as :meth:`testbed.cluster.packages.Package.record` gives them.
        programs: SHA-256 by name.
        source: where its images come from, packages or a registry.
        images: those that a registry gave, each with name, tag and digest.
        read: modules that were not built, and whose files are in it.
    """
    built = [json.loads((folder / LISTED).read_text()) for folder in modules]
    lines = sorted(
        {f"{one['path']} {one['version']} {one['sum']}".rstrip() for said in built for one in said["modules"]}
    )
    return {
        "schema": SCHEMA,
        "key": key,
        "source": source,
        "kubernetes": recipe.kubernetes,
        "image": recipe.node.name,
        **({"images": list(images)} if images else {}),
        **({"read": {module.name: f"{module.path} {module.version}" for module in read}} if read else {}),
        "pod_images": {image.name: image.on for image in recipe.images},
        "go": sorted({said["go"] for said in built}),
        "built": {module.name: f"{module.path} {module.version}" for module in recipe.modules},
        "modules": lines,
        "packages": dict(packages),
        "programs_sha256": dict(sorted(programs.items())),
        "archive": dict(archive),
        "seconds": round(seconds, 1),
    }
