from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

from testbed.cluster.archive import Image, configuration, write_archive
from testbed.cluster.layer import compressed, finished, writing


def test_images_that_share_a_layer_have_it_in_the_archive_once(tmp_path: Path) -> None:
    for name in ("below", "one", "two"):
        with writing(tmp_path / f"{name}.tar") as content:
            content.text(f"etc/{name}", name)
    below, one, two = (compressed(finished(tmp_path / f"{name}.tar")) for name in ("below", "one", "two"))
    images = [Image(("a:1",), (below, one), ("/a",)), Image(("b:1", "b:2"), (below, two))]
    write_archive(tmp_path / "images.tar", images, "x86_64")
    with tarfile.open(tmp_path / "images.tar") as archive:
        names = archive.getnames()
        listed = json.load(archive.extractfile("manifest.json") or tmp_path.open())
        for image in listed:
            config = archive.extractfile(image["Config"])
            assert config is not None
            data = config.read()
            assert image["Config"] == f"{hashlib.sha256(data).hexdigest()}.json"
            said = json.loads(data)["rootfs"]["diff_ids"]
            assert [f"{digest.removeprefix('sha256:')}/layer.tar" for digest in said] == image["Layers"]
    assert [image["RepoTags"] for image in listed] == [["a:1"], ["b:1", "b:2"]]
    assert len(names) == len(set(names)) == 3 + 2 + 1


def test_a_configuration_says_how_containers_start() -> None:
    image = Image(("n:1",), (), ("/sbin/init",), {"b": "2", "a": "1"}, "SIGRTMIN+3")
    said = configuration(image, "aarch64")
    assert (said["architecture"], said["os"]) == ("arm64", "linux")
    assert said["config"] == {"Env": ["a=1", "b=2"], "Entrypoint": ["/sbin/init"], "StopSignal": "SIGRTMIN+3"}


def test_two_archives_of_the_same_are_the_same(tmp_path: Path) -> None:
    found = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        with writing(folder / "layer.tar") as content:
            content.text("etc/hostname", "node\n")
            content.link("bin", "usr/bin")
        write_archive(folder / "image.tar", [Image(("i:1",), (compressed(finished(folder / "layer.tar")),))], "x86_64")
        found.append((folder / "image.tar").read_bytes())
    assert found[0] == found[1]
