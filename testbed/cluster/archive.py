"""Write images in the format of ``docker save``: one tar of layers, configurations and a list. Pure but for the file.

The bytes depend on what goes in alone: no date, no name of who did it.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CREATED = "1970-01-01T00:00:00Z"  # nobody asks an image for its age here, and two builds must be alike
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""What the machine calls itself, and what images call it."""


@dataclass(frozen=True)
class Layer:
    """A layer as a file.

    Attributes:
        path: the tar, compressed or not; readers see which by its first bytes.
        diff_id: the SHA-256 of the tar before it was compressed, in hex.
    """

    path: Path
    diff_id: str


@dataclass(frozen=True)
class Image:
    """One image: its names, its layers from the bottom up, and how containers of it start."""

    names: tuple[str, ...]
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = ""


def configuration(image: Image, machine: str) -> dict[str, Any]:
    """The image's configuration, as the OCI's image specification lays it out."""
    started: dict[str, Any] = {"Env": [f"{name}={value}" for name, value in sorted(image.environment.items())]}
    if image.entrypoint:
        started["Entrypoint"] = list(image.entrypoint)
    if image.stop_signal:
        started["StopSignal"] = image.stop_signal
    return {
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "created": CREATED,
        "config": started,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.diff_id}" for layer in image.layers]},
        "history": [{"created": CREATED, "created_by": "testbed"} for _ in image.layers],
    }


def write_archive(target: Path, images: Sequence[Image], machine: str) -> None:
    """Write images into one archive. A layer that several have is in it once."""
    listed = []
    written: set[str] = set()
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for image in images:
            config = _json(configuration(image, machine))
            config_name = f"{hashlib.sha256(config).hexdigest()}.json"
            _add(archive, config_name, config, written)
            for layer in image.layers:
                _add_file(archive, _layer_name(layer), layer.path, written)
            names = [_layer_name(layer) for layer in image.layers]
            listed.append({"Config": config_name, "RepoTags": list(image.names), "Layers": names})
        _add(archive, "manifest.json", _json(listed), written)


def _layer_name(layer: Layer) -> str:
    return f"{layer.diff_id}/layer.tar"


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry


def _add(archive: tarfile.TarFile, name: str, data: bytes, written: set[str]) -> None:
    if name not in written:
        archive.addfile(_entry(name, len(data)), io.BytesIO(data))
        written.add(name)


def _add_file(archive: tarfile.TarFile, name: str, path: Path, written: set[str]) -> None:
    if name not in written:
        with path.open("rb") as data:
            archive.addfile(_entry(name, path.stat().st_size), data)
        written.add(name)
