"""A node's image from a registry with one layer more: images for pods beside those that it has, and our programs.

Images of pods that were pulled stay byte for byte what they are, in an archive of their own; those that are built here
are in a second one. The node imports both when it starts, before kubelet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.cluster import node
from testbed.cluster.archive import Image, Layer, write_archive
from testbed.cluster.assemble import Assembler
from testbed.cluster.layer import compressed, finished, writing
from testbed.cluster.layout import Pulled, write_layout

FOLDER = "kind/images/pulled"
"""Of the archives that a node imports when it starts."""
AT_START = ("all", "control-plane")
"""Which of a recipe's images they have; a node does with more of them than it needs."""
IMPORTER, UNIT = "kind/bin/import-pulled.sh", "testbed-pulled.service"
IMPORT_SCRIPT = f"""\
#!/bin/sh
# Give containerd the images that came beside the node's own, once in the node's life.
set -eu
done=/var/lib/testbed/pulled-imported
test ! -e "$done" || exit 0
for archive in /{FOLDER}/*.tar; do
    {" ".join(node.IMPORT)} "$archive"
done
mkdir -p "${{done%/*}}"
touch "$done"
"""
# After the unit of an image that was built here, should this be one: of two images of one name, the pulled one stays.
IMPORT_UNIT = node.IMPORT_UNIT.replace(node.IMPORTER, IMPORTER).replace(
    "After=containerd.service", f"After=containerd.service {node.IMAGES_UNIT}"
)


@dataclass(frozen=True)
class OverPulled(Assembler):
    """Puts a remaining recipe over what was pulled."""

    below: Pulled
    pods: Sequence[Pulled]

    def write(self, target: Path) -> None:
        """Write the node's image as an archive that ``docker load`` reads."""
        used = {image.root for image in self.recipe.images}
        roots = {root.name: compressed(self.root(root)) for root in self.recipe.roots if root.name in used}
        archives = {}
        for where, name in node.ARCHIVES.items():
            if any(image.on == where for image in self.recipe.images):
                at_start = where in AT_START
                archives[f"{FOLDER}/{where}.tar" if at_start else name] = self._pod_images(where, roots)
        if self.pods:
            archives[f"{FOLDER}/registry.tar"] = self.scratch / "registry.tar"
            write_layout(self.scratch / "registry.tar", self.pods)
        self.progress("image: put the node together")
        write_archive(target, [self._over(archives)], self.parts.machine)

    def _over(self, archives: dict[str, Path]) -> Image:
        told = self.below.configuration["config"]
        environment = dict(entry.split("=", 1) for entry in told.get("Env") or ())
        layers = (*self.below.layers, self._own(archives))
        entrypoint = tuple(told.get("Entrypoint") or ())
        return Image((self.recipe.node.name,), layers, entrypoint, environment, told.get("StopSignal", ""))

    def _own(self, archives: dict[str, Path]) -> Layer:
        target = self.scratch / "over.tar"
        with writing(target) as content:
            content.text(IMPORTER, IMPORT_SCRIPT, 0o755)
            content.text(f"{node.UNITS}/{UNIT}", IMPORT_UNIT)
            for name, leads_to in node.required(UNIT).items():
                content.link(name, leads_to)
            for name, archive in archives.items():
                content.file(name, archive, 0o644)
            self._add_files(content, self.recipe.node)
        return finished(target)
