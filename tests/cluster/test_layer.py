from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from pathlib import Path

from testbed.cluster.layer import finished, merged_link, merged_name, writing
from testbed.cluster.packages import files_of, read_package, status_stanza


def test_paths_of_old_places_go_below_usr() -> None:
    assert merged_name("./bin/sh") == "usr/bin/sh"
    assert merged_name("./lib64/ld.so") == "usr/lib64/ld.so"
    assert merged_name("./usr/bin/awk") == "usr/bin/awk"
    assert merged_name("./libexec/x") == "libexec/x"


def test_links_that_moved_point_to_the_same_place() -> None:
    assert merged_link("./lib/x/liba.so", "../../usr/lib/liba.so.1") == "/usr/lib/liba.so.1"
    assert merged_link("./bin/sh", "dash") == "/bin/dash"
    assert merged_link("./usr/bin/x", "../lib/x") == "../lib/x"
    assert merged_link("./sbin/init", "/lib/systemd/systemd") == "/lib/systemd/systemd"


def test_a_package_keeps_owners_and_modes_without_root(make_package: Callable[..., Path], tmp_path: Path) -> None:
    path = make_package(
        "tool",
        {
            "bin/tool": "#!/bin/sh\n",
            "usr/share/doc/tool/copyright": "c",
            "usr/share/doc/tool/README": "r",
            "dev/x": "x",
        },
        {"sbin/tool2": "../bin/tool"},
    )
    package = read_package(path, dict(os.environ))
    with writing(tmp_path / "layer.tar") as content, files_of(package, dict(os.environ)) as files:
        content.package(files)
    with tarfile.open(finished(tmp_path / "layer.tar").path) as tar:
        found = {member.name: member for member in tar}
    assert (found["usr/bin/tool"].uid, found["usr/bin/tool"].mode) == (0, 0o755)
    assert found["usr/sbin/tool2"].linkname == "/bin/tool"
    assert "usr/share/doc/tool/copyright" in found
    assert not {"usr/share/doc/tool/README", "dev/x", "bin"} & set(found)
    assert all(member.mtime == 0 and not member.uname for member in found.values())


def test_the_first_of_a_name_stays(tmp_path: Path) -> None:
    with writing(tmp_path / "layer.tar") as content:
        content.text("etc/a", "first")
        content.text("etc/a", "second")
    with tarfile.open(tmp_path / "layer.tar") as tar:
        assert tar.getnames() == ["etc/a"]
        file = tar.extractfile("etc/a")
        assert file is not None
        assert file.read() == b"first"


def test_dpkg_is_told_what_is_there(make_package: Callable[..., Path]) -> None:
    package = read_package(make_package("tool", {"bin/tool": "x"}), dict(os.environ))
    assert package.record()["version"] == "1:2.0-1"
    stanza = status_stanza(package)
    assert stanza.startswith("Package: tool\nStatus: install ok installed\nVersion: 1:2.0-1\n")
    assert "Description: a test's\n of two lines\n" in stanza
