"""Claims about parcels: what comes out is what went in, and nothing lands outside its folder or half."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from testbed.remote.parcel import DamagedError, name, pack, pack_files, unpack

NAMES = some.text("abcdefgh", min_size=1, max_size=4)
FILES = some.dictionaries(some.tuples(NAMES, NAMES).map("/".join), some.binary(max_size=50), max_size=5)


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def test_a_folder_comes_out_as_it_went_in_empty_folders_too(tmp_path: Path) -> None:
    for file in ("a/b/c.txt", "a/d", "e"):
        (tmp_path / "in" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / file).write_bytes(file.encode() * 1000)
    (tmp_path / "in" / "a" / "nothing").mkdir()
    unpack(pack(tmp_path / "in"), tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tmp_path / "in")


def test_the_same_folder_is_the_same_bytes_at_another_place_and_time(tmp_path: Path) -> None:
    for place in ("one", "other"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "file").write_text("the same", encoding="utf-8")
    assert name(pack(tmp_path / "one")) == name(pack(tmp_path / "other"))


@given(FILES)
def test_files_come_out_as_they_went_in(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    out = tmp_path_factory.mktemp("parcel") / "out"
    unpack(pack_files(files), out)
    assert {name: content for name, content in contents(out).items() if content is not None} == files


@pytest.mark.parametrize("entry", ["/etc/passwd", "../beside", "a/../../beside"])
def test_a_parcel_that_would_write_elsewhere_is_refused_whole(tmp_path: Path, entry: str) -> None:
    with pytest.raises(DamagedError, match="does not belong"):
        unpack(pack_files({"fine": b"", entry: b"x"}), tmp_path / "in" / "out")
    assert contents(tmp_path / "in") == {}
    assert not (tmp_path / "beside").exists()


def test_a_link_is_refused(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(link)
    with pytest.raises(DamagedError, match="does not belong"):
        unpack(gzip.compress(packed.getvalue()), tmp_path / "out")


@pytest.mark.parametrize("wrong", [b"", b"no parcel", pack_files({"a": b"x" * 5000})[:60]])
def test_what_is_no_whole_parcel_leaves_nothing(tmp_path: Path, wrong: bytes) -> None:
    with pytest.raises(DamagedError):
        unpack(wrong, tmp_path / "in" / "out")
    assert contents(tmp_path / "in") == {}
