"""Claims about images from a registry, a real one of the test's own, with images of a few bytes."""

from __future__ import annotations

import base64
import json
import os
import platform
import shutil
import signal
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from testbed.cli.main import main
from testbed.cluster import registry as fetching
from testbed.cluster.archive import ARCHITECTURES, Image, write_archive
from testbed.cluster.build import ImageBuild
from testbed.cluster.chosen import choose_built, chosen
from testbed.cluster.image import ENGINE, IN_USE
from testbed.cluster.layer import compressed, finished, writing
from testbed.cluster.overlay import FOLDER, IMPORTER, UNIT
from testbed.cluster.pull import PREFIX, REGISTRY, ImagePull
from testbed.cluster.recipe import parse
from testbed.cluster.sources import Mirror, parse_mirror, parse_sources
from testbed.errors import Exit, MachineError
from tests.cluster.docker_registry import USER, DockerRegistry, served
from tests.cluster.test_build import go, quiet

RECIPE = """
[kubernetes]
version = "v1.34.4"
[[module]]
name = "kubernetes"
path = "k8s.io/kubernetes"
version = "v1.34.4"
[module.programs]
kubectl = "cmd/kubectl"
[engine.files]
"/usr/bin/kubectl" = "kubectl"
[node]
name = "testbed/node:v1.34.4"
files = {}
[[image]]
name = "docker.io/testbed/pods:1"
on = "all"
files = {}
[[image]]
name = "docker.io/calico/node:v3.28.5"
on = "all"
files = {}
"""
SOURCES = """
[node]
name = "docker.io/kindest/node"
tag = "v1.34.11"
[node.programs]
kubectl = "usr/bin/kubectl"
[[image]]
name = "docker.io/calico/node"
tag = "v3.28.5"
"""
NODE, POD = "kindest/node:v1.34.11", "calico/node:v3.28.5"
NODE_FILES = {"kind/version": "v1.34.11", "usr/bin/kubectl": "kubectl of the node"}


def archive(folder: Path, files: dict[str, str], machine: str = platform.machine()) -> Path:
    """An image of two layers, the second with files."""
    folder.mkdir(exist_ok=True)
    layers = []
    for number, content in enumerate(({"etc/os-release": "NAME=below"}, files)):
        target = folder / f"{number}.tar"
        with writing(target) as layer:
            for name, text in content.items():
                layer.text(name, text, 0o755)
        layers.append(compressed(finished(target)))
    made = Image(("docker.io/made/here:1",), tuple(layers), ("/init", "now"), {"container": "docker"}, "SIGRTMIN+3")
    target = folder / "image.tar"
    write_archive(target, [made], machine)
    return target


@dataclass(frozen=True)
class Stage:
    """A registry with the images that are wanted, and a cache to pull them into."""

    registry: DockerRegistry
    pull: ImagePull
    folder: Path

    def bound(self, **digests: str) -> ImagePull:
        """The same pull with digests that bind."""
        sources = self.pull.sources
        by_name = {one.tagged: digests[one.name.split("/")[1]] for one in sources.wanted}
        return replace(self.pull, sources=sources.bound_to(by_name, "testbed"))

    @property
    def blobs(self) -> Path:
        """What was fetched."""
        return self.pull.cache / REGISTRY / "blobs" / "sha256"

    def left(self) -> set[str]:
        """What lies in the cache but what always may."""
        return {path.name for path in self.pull.cache.iterdir()} - {"lock", "pull.log", "programs"}


def filled(registry: DockerRegistry, folder: Path) -> Stage:
    """Give a registry what is wanted."""
    env = {"PATH": f"{go(folder / 'bin')}:{os.environ['PATH']}", "HOME": str(folder)}
    registry.push(archive(folder / "node", NODE_FILES), NODE)
    registry.push(archive(folder / "pod", {"calico": "for pods"}), POD)
    pull = ImagePull(env, parse(RECIPE, "0123"), 1, parse_sources(SOURCES), parse_mirror(registry.address))
    return Stage(registry, pull, folder)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with served(tmp_path / "registry") as registry:
        yield filled(registry, tmp_path)


def contents(image: Path) -> dict[str, bytes]:
    """Files of an image's uppermost layer, by name."""
    with tarfile.open(image) as outer:
        (listed,) = json.load(outer.extractfile("manifest.json") or image.open())
        layer = outer.extractfile(listed["Layers"][-1])
        assert layer is not None
        with tarfile.open(fileobj=layer) as files:
            return {one.name: data.read() for one in files if (data := files.extractfile(one) if one.isreg() else None)}


