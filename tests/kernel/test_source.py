from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from testbed.errors import MachineError
from testbed.kernel.apt import private_configuration
from testbed.kernel.aptsources import (
    AptEntry,
    Distribution,
    choose_entries,
    parse_deb822,
    parse_one_line,
    read_entries,
    render,
)
from testbed.kernel.source import (
    CHECKSUM_VARIABLE,
    SOURCE_VARIABLE,
    Origins,
    Tree,
    Upstream,
    obtain,
    order_packages,
    sha256,
)

Maker = Callable[..., Path]

MIRROR = "https://mirror.example/debian"
BOOKWORM = Distribution("debian", "bookworm")
KEYRING = (("Signed-By", "/usr/share/keyrings/debian.gpg"),)
OWN = AptEntry(MIRROR, ("bookworm", "bookworm-updates"), ("main",), KEYRING)


def test_one_line_sources_give_mirror_suite_components_and_keyring() -> None:
    text = f"""
# deb {MIRROR} commented main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian.gpg] {MIRROR} bookworm main contrib # remark
deb-src {MIRROR} bookworm main
deb {MIRROR}-flat ./
"""
    assert parse_one_line(text) == [AptEntry(MIRROR, ("bookworm",), ("main", "contrib"), KEYRING)]


def test_deb822_sources_give_each_mirror_and_leave_out_the_disabled() -> None:
    text = f"""# made by the installer
Types: deb deb-src
URIs: {MIRROR} https://second.example/debian
Suites: bookworm bookworm-updates
# a remark in between
Components: main
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
Enabled: no
URIs: https://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: https://sources.example/debian
Suites: bookworm
Components: main
"""
    assert parse_deb822(text) == [
        OWN,
        AptEntry("https://second.example/debian", *(OWN.suites, OWN.components, KEYRING)),
    ]


def test_a_key_written_into_a_source_survives_to_the_private_file() -> None:
    key = "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----"
    text = f"Types: deb\nURIs: {MIRROR}\nSuites: bookworm\nComponents: main\nSigned-By:{key}\n"
    entries = parse_deb822(text)
    assert f"Signed-By: {key}" in render(entries)
    assert parse_deb822(render(entries)) == entries


def test_both_formats_are_read_and_other_files_are_not(tmp_path: Path) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text(f"deb {MIRROR} bookworm main\n")
    (parts / "more.sources").write_text(f"Types: deb\nURIs: {MIRROR}\nSuites: sid\nComponents: main\n")
    (parts / "old.list.save").write_text(f"deb {MIRROR} buster main\n")
    assert [entry.suites for entry in read_entries(tmp_path)] == [("bookworm",), ("sid",)]


def test_on_debian_the_newest_suite_comes_from_the_users_mirror_with_the_users_keyring() -> None:
    security = AptEntry("https://mirror.example/security", ("bookworm-security",), ("main",), KEYRING)
    assert choose_entries([security, OWN], BOOKWORM) == [security, OWN, AptEntry(MIRROR, ("sid",), ("main",), KEYRING)]


@pytest.mark.parametrize("suite", ["sid", "unstable"])
def test_the_newest_suite_is_not_added_twice(suite: str) -> None:
    newest = AptEntry(MIRROR, (suite,), ("main",))
    assert choose_entries([OWN, newest], BOOKWORM) == [OWN, newest]


def test_nobody_but_the_distribution_is_asked() -> None:
    strangers = [
        AptEntry("https://cloud.example", ("cloud-bookworm",), ("main",)),
        AptEntry(MIRROR, ("nodistro",), ("main",)),
    ]
    assert choose_entries(strangers, BOOKWORM) == []


def test_on_ubuntu_no_suite_of_debian_is_added() -> None:
    noble = AptEntry("https://mirror.example/ubuntu", ("noble", "noble-updates"), ("main", "universe"))
    assert choose_entries([noble], Distribution("ubuntu", "noble")) == [noble]


def test_the_series_the_patches_were_written_for_comes_first_then_the_newest() -> None:
    names = [
        "linux-source",
        "linux-source-6.12",
        "linux-source-7.10",
        "linux-source-7.2",
        "linux-source-7.3",
        "linux-source-8.0.0",
    ]
    assert order_packages(names) == ["linux-source-7.2", "linux-source-8.0.0", "linux-source-7.10", "linux-source-7.3"]


def test_the_private_apt_takes_proxies_over_and_neither_hooks_nor_extra_indexes(tmp_path: Path) -> None:
    user = 'Acquire::http::Proxy "http://proxy:3128";\nAcquire::IndexTargets::deb::DEP-11::MetaKey "icons";'
    text = private_configuration(tmp_path, user)
    assert "http://proxy:3128" in text
    assert "DEP-11" not in text
    assert "Post-Invoke" not in text
    assert f'Dir::State::lists "{tmp_path}/state/lists";' in text
    assert 'Dir::Etc::parts "' in text


def nowhere(tmp_path: Path) -> Origins:
    """An apt without archives, and a web without the file."""
    return Origins(tmp_path / "no-apt", tmp_path / "no-release", Upstream(f"file://{tmp_path}/absent.tar.xz", "0" * 64))


def take(tmp_path: Path, env: dict[str, str], origins: Origins, *patches: Path) -> Tree:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return obtain(scratch, patches, lambda _line: None, env, origins)


def test_a_given_tarball_is_unpacked_and_patched(
    tmp_path: Path, bin_dir: Path, patch_file: Path, make_tarball: Maker
) -> None:
    tarball = make_tarball(tmp_path, "linux.tar.xz")
    env = {"PATH": str(bin_dir), SOURCE_VARIABLE: str(tarball), CHECKSUM_VARIABLE: sha256(tarball).upper()}
    tree = take(tmp_path, env, nowhere(tmp_path), patch_file)
    assert (tree.version, tree.origin, tree.sha256) == ("7.2.13", str(tarball), sha256(tarball))
    assert "hello, world" in (tree.path / "greeting.c").read_text()


@pytest.mark.parametrize(
    ("version", "greeting", "checksum", "said"),
    [
        ("7.2.13", "hello", "f" * 64, "asks for " + "f" * 64),
        ("6.12.1", "hello", "", "this is Linux 6.12; 7.2 is the oldest that works"),
        ("7.2.13", "good morning", "", "ended with 1"),
    ],
)
def test_a_given_tarball_that_does_not_fit_ends_the_search(
    tmp_path: Path,
    bin_dir: Path,
    patch_file: Path,
    make_tarball: Maker,
    version: str,
    greeting: str,
    checksum: str,
    said: str,
) -> None:
    tarball = make_tarball(tmp_path, "linux.tar.xz", version, greeting)
    env = {"PATH": str(bin_dir), SOURCE_VARIABLE: str(tarball), CHECKSUM_VARIABLE: checksum}
    with pytest.raises(MachineError) as error:
        take(tmp_path, env, nowhere(tmp_path), patch_file)
    (problem,) = error.value.problems
    assert said in problem.what
    assert SOURCE_VARIABLE in problem.hint


def test_with_no_source_anywhere_each_way_is_named_with_the_way_out(tmp_path: Path, bin_dir: Path) -> None:
    with pytest.raises(MachineError) as error:
        take(tmp_path, {"PATH": str(bin_dir)}, nowhere(tmp_path))
    distribution, web = error.value.problems
    assert "apt-get and dpkg-deb not found" in distribution.what
    assert "absent.tar.xz" in web.what
    assert all(SOURCE_VARIABLE in problem.hint for problem in (distribution, web))


def test_a_download_with_another_checksum_is_not_used_and_not_kept(
    tmp_path: Path, bin_dir: Path, make_tarball: Maker
) -> None:
    tarball = make_tarball(tmp_path / "web", "linux-7.2.tar.xz")
    origins = Origins(tmp_path / "no-apt", tmp_path / "no-release", Upstream(f"file://{tarball}", "0" * 64))
    with pytest.raises(MachineError, match="not used"):
        take(tmp_path, {"PATH": str(bin_dir)}, origins)
    assert not list((tmp_path / "scratch").glob("linux-7.2*"))


def test_without_apt_the_pinned_tarball_is_downloaded(
    tmp_path: Path, bin_dir: Path, patch_file: Path, make_tarball: Maker
) -> None:
    tarball = make_tarball(tmp_path / "web", "linux-7.2.tar.xz", "7.2.0")
    origins = Origins(tmp_path / "no-apt", tmp_path / "no-release", Upstream(f"file://{tarball}", sha256(tarball)))
    tree = take(tmp_path, {"PATH": str(bin_dir)}, origins, patch_file)
    assert (tree.version, tree.origin) == ("7.2.0", f"file://{tarball}")


@pytest.fixture
def debian(tmp_path: Path, script: Maker, make_tarball: Maker) -> Origins:
    """A system whose archive has 7.2, to which the patch does not apply, 7.4, to which it does, and 7.3."""
    pool = tmp_path / "pool"
    for version, greeting in (("7.2.9", "good morning"), ("7.3.1", "hello"), ("7.4.0", "hello")):
        name = version.rsplit(".", 1)[0]
        make_tarball(pool, f"{name}/usr/src/linux-source-{name}.tar.xz", version, greeting)
    script("apt-config", "echo 'Acquire::http::Proxy \"http://proxy:3128\";'")
    script("apt-get", f'[ "$1" = update ] && exec cp "$APT_CONFIG" {tmp_path}/seen; echo "$2" > fetched.deb')
    script("apt-cache", "echo linux-source-7.3 linux-source-7.2 linux-source-7.4 linux-source-6.1")
    answer = f'case $1 in -f) echo "$name-1" ;; *) mkdir "$3"; cp -r "{pool}/$name/usr" "$3" ;; esac'
    script("dpkg-deb", f'name=$(cat "$2"); name=${{name##*linux-source-}}; {answer}')
    (tmp_path / "apt").mkdir()
    (tmp_path / "apt/sources.list").write_text(f"deb {MIRROR} bookworm main\n")
    (tmp_path / "os-release").write_text('ID=debian\nVERSION_CODENAME="bookworm"\n')
    return Origins(tmp_path / "apt", tmp_path / "os-release", nowhere(tmp_path).upstream)


def test_the_newest_package_that_takes_the_patches_is_used(
    tmp_path: Path, bin_dir: Path, patch_file: Path, debian: Origins
) -> None:
    tree = take(tmp_path, {"PATH": str(bin_dir)}, debian, patch_file)
    assert (tree.version, tree.origin) == ("7.4.0", "linux-source-7.4 7.4-1")
    assert "hello, world" in (tree.path / "greeting.c").read_text()


def test_apt_is_only_ever_started_with_lists_of_its_own(tmp_path: Path, bin_dir: Path, debian: Origins) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in debian.etc_apt.rglob("*"))
    take(tmp_path, {"PATH": str(bin_dir)}, debian)
    seen = (tmp_path / "seen").read_text()
    assert f'Dir::State::lists "{tmp_path}/scratch/apt/state/lists";' in seen
    assert sorted((path, path.stat().st_mtime_ns) for path in debian.etc_apt.rglob("*")) == before
    assert f"URIs: {MIRROR}\nSuites: sid" in (tmp_path / "scratch/apt/sources/testbed.sources").read_text()
