"""A claim about a cluster from a registry: what was pulled is what its nodes and pods run.

The registry is a real one of the test's own. As no other can be relied upon, it is given the image that was built here
by the name of kindest/node, and its images of Calico and Flannel by theirs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed.cluster import node
from testbed.cluster.build import ImageBuild
from testbed.cluster.sources import Sources
from testbed.history import History
from tests.cluster.docker_registry import DockerRegistry, served
from tests.conftest import ROOT

pytestmark = pytest.mark.cluster

RUNS_WITHIN_S = 1800  # arbitrary: a cluster is made, on a machine that is busy


@dataclass(frozen=True)
class Pulled:
    """What was pulled into a cache of its own, and an environment that leads there."""

    env: dict[str, str]
    manifest: dict[str, Any]

    def run(self, file: str, out: Path) -> str:
        """How a run ended: its verdict."""
        argv = [sys.executable, "-m", "testbed", "run", str(ROOT / file), "--out", str(out)]
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, timeout=RUNS_WITHIN_S, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return str(json.loads((out / "record" / "verdict.json").read_text())["verdict"])


def push(built: Path, registry: DockerRegistry, folder: Path) -> dict[str, list[dict[str, str]]]:
    """Give a registry the image that was built, and those for pods that are in it. Returns what a lock file says."""
    pods = folder / node.ARCHIVES["all"]
    with tarfile.open(built) as outer:
        (listed,) = json.load(outer.extractfile("manifest.json") or built.open())
        with tarfile.open(fileobj=outer.extractfile(listed["Layers"][-1])) as layer:
            layer.extract(node.ARCHIVES["all"], folder, filter="data")
    sources, locked = Sources.shipped(), []
    for one in sources.wanted:
        name = f"{one.name.partition('/')[2]}:{one.tag}"
        given = registry.push(built, name) if one == sources.node else registry.push(pods, name, one.tagged)
        locked.append({"name": one.name, "tag": one.tag, "digest": given})
    return {"images": locked}


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pulled]:
    """The kernel and programs are those of the user's own cache; the image and what is kept are the test's."""
    own = ImageBuild()
    built = own.find()
    assert built is not None, "the image is not built: run `testbed cluster image build`"
    folder = tmp_path_factory.mktemp("pulled")
    cache = folder / "cache" / "testbed" / "cluster"
    cache.mkdir(parents=True)
    (cache / "programs").symlink_to(own.cache / "programs")
    (cache.parent / "kernel").symlink_to(own.cache.parent / "kernel")
    env = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    try:
        with served(folder / "registry") as registry:
            lock = folder / "lock.json"
            lock.write_text(json.dumps(push(built, registry, folder)))
            command(env, "pull", "--registry", registry.address, "--locked", str(lock))
        # From here on there is no registry.
        yield Pulled(env, json.loads(command(env, "info")))
    finally:
        shutil.rmtree(folder)


def command(env: dict[str, str], *words: str) -> str:
    """What a command of ``testbed cluster image`` printed."""
    argv = [sys.executable, "-m", "testbed", "cluster", "image", *words]
    return subprocess.run(argv, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout


def test_a_stretched_cluster_of_what_was_pulled_passes(pulled: Pulled, tmp_path: Path) -> None:
    assert pulled.manifest["source"] == "registry"
    assert pulled.run("topologies/stretched_cluster.py", tmp_path / "run") == "PASS"


def test_pods_run_the_images_that_were_pulled(pulled: Pulled, tmp_path: Path) -> None:
    assert pulled.run("tests/kubernetes/pulled_scenario.py", tmp_path / "run") == "PASS"
    (calico,) = (one for one in pulled.manifest["images"] if one["name"] == "docker.io/calico/node")
    runs = list(History(tmp_path / "run" / "record").of("runs"))
    assert runs
    assert {tuple(event.fields["images"]) for event in runs} == {(calico["configuration"],)}
