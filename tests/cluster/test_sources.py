"""Claims about what is wanted of registries: which names, bound to which digests, and from where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testbed.cluster.recipe import Recipe
from testbed.cluster.registry import explained
from testbed.cluster.sources import (
    DIGEST,
    Mirror,
    Sources,
    Wanted,
    built_modules,
    parse_mirror,
    read_lock,
    read_modules,
    remaining,
)
from testbed.errors import InputError

ZEROS = f"sha256:{'0' * 64}"


def test_every_image_of_the_recipe_is_pulled_brought_by_the_node_left_out_or_built() -> None:
    recipe, sources = Recipe.shipped(), Sources.shipped()
    pulled = {one.tagged for one in sources.images}
    built = {image.name for image in remaining(recipe, sources, "v1.34.11").images}
    rest = {image.name for image in recipe.images} - pulled - built
    assert pulled < {image.name for image in recipe.images}
    assert {name.rpartition(":")[0] for name in rest} == {*sources.brings, *sources.left_out}
    assert {name for name in built if not name.startswith("docker.io/testbed/")} == set()


def test_the_node_is_of_the_release_that_kind_has_images_for() -> None:
    recipe, sources = Recipe.shipped(), Sources.shipped()
    assert sources.node.tag.rpartition(".")[0] == recipe.kubernetes.rpartition(".")[0]
    assert DIGEST.fullmatch(sources.node.digest)


def test_kubernetes_is_not_built_where_it_is_pulled() -> None:
    sources = Sources.shipped()
    recipe = remaining(Recipe.shipped(), sources, "v1.34.11")
    built = {module.name for module in built_modules(recipe, sources)}
    assert {"kind", "containerd"} <= built
    assert not built & {"kubernetes", "etcd", "coredns", "calico", "flannel"}
    assert {"calico", "flannel"} <= {module.name for module in read_modules(recipe)}
    assert recipe.node.name == "testbed/node:v1.34.11"


@pytest.mark.parametrize(
    ("text", "name", "place"),
    [
        ("127.0.0.1:5000", "docker.io/calico/node", "127.0.0.1:5000/calico/node"),
        (
            "registry.example.org/mirror/",
            "ghcr.io/flannel-io/flannel",
            "registry.example.org/mirror/flannel-io/flannel",
        ),
        ("[::1]:5000", "docker.io/kindest/node", "[::1]:5000/kindest/node"),
    ],
)
def test_a_mirror_stands_in_the_place_of_a_names_own_registry(text: str, name: str, place: str) -> None:
    assert parse_mirror(text).place(name) == place


def test_without_a_mirror_an_image_is_where_its_name_says() -> None:
    assert Mirror().place("docker.io/kindest/node") == "docker.io/kindest/node"


@pytest.mark.parametrize("text", ["http://127.0.0.1:5000", "", "host:port", "a b", "registry.example.org/Mirror"])
def test_what_is_no_place_of_a_registry_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="HOST"):
        parse_mirror(text)


@pytest.mark.parametrize(
    ("text", "here"),
    [
        ("127.0.0.1:5000", True), ("127.8.0.1", True), ("localhost:80", True), ("[::1]:5000", True),
        ("192.0.2.1:5000", False), ("localhost.example.org", False), ("127.0.0.1.example.org", False),
    ],
)  # fmt: skip
def test_only_a_registry_of_this_machine_may_do_without_tls(text: str, here: bool) -> None:
    assert parse_mirror(text).is_here is here


def test_a_lock_file_binds_every_image_and_its_word_is_above_ours(tmp_path: Path) -> None:
    sources = Sources.shipped()
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps({"images": [{"name": o.name, "tag": o.tag, "digest": ZEROS} for o in sources.wanted]}))
    assert {(one.digest, one.bound) for one in read_lock(lock, sources).wanted} == {(ZEROS, "lock file")}


def test_a_lock_file_that_leaves_images_open_is_refused_with_all_of_them(tmp_path: Path) -> None:
    sources = Sources.shipped()
    lock = tmp_path / "lock.json"
    said = {"name": sources.node.name, "tag": sources.node.tag, "digest": ZEROS}
    lock.write_text(json.dumps({"images": [said, {**said, "name": sources.images[0].name, "digest": "sha256:1"}]}))
    with pytest.raises(InputError) as error:
        read_lock(lock, sources)
    assert [problem.what for problem in error.value.problems] == [
        f"has no digest of {one.tagged}" for one in sources.images
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"images": [1]}'])
def test_what_is_no_lock_file_is_refused(tmp_path: Path, text: str) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(text)
    with pytest.raises(InputError, match="lists no images"):
        read_lock(lock, Sources.shipped())


def test_a_lock_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_lock(tmp_path / "nowhere", Sources.shipped())


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (r"pinging container registry a.b: Get \"https://a.b/v2/\": dial tcp: lookup a.b: no such host", "network"),
        (
            r"pinging container registry a.b: Get \"https://a.b/v2/\": http: server gave HTTP response to HTTPS client",
            "TLS",
        ),
        ("reading manifest v1 in a.b/c: unauthorized: authentication required", "skopeo login"),
        ("something that was never seen", "skopeo's"),
    ],
)
def test_what_skopeo_says_is_told_with_what_to_do(words: str, hint: str) -> None:
    said = rf'time="2026-11-27T18:23:02Z" level=fatal msg="Error parsing image name \"docker://a.b/c:1\": {words}"'
    problem = explained(f"`skopeo inspect` ended with 1:\n    | {said}", Wanted("docker.io/c", "1"), "a.b/c")
    assert problem.where == "docker.io/c:1, from a.b/c"
    assert problem.what == words.replace("\\", "")
    assert hint in problem.hint
