"""The whole way from a recipe to an image, with a recipe of one program of our own and no package."""

from __future__ import annotations

import json
import os
import tarfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from testbed.cli.main import main
from testbed.cluster import node
from testbed.cluster.build import ImageBuild
from testbed.cluster.image import MANIFEST
from testbed.cluster.recipe import parse
from testbed.errors import Exit, MachineError
from testbed.kernel import cache

RECIPE = """
[kubernetes]
version = "v1.34.4"
[node]
name = "testbed/node:test"
files = { "/usr/bin/pause" = "pause" }
[[image]]
name = "registry.k8s.io/pause:3.10"
on = "all"
files = { "/pause" = "pause" }
"""


def go(folder: Path) -> Path:
    """A Go that is new enough; nothing is built with it here."""
    folder.mkdir()
    (folder / "go").write_text("#!/bin/sh\necho go1.26.8\n")
    (folder / "go").chmod(0o755)
    return folder


@pytest.fixture
def build(tmp_path: Path) -> ImageBuild:
    """A build in a cache of its own."""
    env = {"PATH": f"{go(tmp_path / 'bin')}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    return ImageBuild(env, parse(RECIPE, "0123"), disk_needed=1)


def quiet(_line: str) -> None:
    pass


def left_behind(build: ImageBuild) -> set[str]:
    return {path.name for path in build.cache.iterdir()} - {"lock", "build.log"}


def test_an_image_is_built_once_found_again_and_says_what_it_is_made_of(build: ImageBuild) -> None:
    assert build.find() is None
    image = build.build(quiet)
    assert image == build.find() == build.build(quiet)
    assert left_behind(build) == {image.parent.name}
    said = build.info()
    assert said is not None
    assert (said["image"], said["kubernetes"], said["source"]) == ("testbed/node:test", "v1.34.4", "packages")
    assert said["archive"]["bytes"] == image.stat().st_size
    assert set(said["programs_sha256"]) == {"pause"}
    with tarfile.open(image) as archive:
        listed = json.load(archive.extractfile("manifest.json") or image.open())
        layer = archive.extractfile(listed[0]["Layers"][0])
        assert layer is not None
        with tarfile.open(fileobj=layer) as files:
            names = set(files.getnames())
            assert files.getmember("usr/bin/pause").mode == 0o755
            inner = files.extractfile(node.ARCHIVES["all"])
            with tarfile.open(fileobj=inner) as pods:
                tags = json.load(pods.extractfile("manifest.json") or image.open())[0]["RepoTags"]
    assert listed[0]["RepoTags"] == ["testbed/node:test"]
    assert tags == ["registry.k8s.io/pause:3.10"]
    assert {"kind/version", node.IMPORTER, "etc/kubernetes/manifests"} <= names


def test_another_recipe_is_another_image(build: ImageBuild) -> None:
    build.build(quiet)
    assert replace(build, recipe=parse(RECIPE, "4567")).find() is None


def test_what_is_not_whole_is_not_taken_for_an_image(build: ImageBuild) -> None:
    image = build.build(quiet)
    image.with_name(MANIFEST).unlink()
    assert build.find() is None
    assert build.build(quiet) == image


def test_what_a_killed_build_left_is_removed_and_never_found(build: ImageBuild) -> None:
    (build.cache / "scratch-killed" / "result").mkdir(parents=True)
    (build.cache / "programs" / "scratch-killed").mkdir(parents=True)
    assert build.find() is None
    image = build.build(quiet)
    assert left_behind(build) == {image.parent.name, "programs"}
    assert not list((build.cache / "programs").iterdir())


def test_of_two_builds_at_once_one_waits(build: ImageBuild) -> None:
    said: list[str] = []
    second: list[Path] = []
    builds = threading.Thread(target=lambda: second.append(build.build(said.append)))
    with cache.alone(build.cache, "node image", quiet):
        builds.start()
        while not said:
            builds.join(0.01)
        first = build._build(quiet)
    builds.join()
    assert second == [first]
    assert said == ["another process is building the node image: waiting for it"]


def test_everything_that_is_missing_is_said_at_once_and_nothing_is_touched(tmp_path: Path) -> None:
    build = ImageBuild({"PATH": str(tmp_path), "HOME": str(tmp_path)}, parse(RECIPE, "0"), disk_needed=10**18)
    with pytest.raises(MachineError) as error:
        build.build(quiet)
    told = str(error.value)
    assert "there is no go" in told
    assert "GB are free" in told
    assert not build.cache.exists()


def test_a_step_that_fails_leaves_nothing_and_shows_its_log(build: ImageBuild, tmp_path: Path) -> None:
    gcc = tmp_path / "bin" / "gcc"
    gcc.write_text("#!/bin/sh\necho no such header >&2\nexit 1\n")
    gcc.chmod(0o755)
    with pytest.raises(MachineError, match="no such header"):
        build.build(quiet)
    assert left_behind(build) == set()
    assert build.find() is None


def test_the_command_says_what_to_do_where_there_is_no_image(tmp_path: Path) -> None:
    for command in ("path", "info"):
        result = CliRunner(env={"XDG_CACHE_HOME": str(tmp_path)}).invoke(main, ["cluster", "image", command])
        assert result.exit_code == Exit.MACHINE
        assert "testbed cluster image build" in result.output
