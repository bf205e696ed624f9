"""Programs from a module proxy that is a folder of the test's: nothing is fetched from anywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.cluster.gobuild import LISTED, GoBuilder, build_command, parse_build_information, parse_version
from testbed.cluster.recipe import Module
from testbed.errors import MachineError

MAIN = (
    'package main\n\nimport "example.org/api"\n\nvar version = "none"\n\nfunc main() { println(api.Name, version) }\n'
)


BIG = Module(
    name="big",
    path="example.org/big",
    version="v1.2.0",
    programs={"big": "example.org/big/cmd/big"},
    pinned={"example.org/*": "v0.3.0"},
    values={"main.version": "v1.2.0"},
    tags=(),
    main="",
)


def publish(proxy: Path, path: str, version: str, files: dict[str, str]) -> None:
    """Lay a module out as the protocol of module proxies has it."""
    folder = proxy / path / "@v"
    folder.mkdir(parents=True)
    (folder / f"{version}.info").write_text(json.dumps({"Version": version}))
    (folder / f"{version}.mod").write_text(files["go.mod"])
    with zipfile.ZipFile(folder / f"{version}.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{path}@{version}/{name}", text)


@pytest.fixture
def builder(tmp_path: Path) -> GoBuilder:
    """A builder whose proxy has a module that takes another one from beside itself, and that other one, released."""
    proxy = tmp_path / "proxy"
    beside = "module example.org/big\n\ngo 1.19\n\nrequire example.org/api v0.0.0\n\nreplace example.org/api => ./api\n"
    publish(proxy, "example.org/big", "v1.2.0", {"go.mod": beside, "cmd/big/main.go": MAIN})
    api = {"go.mod": "module example.org/api\n\ngo 1.19\n", "api.go": 'package api\n\nconst Name = "released"\n'}
    publish(proxy, "example.org/api", "v0.3.0", api)
    env = {
        **os.environ, "GOPROXY": proxy.as_uri(), "GONOSUMDB": "*", "GOMODCACHE": str(tmp_path / "modules"),
        "GOTOOLCHAIN": "local",
    }  # fmt: skip
    return GoBuilder(tmp_path / "cache" / "programs", env, tmp_path / "build.log")


def test_a_module_is_built_with_what_was_released_and_says_what_went_in(builder: GoBuilder, tmp_path: Path) -> None:
    if shutil.which("go") is None:
        assert "there is no go" in builder.problems()[0].what
        return
    assert builder.problems() == []
    said: list[str] = []
    folder = builder.build(BIG, said.append)
    assert said == ["big: fetch example.org/big v1.2.0", f"big: build big (1 of 1); log: {builder.log}"]
    listed = json.loads((folder / LISTED).read_text())
    assert [(one["path"], one["version"], one["sum"][:3]) for one in listed["modules"]] == [
        ("example.org/api", "v0.3.0", "h1:"),
        ("example.org/big", "v1.2.0", "h1:"),
    ]
    assert str(tmp_path).encode() not in (folder / "big").read_bytes(), "no path of this machine is in it"
    ran = subprocess.run([folder / "big"], check=True, capture_output=True, text=True)
    assert ran.stderr == "released v1.2.0\n"
    assert builder.build(BIG, said.append) == folder
    assert len(said) == 2, "what is there is not built again"
    assert [path.name for path in builder.cache.iterdir()] == [folder.name]
    with pytest.raises(MachineError, match=r"example.org/big v9.9.9"):
        builder.build(replace(BIG, version="v9.9.9"), said.append)
    assert [path.name for path in builder.cache.iterdir()] == [folder.name], "what failed leaves nothing"


def test_a_machine_without_go_is_told_what_to_install(tmp_path: Path) -> None:
    builder = GoBuilder(tmp_path, {"PATH": str(tmp_path)}, tmp_path / "log")
    (problem,) = builder.problems()
    assert problem.what == "there is no go"


@pytest.mark.parametrize(
    ("text", "version"),
    [("go1.26.8", (1, 26)), ("go1.19", (1, 19)), ("go1.25rc1", (1, 25)), ("devel go1.27-abc", (99, 0))],
)
def test_versions_of_go_are_read(text: str, version: tuple[int, int]) -> None:
    assert parse_version(text) == version


def test_a_replacement_counts_in_the_place_of_what_it_replaces() -> None:
    text = (
        "big: go1.26.8\n\tpath\texample.org/big\n\tmod\texample.org/big\tv1.2.0\th1:ghi=\n"
        "\tdep\texample.org/api\tv0.0.0\n\t=>\texample.org/api\tv0.3.0\th1:abc=\n"
        "\tdep\texample.org/net\tv1.0.0\th1:def=\n\tbuild\t-trimpath=true\n"
    )
    assert parse_build_information(text) == [
        ("example.org/big", "v1.2.0", "h1:ghi="),
        ("example.org/api", "v0.3.0", "h1:abc="),
        ("example.org/net", "v1.0.0", "h1:def="),
    ]


def test_values_and_tags_reach_the_linker_and_the_compiler(tmp_path: Path) -> None:
    argv = build_command(replace(BIG, tags=("a", "b")), "example.org/big", tmp_path / "big")
    assert "-tags=a,b" in argv
    assert "-ldflags=-s -w -X main.version=v1.2.0" in argv
    assert argv[:2] == ("go", "build")