def configuration(image: Path) -> dict[str, object]:
    with tarfile.open(image) as outer:
        (listed,) = json.load(outer.extractfile("manifest.json") or image.open())
        return dict(json.load(outer.extractfile(listed["Config"]) or image.open()))


def test_the_nodes_image_is_the_pulled_one_with_a_layer_more(stage: Stage) -> None:
    image = stage.pull.pull(quiet)
    assert image == stage.pull.find() == stage.pull.ready(quiet)
    told = configuration(image)
    assert told["config"] == {"Entrypoint": ["/init", "now"], "Env": ["container=docker"], "StopSignal": "SIGRTMIN+3"}
    with tarfile.open(image) as outer:
        (listed,) = json.load(outer.extractfile("manifest.json") or image.open())
    assert listed["RepoTags"] == ["testbed/node:v1.34.11"]
    assert len(listed["Layers"]) == 3
    over = contents(image)
    assert {IMPORTER, f"etc/systemd/system/{UNIT}", f"{FOLDER}/all.tar", f"{FOLDER}/registry.tar"} <= set(over)
    assert (image.with_name(ENGINE) / "usr" / "bin" / "kubectl").read_text() == NODE_FILES["usr/bin/kubectl"]
    assert stage.left() == {image.parent.name, REGISTRY, IN_USE}


def test_images_for_pods_are_byte_for_byte_what_the_registry_has(stage: Stage) -> None:
    image = stage.pull.pull(quiet)
    packed = stage.folder / "registry.tar"
    packed.write_bytes(contents(image)[f"{FOLDER}/registry.tar"])
    with tarfile.open(packed) as layout:
        names = {name.rpartition("/")[2] for name in layout.getnames() if name.startswith("blobs/")}
        index = json.load(layout.extractfile("index.json") or packed.open())
    (listed,) = index["manifests"]
    assert listed["annotations"] == {"io.containerd.image.name": "docker.io/calico/node:v3.28.5"}
    layers = json.loads((stage.blobs / listed["digest"][7:]).read_text())["layers"]
    assert len(layers) == 2
    for layer in layers:
        assert layer["digest"][7:] in names
        assert stage.registry.blob(layer["digest"]).is_file()


def test_the_manifest_tells_each_images_name_tag_and_digest(stage: Stage) -> None:
    stage.pull.pull(quiet)
    said = stage.pull.info()
    assert said is not None
    assert (said["source"], said["kubernetes"], said["image"]) == ("registry", "v1.34.11", "testbed/node:v1.34.11")
    assert [(one["name"], one["tag"], one["bound_by"]) for one in said["images"]] == [
        ("docker.io/kindest/node", "v1.34.11", "nothing"), ("docker.io/calico/node", "v3.28.5", "nothing"),
    ]  # fmt: skip
    for one in said["images"]:
        assert one["from"].startswith(f"{stage.registry.address}/")
        assert stage.registry.blob(one["digest"]).is_file()


def test_of_an_image_for_several_machines_this_ones_is_taken_and_the_digest_is_the_lists(stage: Stage) -> None:
    name = POD.partition(":")[0]
    ours = stage.registry.push(archive(stage.folder / "ours", {"calico": "for this machine"}), f"{name}:ours")
    other = stage.registry.push(archive(stage.folder / "other", {"calico": "for another"}, "riscv64"), f"{name}:other")
    machine = ARCHITECTURES[platform.machine()]
    whole = stage.registry.push_list(POD, {"riscv64": other, machine: ours})
    stage.pull.pull(quiet)
    said = stage.pull.info()
    assert said is not None
    (pod,) = (one for one in said["images"] if one["name"].endswith("calico/node"))
    assert pod["digest"] == whole
    configuration = json.loads(
        (stage.pull.cache / REGISTRY / "blobs" / "sha256" / pod["configuration"][7:]).read_text()
    )
    assert configuration["architecture"] == machine


def test_an_image_that_is_for_other_machines_alone_is_told(stage: Stage) -> None:
    name = POD.partition(":")[0]
    other = stage.registry.push(archive(stage.folder / "other", {"calico": "for another"}, "riscv64"), f"{name}:other")
    stage.registry.push_list(POD, {"riscv64": other})
    with pytest.raises(MachineError, match="no image for this machine"):
        stage.pull.pull(quiet)


def test_what_a_tag_names_is_told_and_a_lock_file_of_it_binds(stage: Stage) -> None:
    said: list[str] = []
    first = stage.pull.pull(said.append)
    info = stage.pull.info()
    assert info is not None
    for one in info["images"]:
        assert f"{one['name']}:{one['tag']}: {one['digest']}, as the registry has it today; nothing binds it" in said
    stage.registry.push(archive(stage.folder / "pod", {"calico": "another one, by the same tag"}), POD)
    digests = {one["name"].split("/")[1]: one["digest"] for one in info["images"]}
    assert stage.bound(**digests).pull(quiet) == first
    assert stage.pull.pull(quiet) != first


def test_what_is_there_is_found_again_without_a_registry(stage: Stage) -> None:
    image = stage.pull.pull(quiet)
    info = stage.pull.info()
    assert info is not None
    stage.registry.process.kill()
    bound = stage.bound(**{one["name"].split("/")[1]: one["digest"] for one in info["images"]})
    assert bound.pull(quiet) == image
    shutil.rmtree(image.parent)
    assert bound.pull(quiet) == image, "put together again from the blobs that are kept"


def test_a_digest_that_the_registry_does_not_have_is_told_for_every_image_at_once(stage: Stage) -> None:
    with pytest.raises(MachineError) as error:
        stage.bound(kindest=f"sha256:{'1' * 64}", calico=f"sha256:{'2' * 64}").pull(quiet)
    assert [problem.where.partition(",")[0] for problem in error.value.problems] == [
        "docker.io/kindest/node:v1.34.11", "docker.io/calico/node:v3.28.5",
    ]  # fmt: skip
    assert all("manifest unknown" in problem.what for problem in error.value.problems)
    assert stage.left() == set()


def test_what_is_not_what_its_digest_says_is_refused_and_nothing_of_it_is_kept(stage: Stage) -> None:
    digest = stage.registry.push(archive(stage.folder / "pod", {"calico": "what was wanted"}), POD)
    (*_, layer) = json.loads(stage.registry.blob(digest).read_text())["layers"]
    data = stage.registry.blob(layer["digest"])
    data.write_bytes(bytes(reversed(data.read_bytes())))
    with pytest.raises(MachineError) as error:
        stage.pull.pull(quiet)
    assert "docker.io/calico/node:v3.28.5" in str(error.value)
    assert "did not match" in str(error.value)
    assert stage.left() == {REGISTRY}
    assert stage.pull.find() is None
    kept = {path.name for path in stage.blobs.iterdir()}
    assert layer["digest"][7:] not in kept


def test_what_was_spoilt_on_this_disk_is_told_and_fetched_again(stage: Stage) -> None:
    image = stage.pull.pull(quiet)
    shutil.rmtree(image.parent)
    blobs = list(stage.blobs.iterdir())
    for blob in blobs:
        blob.write_bytes(b"spoilt")
    said: list[str] = []
    assert stage.pull.pull(said.append) == image
    assert sum("spoilt on this disk" in line for line in said) == len(blobs)


def test_a_registry_that_cannot_be_reached_is_told_once(stage: Stage) -> None:
    stage.registry.process.kill()
    stage.registry.process.wait()
    with pytest.raises(MachineError) as error:
        stage.pull.pull(quiet)
    (problem,) = error.value.problems
    assert "connection refused" in problem.what
    assert "--registry" in problem.hint
    assert stage.left() == set()


def test_a_registry_that_does_not_answer_is_not_waited_for_forever(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "ASK_LIMIT_S", 0.5)
    os.kill(stage.registry.process.pid, signal.SIGSTOP)
    with pytest.raises(MachineError) as error:
        stage.pull.pull(quiet)
    (problem,) = error.value.problems
    assert "did not end within" in problem.what
    assert stage.left() == set()


def test_a_registry_that_wants_to_know_who_asks_is_told_with_dockers_own_credentials(tmp_path: Path) -> None:
    with served(tmp_path / "registry", closed=True) as registry:
        stage = filled(registry, tmp_path)
        with pytest.raises(MachineError, match="skopeo login") as error:
            stage.pull.pull(quiet)
        assert len(error.value.problems) == 2
        (tmp_path / ".docker").mkdir()
        said = {"auths": {registry.address: {"auth": base64.b64encode(USER.encode()).decode()}}}
        (tmp_path / ".docker" / "config.json").write_text(json.dumps(said))
        assert stage.pull.pull(quiet) == stage.pull.find()


