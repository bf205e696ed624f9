from __future__ import annotations

import contextlib
import errno
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.errors import MachineError
from testbed.kernel import build as build_module
from testbed.kernel import kconfig
from testbed.kernel.build import KernelBuild
from testbed.kernel.command import CommandFailed
from testbed.kernel.make import ObjectCount, run_logged
from testbed.kernel.recipe import Manifest, Recipe, Toolchain, key
from testbed.kernel.source import SOURCE_VARIABLE, sha256

Maker = Callable[..., Path]

# Keeps what was appended to .config, but for CONFIG_GONE; "compiles" two objects; counts how often.
MAKE = """
case "$2" in
defconfig) echo CONFIG_64BIT=y > .config ;;
olddefconfig)
    grep -v CONFIG_GONE .config > kept
    mv kept .config
    echo 'CONFIG_CC_VERSION_TEXT="fakecc 12"' >> .config ;;
linux)
    echo "$KBUILD_BUILD_USER" >> "$COUNT"
    echo '  CC      init/main.o'
    echo '  LD      vmlinux.o'
    cat greeting.c > linux ;;
esac"""


@pytest.fixture
def toolchain(script: Maker, tmp_path: Path) -> None:
    """Programs that take a moment, and leave a trace, instead of minutes."""
    script("make", MAKE.replace("$COUNT", str(tmp_path / "count")))
    script("gcc", 'case "$1" in -dumpversion) echo 12.2.0 ;; esac')
    for name in ("ld", "flex", "bison", "bc", "strip"):
        script(name, "")


@pytest.fixture
def kernel(tmp_path: Path, bin_dir: Path, patch_file: Path, make_tarball: Maker, toolchain: None) -> KernelBuild:
    """A build of a source of two files in a cache of its own."""
    config = tmp_path / "uml.config"
    config.write_text("CONFIG_NET=y\n# CONFIG_SOUND is not set\n")
    tarball = make_tarball(tmp_path, "linux.tar.xz")
    env = {"PATH": str(bin_dir), "HOME": str(tmp_path / "home"), SOURCE_VARIABLE: str(tarball)}
    return KernelBuild(env, Recipe((patch_file,), config))


def quiet(_line: str) -> None:
    pass


def compiled(tmp_path: Path) -> int:
    return len((tmp_path / "count").read_text().splitlines()) if (tmp_path / "count").exists() else 0


def left_behind(kernel: KernelBuild) -> set[str]:
    return {path.name for path in kernel.cache.iterdir()} - {"lock", "build.log"}


def test_a_kernel_is_built_once_and_then_found(kernel: KernelBuild, tmp_path: Path) -> None:
    assert kernel.find() is None
    said: list[str] = []
    path = kernel.build(said.append)
    assert kernel.find() == path == kernel.build(said.append)
    assert "hello, world" in path.read_text()
    assert compiled(tmp_path) == 1
    assert [line for line in said if line.startswith("source: apply")] == ["source: apply 0001-greet.patch"]


def test_the_manifest_says_where_the_kernel_came_from(kernel: KernelBuild) -> None:
    path = kernel.build(quiet)
    info = kernel.info()
    assert info is not None
    assert (info.version, info.origin) == ("7.2.13", kernel.env[SOURCE_VARIABLE])
    assert info.source_sha256 == sha256(Path(kernel.env[SOURCE_VARIABLE]))
    assert info.patches_sha256 == {"0001-greet.patch": sha256(kernel.recipe.patches[0])}
    assert (info.binary_sha256, info.compiler) == (sha256(path), "fakecc 12")
    assert info == Manifest.read(path.with_name("manifest.json"))


def test_the_build_says_the_same_of_itself_on_every_machine(kernel: KernelBuild, tmp_path: Path) -> None:
    kernel.build(quiet)
    assert (tmp_path / "count").read_text() == "testbed\n"


def test_a_change_of_a_patch_or_an_option_asks_for_a_new_kernel(kernel: KernelBuild) -> None:
    kernel.build(quiet)
    before = kernel.recipe.config.read_text()
    kernel.recipe.config.write_text(before + "CONFIG_TUN=y\n")
    assert kernel.find() is None
    kernel.recipe.config.write_text(before)
    assert kernel.find()
    kernel.recipe.patches[0].write_text("a remark\n" + kernel.recipe.patches[0].read_text())
    assert kernel.find() is None


