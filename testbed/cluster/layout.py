"""Images as files in the OCI's image layout, as registries have them: read, checked, and put into one archive.

Source: OCI image specification 1.1, image-layout.md and manifest.md.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.cluster.archive import ARCHITECTURES, Layer
from testbed.errors import MachineError, Problem

INDEX, MARK = "index.json", "oci-layout"
VERSION = {"imageLayoutVersion": "1.0.0"}
IMAGE_NAME = "io.containerd.image.name"
"""Annotation by which containerd names what it imports. Source: containerd 2.2, core/images/annotations.go."""
READABLE = (".tar", "+gzip", ".tar.gzip")
"""How media types of layers end that Docker of every supported distribution reads, and Python's tarfile."""


@dataclass(frozen=True)
class Pulled:
    """An image that is there as blobs.

    Attributes:
        name: with a tag, as manifests of Kubernetes name it.
        blobs: folder of the blobs, by their SHA-256 in hex.
        descriptor: of its manifest.
    """

    name: str
    blobs: Path
    descriptor: Mapping[str, Any]

    @property
    def manifest(self) -> dict[str, Any]:
        """Its manifest, for one architecture."""
        return self._json(self.descriptor["digest"])

    @property
    def configuration(self) -> dict[str, Any]:
        """How containers of it start, and its layers' sums before they were compressed."""
        return self._json(self.manifest["config"]["digest"])

    @property
    def layers(self) -> tuple[Layer, ...]:
        """From the bottom up."""
        diff_ids = self.configuration["rootfs"]["diff_ids"]
        blobs = [self.path(layer["digest"]) for layer in self.manifest["layers"]]
        return tuple(
            Layer(blob, diff_id.removeprefix("sha256:")) for blob, diff_id in zip(blobs, diff_ids, strict=True)
        )

    @property
    def digests(self) -> tuple[str, ...]:
        """Of every blob: manifest, configuration, layers."""
        manifest = self.manifest
        below = [manifest["config"], *manifest["layers"]]
        return (self.descriptor["digest"], *(one["digest"] for one in below))

    def path(self, digest: str) -> Path:
        """Where a blob lies."""
        return self.blobs / digest.removeprefix("sha256:")

    def check(self, machine: str) -> None:
        """Refuse what is not for this machine, or cannot be read here.

        Args:
            machine: as it calls itself.

        Raises:
            MachineError: with all that is wrong.
        """
        wanted, found = ARCHITECTURES.get(machine, machine), self.configuration.get("architecture", "")
        problems = []
        if found != wanted:
            problems.append(Problem(self.name, f"is for {found or 'nothing that it names'}, and this is {wanted}"))
        odd = sorted({one["mediaType"] for one in self.manifest["layers"] if not one["mediaType"].endswith(READABLE)})
        if odd:
            problems.append(Problem(self.name, f"has layers in a form that is not read here: {', '.join(odd)}"))
        if problems:
            raise MachineError(problems)

    def extract(self, files: Mapping[str, str], into: Path) -> dict[str, Path]:
        """Copies of files, from the uppermost layer that has each.

        Args:
            files: path without its first slash, by the name that the copy gets.
            into: folder of the copies.

        Returns:
            Copies by name; what no layer has is not in it.
        """
        found: dict[str, Path] = {}
        for layer in reversed(self.layers):
            wanted = {path: name for name, path in files.items() if name not in found}
            if not wanted:
                break
            with tarfile.open(layer.path) as tar:
                for member in tar:
                    name = wanted.get(member.name.removeprefix("./"))
                    data = tar.extractfile(member) if name and member.isreg() else None
                    if name and data is not None:
                        found[name] = into / name
                        found[name].write_bytes(data.read())
                        found[name].chmod(0o755)
        return found

    def _json(self, digest: str) -> dict[str, Any]:
        return dict(json.loads(self.path(digest).read_bytes()))


def read_layout(folder: Path, blobs: Path, name: str) -> Pulled | None:
    """The image of a layout that has one, whose blobs lie elsewhere; none where something is missing."""
    try:
        (descriptor,) = json.loads((folder / INDEX).read_bytes())["manifests"]
        found = Pulled(name, blobs, descriptor)
        there = all(found.path(digest).is_file() for digest in found.digests)
    except (OSError, ValueError, KeyError):
        return None
    return found if there else None


def write_layout(target: Path, images: Sequence[Pulled]) -> None:
    """Write images into one archive, byte for byte as they are, for containerd to import; shared blobs only once."""
    listed = [{**image.descriptor, "annotations": {IMAGE_NAME: image.name}} for image in images]
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, MARK, VERSION)
        _add(archive, INDEX, {"schemaVersion": 2, "manifests": listed})
        for path in _blobs(images):
            with path.open("rb") as data:
                archive.addfile(_entry(f"blobs/sha256/{path.name}", path.stat().st_size), data)


def _blobs(images: Iterable[Pulled]) -> list[Path]:
    return sorted({image.path(digest) for image in images for digest in image.digests})


def _add(archive: tarfile.TarFile, name: str, value: object) -> None:
    data = json.dumps(value, sort_keys=True).encode()
    archive.addfile(_entry(name, len(data)), io.BytesIO(data))


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry
