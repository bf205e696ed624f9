"""Put packages, programs and files together: layers, images for pods, and the node's image with those in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.cluster import node, settled
from testbed.cluster.archive import Image, Layer, write_archive
from testbed.cluster.layer import LayerContent, compressed, finished, writing
from testbed.cluster.packages import Package, files_of, status_stanza
from testbed.cluster.recipe import ImageRecipe, Recipe, Root

Progress = Callable[[str], None]

SCRIPT = b"#!"  # a module's archive keeps no modes


@dataclass(frozen=True)
class Parts:
    """What there is to put together.

    Attributes:
        programs: built programs by name.
        sources: folders of modules by name.
        packages: of each root.
        spec: what ``ctr oci spec`` prints.
    """

    programs: Mapping[str, Path]
    sources: Mapping[str, Path]
    packages: Mapping[str, Sequence[Package]]
    spec: Mapping[str, Any]
    machine: str


@dataclass(frozen=True)
class Assembler:
    """Works in ``scratch``, which its caller removes."""

    recipe: Recipe
    parts: Parts
    scratch: Path
    env: Mapping[str, str]
    progress: Progress

    def write(self, target: Path) -> None:
        """Write the node's image as an archive that ``docker load`` reads."""
        used = {image.root for image in self.recipe.images}
        wanted = {*used, self.recipe.node.root}
        roots = {root.name: self.root(root) for root in self.recipe.roots if root.name in wanted}
        below = {name: compressed(layer) for name, layer in roots.items() if name in used}
        archives = {where: self._pod_images(where, below) for where in node.ARCHIVES}
        self.progress("image: put the node together")
        own = self._node_layer(archives)
        root = self.recipe.node.root
        image = self._image(self.recipe.node, (*([roots[root]] if root else []), own), node.STOP_SIGNAL)
        write_archive(target, [image], self.parts.machine)

    def root(self, root: Root) -> Layer:
        """One layer with all files of a root's packages, and what their scripts would have made."""
        packages = self.parts.packages[root.name]
        self.progress(f"image: unpack {len(packages)} packages of {root.name}")
        target = self.scratch / f"root-{root.name}.tar"
        masters: dict[str, str] = {}
        with writing(target) as content:
            for package in packages:
                with files_of(package, self.env) as files:
                    masters |= content.package(files, root.left_out, settled.MASTERS)
            for name, (text, mode) in settled.texts(masters, content.names).items():
                content.text(name, text, mode)
            for name, to in settled.links(content.names).items():
                content.link(name, to)
            content.text("var/lib/dpkg/status", "\n".join(status_stanza(package) for package in packages))
        return finished(target)

    def _pod_images(self, where: str, below: Mapping[str, Layer]) -> Path:
        self.progress(f"image: compress the images for pods, {where}")
        images = []
        for number, image in enumerate(one for one in self.recipe.images if one.on == where):
            layer = compressed(self._files_layer(image, self.scratch / f"{where}-{number}.tar"))
            images.append(self._image(image, (*([below[image.root]] if image.root else []), layer)))
        target = self.scratch / f"pods-{where}.tar"
        write_archive(target, images, self.parts.machine)
        return target

    def _files_layer(self, image: ImageRecipe, target: Path) -> Layer:
        with writing(target) as content:
            self._add_files(content, image)
        return finished(target)

    def _node_layer(self, archives: Mapping[str, Path]) -> Layer:
        target = self.scratch / "node.tar"
        with writing(target) as content:
            for name in node.DIRECTORIES:
                content.directory(name)
            for name, (text, mode) in node.texts(self.recipe.kubernetes, self.parts.spec).items():
                content.text(name, text, mode)
            for name, to in node.links().items():
                content.link(name, to)
            for where, name in node.ARCHIVES.items():
                content.file(name, archives[where], 0o644)
            self._add_files(content, self.recipe.node)
        return finished(target)

    def _add_files(self, content: LayerContent, image: ImageRecipe) -> None:
        for path, program in image.files.items():
            content.file(path.lstrip("/"), self.parts.programs[program], 0o755)
        for target, tree in image.trees.items():
            module, _, inside = tree.partition(":")
            source = self.parts.sources[module] / inside
            for name, file in files_below(source, target.strip("/")):
                data = replaced(file.read_bytes(), image.replaced)
                content.text(name, data, 0o755 if data.startswith(SCRIPT) else 0o644)

    def _image(self, image: ImageRecipe, layers: tuple[Layer, ...], stop_signal: str = "") -> Image:
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **image.environment}
        return Image((image.name,), layers, image.entrypoint, environment, stop_signal)


def files_below(source: Path, target: str) -> list[tuple[str, Path]]:
    """A file, or all files of a folder in order, with the name that each gets."""
    if source.is_file():
        return [(target, source)]
    return [(f"{target}/{file.relative_to(source)}", file) for file in sorted(source.rglob("*")) if file.is_file()]


def replaced(data: bytes, words: Mapping[str, str]) -> bytes:
    """A file with some of its text replaced."""
    for old, new in words.items():
        data = data.replace(old.encode(), new.encode())
    return data
