from __future__ import annotations

from pathlib import Path

import pytest

from testbed.cluster.recipe import HERE, Recipe, content_of, key, parse
from testbed.errors import InputError

NODE = '[kubernetes]\nversion = "v1"\n[node]\nname = "n:1"\nfiles = {}\n'


def test_the_shipped_recipe_names_nothing_that_is_not_there() -> None:
    recipe = Recipe.shipped()
    assert recipe.kubernetes == "v1.34.4"
    for module in recipe.modules:
        assert not module.main or (HERE / "programs" / module.main / "main.go").is_file()
    used = {program for image in (recipe.node, *recipe.images) for program in image.files.values()}
    unused = recipe.program_names() - used
    assert unused == {"bridge", "kind", "calicoctl"} - used, "built for nothing, or used outside nodes"


def test_images_have_the_versions_that_their_programs_have() -> None:
    recipe = Recipe.shipped()
    versions = {module.name: module.version for module in recipe.modules}
    tags = {image.name.split("/")[-1].split(":")[0]: image.name.rsplit(":", 1)[1] for image in recipe.images}
    assert tags["kube-apiserver"] == versions["kubernetes"] == recipe.kubernetes
    assert f"v{tags['etcd'].removesuffix('-0')}" == versions["etcd"]
    assert tags["coredns"] == versions["coredns"]
    assert tags["local-path-provisioner"] == versions["local-path-provisioner"]


def test_every_unknown_name_is_told_at_once() -> None:
    text = NODE + '[[image]]\nname = "i:1"\non = "mars"\nroot = "r"\nfiles = { "/a" = "b" }\ntrees = { "/c" = "d:e" }\n'
    with pytest.raises(InputError) as error:
        parse(text, "0")
    assert [problem.what for problem in error.value.problems] == [
        "takes files of d: no such module",
        "no module builds b",
        "there is no root 'r'",
        "on 'mars' is none of all, control-plane, asked",
    ]


def test_one_changed_character_is_another_key(tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text(NODE)
    before = key(parse(NODE, content_of([file])), "x86_64")
    file.write_text(NODE.replace("n:1", "n:2"))
    assert key(parse(NODE, content_of([file])), "x86_64") != before
