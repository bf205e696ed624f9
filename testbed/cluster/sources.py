"""What is taken from a registry: names, tags and digests, read from ``registry.toml``. Pure but for reading files."""

from __future__ import annotations

import ipaddress
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from testbed.cluster.recipe import HERE, ImageRecipe, Module, Recipe
from testbed.errors import InputError, Problem

SOURCES = HERE / "registry.toml"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
"""The only algorithm that registries are asked for. Source: OCI image specification 1.1, descriptors."""
MIRROR = re.compile(r"(?P<host>\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(?P<port>:[0-9]{1,5})?(?P<path>(/[a-z0-9._-]+)*)/?")
"""A host, a port and a path as names of images begin with them. Source: distribution's reference.go."""
Bound = Literal["testbed", "lock file", "nothing"]
"""Who says which digest an image has; with nothing, the registry does."""


@dataclass(frozen=True)
class Wanted:
    """An image of a registry.

    Attributes:
        name: with its registry, without a tag.
        digest: of what the tag names, or empty.
        bound: who says so.
    """

    name: str
    tag: str
    digest: str = ""
    bound: Bound = "nothing"

    @property
    def tagged(self) -> str:
        """The name that manifests of Kubernetes have."""
        return f"{self.name}:{self.tag}"


@dataclass(frozen=True)
class Sources:
    """All that is wanted of registries, and what is made of it.

    Attributes:
        brings: names of images that the node's has in it.
        left_out: names of images that nothing starts.
        programs: what is taken out of the node's image, as a path without its first slash, by program.
        files: what is laid over it, as in a recipe.
    """

    node: Wanted
    images: tuple[Wanted, ...]
    brings: tuple[str, ...]
    left_out: tuple[str, ...]
    programs: Mapping[str, str]
    files: Mapping[str, str]

    @classmethod
    def shipped(cls) -> Sources:
        """Those that come with the testbed."""
        return parse_sources(SOURCES.read_text(encoding="utf-8"))

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """Every image, the node's first."""
        return (self.node, *self.images)

    def bound_to(self, digests: Mapping[str, str], by: Bound) -> Sources:
        """The same, with digests by tagged name; those that have none there stay as they are."""

        def bind(one: Wanted) -> Wanted:
            return replace(one, digest=digests[one.tagged], bound=by) if one.tagged in digests else one

        return replace(self, node=bind(self.node), images=tuple(bind(one) for one in self.images))


def parse_sources(text: str) -> Sources:
    """Read the format of ``registry.toml``."""
    data = tomllib.loads(text)
    node = data["node"]
    return Sources(
        node=_wanted(node),
        images=tuple(_wanted(entry) for entry in data.get("image", ())),
        brings=tuple(node.get("brings", ())),
        left_out=tuple(node.get("left_out", ())),
        programs=dict(node.get("programs", {})),
        files=dict(node.get("files", {})),
    )


def _wanted(entry: Mapping[str, Any]) -> Wanted:
    digest = entry.get("digest", "")
    return Wanted(entry["name"], entry["tag"], digest, "testbed" if digest else "nothing")


def remaining(recipe: Recipe, sources: Sources, kubernetes: str) -> Recipe:
    """What of a recipe is still built where the rest comes from a registry: for the node, what is laid over it.

    Args:
        recipe: all of it.
        sources: what comes from a registry.
        kubernetes: the version that the node's image has.
    """
    elsewhere = {one.name for one in sources.images} | {*sources.brings, *sources.left_out}
    images = tuple(image for image in recipe.images if image.name.rpartition(":")[0] not in elsewhere)
    node = replace(
        recipe.node, name=f"{recipe.node.name.rpartition(':')[0]}:{kubernetes}", root="", files=sources.files, trees={},
        replaced={},
    )  # fmt: skip
    used = {image.root for image in (recipe.engine, *images)}
    roots = tuple(root for root in recipe.roots if root.name in used)
    return replace(recipe, kubernetes=kubernetes, node=node, images=images, roots=roots)


def built_modules(recipe: Recipe, sources: Sources) -> tuple[Module, ...]:
    """Modules of a remaining recipe whose programs are needed."""
    needed = {program for image in _all(recipe) for program in image.files.values()} - set(sources.programs)
    return tuple(module for module in recipe.modules if needed & set(module.programs))


def read_modules(recipe: Recipe) -> tuple[Module, ...]:
    """Modules of a remaining recipe whose files are needed."""
    needed = {tree.partition(":")[0] for image in _all(recipe) for tree in image.trees.values()}
    return tuple(module for module in recipe.modules if module.name in needed)


def _all(recipe: Recipe) -> Iterable[ImageRecipe]:
    return (recipe.node, recipe.engine, *recipe.images)


@dataclass(frozen=True)
class Mirror:
    """Where images are taken from instead of the registries that their names begin with; empty: from those."""

    host: str = ""
    port: str = ""
    path: str = ""

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, where nobody listens in: then it need not speak TLS."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    def place(self, name: str) -> str:
        """Where the image of this name is: the mirror's place in that of the name's own registry."""
        return f"{self.host}{self.port}{self.path}/{name.partition('/')[2]}" if self.host else name


def parse_mirror(text: str) -> Mirror:
    """Read ``--registry``: ``HOST[:PORT][/PATH]``. Raises :class:`InputError`."""
    found = MIRROR.fullmatch(text)
    if found is None:
        hint = "HOST[:PORT][/PATH], as names of images begin: registry.example.org/mirror, 127.0.0.1:5000"
        raise InputError(Problem(f"--registry {text}", "is no place of a registry", hint))
    return Mirror(found["host"], found["port"] or "", found["path"])


def read_lock(path: Path, sources: Sources) -> Sources:
    """Bind every image to the digest that a file has for it, in the form of ``testbed cluster image info``.

    Raises:
        InputError: it cannot be read, or has no digest for an image; with all of those.
    """
    where = f"--locked {path}"
    hint = "a file that `testbed cluster image info` has written where an image was pulled"
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["images"]
        digests = {f"{one['name']}:{one['tag']}": str(one["digest"]) for one in listed}
    except OSError as error:
        raise InputError(Problem(where, f"cannot be read: {error.strerror}", hint)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(Problem(where, "lists no images of a registry", hint)) from error
    problems = [
        Problem(where, f"has no digest of {one.tagged}", hint)
        for one in sources.wanted
        if not DIGEST.fullmatch(digests.get(one.tagged, ""))
    ]
    if problems:
        raise InputError(problems)
    return sources.bound_to(digests, "lock file")