def test_the_point_release_of_the_source_asks_for_no_new_kernel(
    kernel: KernelBuild, tmp_path: Path, make_tarball: Maker
) -> None:
    path = kernel.build(quiet)
    newer = make_tarball(tmp_path, "newer.tar.xz", "7.2.99")
    assert replace(kernel, env={**kernel.env, SOURCE_VARIABLE: str(newer)}).find() == path


def test_another_compiler_asks_for_a_new_kernel_and_no_compiler_takes_what_is_there(
    kernel: KernelBuild, script: Maker, bin_dir: Path
) -> None:
    path = kernel.build(quiet)
    script("gcc", 'case "$1" in -dumpversion) echo 14 ;; esac')
    assert kernel.find() is None
    (bin_dir / "gcc").unlink()
    assert kernel.find() == path


def test_machine_library_and_compiler_can_be_read_in_the_key() -> None:
    assert key("0123", Toolchain("x86_64", "glibc-2.36", "12")) == "0123-x86_64-glibc-2.36-gcc12"


def test_the_cache_is_where_the_user_says(kernel: KernelBuild, tmp_path: Path) -> None:
    assert kernel.cache == tmp_path / "home/.cache/testbed/kernel"
    elsewhere = replace(kernel, env={**kernel.env, "XDG_CACHE_HOME": str(tmp_path / "elsewhere")})
    assert elsewhere.cache == tmp_path / "elsewhere/testbed/kernel"
    relative = replace(kernel, env={**kernel.env, "XDG_CACHE_HOME": "relative"})
    assert relative.cache == kernel.cache


def test_every_option_that_was_dropped_is_named_and_no_kernel_is_left(kernel: KernelBuild, tmp_path: Path) -> None:
    kernel.recipe.config.write_text("CONFIG_GONE=y\nCONFIG_NET=y\nCONFIG_GONE_TOO=m\n# CONFIG_64BIT is not set\n")
    with pytest.raises(MachineError) as error:
        kernel.build(quiet)
    assert [p.where for p in error.value.problems] == ["kernel option CONFIG_GONE", "kernel option CONFIG_GONE_TOO"]
    assert left_behind(kernel) == set()
    assert compiled(tmp_path) == 0


def test_a_failing_step_is_told_with_the_end_of_its_log_and_where_the_rest_is(
    kernel: KernelBuild, script: Maker
) -> None:
    script(
        "make", 'echo CONFIG_NET=y > .config; [ "$2" != linux ] || { echo "main.c:1: error: no such thing"; exit 2; }'
    )
    with pytest.raises(MachineError) as error:
        kernel.build(quiet)
    (problem,) = error.value.problems
    assert "ended with 2" in problem.what
    assert "    | main.c:1: error: no such thing" in problem.what
    assert str(kernel.log) in problem.hint
    assert "no such thing" in kernel.log.read_text()
    assert left_behind(kernel) == set()


