"""What images are made of: modules, packages and files, read from ``recipe.toml``. Pure but for reading that file."""

from __future__ import annotations

import hashlib
import platform
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.errors import InputError, Problem

HERE = Path(__file__).parent
RECIPE = HERE / "recipe.toml"
CONTENT_DIGITS = 16  # arbitrary: 64 bits are far more than any cache's number of recipes
PAUSE = "pause"
"""The one program that is not of a Go module: a few lines of C of our own."""

WHERES = ("all", "control-plane", "asked")
"""``asked``: none, until it is asked for."""


@dataclass(frozen=True)
class Module:
    """A released Go module, and the programs that are built from it."""

    name: str
    path: str
    version: str
    programs: Mapping[str, str]
    """The package of each program, by the name that the program gets."""
    pinned: Mapping[str, str]
    values: Mapping[str, str]
    """What the linker writes into variables, as the module's authors have it written."""
    tags: tuple[str, ...]
    main: str
    """The folder below ``programs/`` with a main package of our own, or empty."""
    c: bool = False
    """It has parts in C, which it does not compile without."""


@dataclass(frozen=True)
class Root:
    """A root file system from the distribution's packages."""

    name: str
    packages: tuple[str, ...]
    without: tuple[str, ...]
    """Packages that are left out although others depend on them; names may have ``*``."""
    left_out: tuple[str, ...]
    """Files that are left out, likewise."""


@dataclass(frozen=True)
class ImageRecipe:
    """An image: programs at the paths where they are expected, on a root or on nothing.

    Attributes:
        on: the nodes that need it, one of :data:`WHERES`.
        files: programs by path.
        trees: what modules bring as files, as ``module:path``, by where it goes to.
        replaced: text by what stands for it in those files.
    """

    name: str
    on: str
    root: str
    files: Mapping[str, str]
    trees: Mapping[str, str]
    replaced: Mapping[str, str]
    entrypoint: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Recipe:
    """All of it. ``content`` is a hash of every file that has a say in the outcome."""

    kubernetes: str
    modules: tuple[Module, ...]
    roots: tuple[Root, ...]
    node: ImageRecipe
    engine: ImageRecipe
    images: tuple[ImageRecipe, ...]
    content: str

    @classmethod
    def shipped(cls) -> Recipe:
        """The one that comes with the testbed."""
        text = RECIPE.read_text()
        return parse(text, content_of((RECIPE, *_programs(), *_code())))

    def program_names(self) -> set[str]:
        """All programs that will be there."""
        return {PAUSE, *(name for module in self.modules for name in module.programs)}


def _programs() -> list[Path]:
    return [path for path in sorted((HERE / "programs").rglob("*")) if path.suffix in (".c", ".go")]


def _code() -> list[Path]:
    """What decides how the parts are put together; a change there is another image, too."""
    return [
        HERE / name
        for name in (
            "archive.py",
            "assemble.py",
            "cgobuild.py",
            "engine_tree.py",
            "gobuild.py",
            "gomod.py",
            "layer.py",
            "node.py",
            "settled.py",
        )
    ]


def content_of(paths: Iterable[Path]) -> str:
    """A hash of the files' names and bytes."""
    digest = hashlib.sha256()
    for path in paths:
        data = path.read_bytes()
        digest.update(f"{path.name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:CONTENT_DIGITS]


def key(recipe: Recipe, machine: str = "") -> str:
    """The name of the cache's folder."""
    return f"{recipe.content}-{machine or platform.machine()}"


def parse(text: str, content: str) -> Recipe:
    """Read the format of ``recipe.toml``.

    Raises:
        InputError: with every name in it that means nothing.
    """
    data = tomllib.loads(text)
    recipe = Recipe(
        kubernetes=data["kubernetes"]["version"],
        modules=tuple(_module(entry) for entry in data.get("module", ())),
        roots=tuple(
            Root(entry["name"], *(tuple(entry.get(name, ())) for name in ("packages", "without", "left_out")))
            for entry in data.get("root", ())
        ),
        node=_image({"on": "all", **data["node"]}),
        engine=_image({"on": "all", "name": "engine", "files": {}, **data.get("engine", {})}),
        images=tuple(_image(entry) for entry in data.get("image", ())),
        content=content,
    )
    if problems := _problems(recipe):
        raise InputError(problems)
    return recipe


def _module(entry: Mapping[str, Any]) -> Module:
    return Module(
        entry["name"], entry["path"], entry["version"], dict(entry["programs"]), dict(entry.get("pinned", {})),
        dict(entry.get("values", {})), tuple(entry.get("tags", ())), entry.get("main", ""),
        entry.get("c", False),
    )  # fmt: skip


def _image(entry: Mapping[str, Any]) -> ImageRecipe:
    return ImageRecipe(
        entry["name"], entry["on"], entry.get("root", ""), dict(entry["files"]), dict(entry.get("trees", {})),
        dict(entry.get("replaced", {})), tuple(entry.get("entrypoint", ())), dict(entry.get("environment", {})),
    )  # fmt: skip


def _problems(recipe: Recipe) -> list[Problem]:
    programs, roots, seen = recipe.program_names(), {root.name for root in recipe.roots}, set[str]()
    problems = []
    for module in recipe.modules:
        if twice := sorted(seen & set(module.programs)):
            problems.append(Problem(f"module {module.name}", f"builds {', '.join(twice)}, as another one does"))
        seen |= set(module.programs)
    modules = {module.name for module in recipe.modules}
    for image in (recipe.node, recipe.engine, *recipe.images):
        if foreign := sorted({tree.split(":")[0] for tree in image.trees.values()} - modules):
            problems.append(Problem(f"image {image.name}", f"takes files of {', '.join(foreign)}: no such module"))
        if unknown := sorted(set(image.files.values()) - programs):
            problems.append(Problem(f"image {image.name}", f"no module builds {', '.join(unknown)}"))
        if image.root and image.root not in roots:
            problems.append(Problem(f"image {image.name}", f"there is no root {image.root!r}"))
        if image.on not in WHERES:
            problems.append(Problem(f"image {image.name}", f"on {image.on!r} is none of {', '.join(WHERES)}"))
    return problems