def test_interrupted_half_way_nothing_half_made_is_there_and_the_next_one_goes_on(stage: Stage) -> None:
    """Ctrl-C while a registry that stalls is fetched from."""

    def stall(line: str) -> None:
        if line.startswith("docker.io/calico/node:v3.28.5: fetch"):
            os.kill(stage.registry.process.pid, signal.SIGSTOP)
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        stage.pull.pull(stall)
    assert stage.left() == {REGISTRY}
    assert stage.pull.find() is None
    os.kill(stage.registry.process.pid, signal.SIGCONT)
    said: list[str] = []
    assert stage.pull.pull(said.append) == stage.pull.find()
    assert [line.partition(": fetch")[0] for line in said if ": fetch" in line] == ["docker.io/calico/node:v3.28.5"]


def test_everything_that_is_missing_is_said_at_once_and_nothing_is_touched(stage: Stage) -> None:
    bare = replace(stage.pull, env={"PATH": str(stage.folder / "bin"), "HOME": str(stage.folder)}, disk_needed=10**18)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("testbed.kernel.programs.DAEMON_DIRECTORIES", ())
        with pytest.raises(MachineError) as error:
            bare.pull(quiet)
    assert "needs skopeo" in str(error.value)
    assert "apt-get install --no-install-recommends skopeo" in str(error.value)
    assert "GB are free" in str(error.value)
    assert not bare.cache.exists()


@pytest.mark.parametrize(
    ("files", "machine", "told"),
    [
        (NODE_FILES, "riscv64", "is for riscv64"),
        ({**NODE_FILES, "kind/version": "v1.33.1"}, platform.machine(), "is of Kubernetes v1.33.1"),
        ({"kind/version": "v1.34.11"}, platform.machine(), "has no usr/bin/kubectl"),
    ],
)
def test_an_image_that_is_no_node_of_this_release_for_this_machine_is_refused(
    stage: Stage, files: dict[str, str], machine: str, told: str
) -> None:
    stage.registry.push(archive(stage.folder / "node", files, machine), NODE)
    with pytest.raises(MachineError, match=told):
        stage.pull.pull(quiet)
    assert stage.left() == {REGISTRY}


def test_runs_start_from_what_a_command_made_last(stage: Stage) -> None:
    env = stage.pull.env
    build = ImageBuild(env, stage.pull.recipe, disk_needed=1)
    assert isinstance(chosen(env), ImageBuild)
    image = stage.pull.pull(quiet)
    assert isinstance(chosen(env), ImagePull)
    choose_built(build)
    assert isinstance(chosen(env), ImageBuild)
    assert stage.pull.find() is None
    assert stage.pull.pull(quiet) == image


def test_a_pulled_image_of_another_version_of_the_testbed_is_told_and_not_used(stage: Stage) -> None:
    stage.pull.pull(quiet)
    newer = replace(stage.pull, recipe=parse(RECIPE, "4567"))
    assert newer.find() is None
    with pytest.raises(MachineError, match="testbed cluster image pull"):
        newer.ready(quiet)


def test_the_command_says_which_of_the_two_an_image_is_and_what_a_place_is(tmp_path: Path) -> None:
    runner = CliRunner(env={"XDG_CACHE_HOME": str(tmp_path)})
    cache = tmp_path / "testbed" / "cluster"
    image = ImagePull({"XDG_CACHE_HOME": str(tmp_path)})
    folder = cache / f"{image._named()}0"
    folder.mkdir(parents=True)
    (folder / "node.tar").touch()
    (folder / "manifest.json").write_text('{"source": "registry"}')
    (cache / IN_USE).write_text(folder.name)
    assert folder.name.startswith(PREFIX)
    assert "pulled from a registry" in runner.invoke(main, ["cluster", "image", "path"]).output
    assert '"source": "registry"' in runner.invoke(main, ["cluster", "image", "info"]).output
    (folder / "node.tar").unlink()
    gone = runner.invoke(main, ["cluster", "image", "path"])
    assert gone.exit_code == Exit.MACHINE
    assert "testbed cluster image pull" in gone.output
    wrong = runner.invoke(main, ["cluster", "image", "pull", "--registry", "http://example.org"])
    assert wrong.exit_code == Exit.INPUT


def test_without_a_mirror_nothing_is_told_to_do_without_tls(stage: Stage) -> None:
    assert stage.pull._registry._tls("--tls-verify") == ("--tls-verify=false",)
    assert replace(stage.pull, mirror=Mirror())._registry._tls("--tls-verify") == ()