def test_everything_that_is_missing_is_told_at_once(
    kernel: KernelBuild, bin_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("flex", "bc"):
        (bin_dir / name).unlink()
    monkeypatch.setattr(build_module, "DISK_NEEDED_BYTES", 1 << 60)
    spaced = replace(kernel, env={**kernel.env, "XDG_CACHE_HOME": str(tmp_path / "my cache")})
    with pytest.raises(MachineError) as error:
        spaced.build(quiet)
    tools, path, disk = error.value.problems
    assert "flex, bc" in tools.what
    assert tools.hint == "sudo apt-get install --no-install-recommends flex bc"
    assert "space or colon" in path.what
    assert "are free" in disk.what
    assert not spaced.cache.exists()


def test_what_a_killed_build_left_behind_is_removed_by_the_next(kernel: KernelBuild) -> None:
    (kernel.cache / "scratch-dead").mkdir(parents=True)
    path = kernel.build(quiet)
    assert left_behind(kernel) == {path.parent.name}


def test_a_half_made_folder_is_not_taken_for_a_kernel(kernel: KernelBuild) -> None:
    path = kernel.build(quiet)
    path.with_name("manifest.json").unlink()
    assert kernel.find() is None
    assert kernel.build(quiet) == path
    assert kernel.info() is not None


def test_of_two_builds_at_once_one_builds_and_one_waits(kernel: KernelBuild, script: Maker, tmp_path: Path) -> None:
    script("make", "sleep 0.2\n" + MAKE.replace("$COUNT", str(tmp_path / "count")))
    said: list[str] = []
    builds = [threading.Thread(target=kernel.build, args=(said.append,)) for _ in range(2)]
    for one in builds:
        one.start()
    for one in builds:
        one.join()
    assert compiled(tmp_path) == 1
    assert any("waiting for it" in line for line in said)


def run_slow(tmp_path: Path, script: Maker, on_line: Callable[[str], None], limit_s: float = 60) -> None:
    body = f'sleep 1000 & echo $! > {tmp_path}/child; echo "  CC  a.o"; sleep 1000'
    script("slow", body)
    env = {"PATH": str(tmp_path / "bin")}
    run_logged(["slow"], cwd=tmp_path, env=env, log=tmp_path / "log", on_line=on_line, limit_s=limit_s)


def is_gone(pid: int) -> bool:
    """Gone, or dead and waiting for its parent, whoever that is now."""
    for _ in range(100):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text():
                time.sleep(0.05)
                continue
        return True
    return False


def test_ctrl_c_ends_the_whole_process_group(tmp_path: Path, script: Maker) -> None:
    def interrupt(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_slow(tmp_path, script, interrupt)
    assert is_gone(int((tmp_path / "child").read_text()))


def test_a_step_that_hangs_ends_at_its_limit(tmp_path: Path, script: Maker) -> None:
    with pytest.raises(CommandFailed, match="did not end within 0 s"):
        run_slow(tmp_path, script, quiet, limit_s=0.3)
    assert is_gone(int((tmp_path / "child").read_text()))


def test_ctrl_c_leaves_no_scratch_behind(kernel: KernelBuild) -> None:
    def interrupt(line: str) -> None:
        if line.startswith("compile"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kernel.build(interrupt)
    assert left_behind(kernel) == set()


def test_progress_counts_objects_at_most_once_a_second() -> None:
    now = iter(i * 0.4 for i in range(100))
    said: list[str] = []
    count = ObjectCount(5, said.append, lambda: next(now))
    for line in (
        "  CC      a.o",
        "  GEN     b.h",
        "  CC      c.o",
        "  AR      d.a",
        "  LD      vmlinux.o",
        "  CC  e.o",
    ):
        count(line + "\n")
    assert count.done == 5
    assert said == ["compile: 3 of about 5 objects, 1 s"]


def test_the_last_word_on_an_option_counts_and_silence_means_unset() -> None:
    asked = kconfig.parse('CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C="x y"\n# a remark\nCONFIG_D=18\n')
    assert asked == {"CONFIG_A": "y", "CONFIG_B": "n", "CONFIG_C": '"x y"', "CONFIG_D": "18"}
    kept = kconfig.parse('CONFIG_A=n\nCONFIG_A=y\nCONFIG_C="x y"\nCONFIG_D=14\n')
    (problem,) = kconfig.dropped(asked, kept, "7.2.13")
    assert (problem.where, problem.what) == ("kernel option CONFIG_D", "asked for 18, and Linux 7.2.13 has 14")


def test_the_shipped_recipe_is_complete() -> None:
    recipe = Recipe.shipped()
    assert [re.sub(r"-.*", "", patch.name) for patch in recipe.patches] == ["0001", "0002", "0003", "0004"]
    assert all("SPDX-License-Identifier: GPL-2.0-only" in patch.read_text() for patch in recipe.patches)
    lines = [
        line
        for line in recipe.config.read_text().splitlines()
        if re.match(r"(# )?CONFIG_\w+[ =](is not set$|\S)", line)
    ]
    asked = kconfig.parse("\n".join(lines))
    assert len(asked) == len(lines), "an option is named twice"
    for name in ("UML_TIME_TRAVEL_SUPPORT", "NET_SCH_NETEM", "WIREGUARD", "XFRM_INTERFACE", "NFSD_V4", "BLK_DEV_NBD"):
        assert asked[f"CONFIG_{name}"] == "y"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_up_is_an_error_and_leaves_no_kernel(kernel: KernelBuild) -> None:
    kernel.cache.mkdir(parents=True)
    kernel.log.symlink_to("/dev/full")
    with pytest.raises(MachineError, match=os.strerror(errno.ENOSPC)):
        kernel.build(quiet)
    assert left_behind(kernel) == set()
