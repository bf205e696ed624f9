"""Claims about what a worker keeps: what was sent, under its hash, once, and nothing else."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from testbed.boot.means import kernel_key
from testbed.kernel.recipe import BINARY, MANIFEST
from testbed.kernel.source import sha256
from testbed.remote import parcel, work
from testbed.remote.orders import kernel_parcel


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache and the folder of a worker that has no kernel."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(work, "get_worker", lambda: SimpleNamespace(local_directory=str(tmp_path / "dask")))
    return tmp_path


def test_a_kernel_that_was_sent_can_be_run_and_is_named_by_what_it_was_made_from(
    worker: Path, guest_kernel: Path
) -> None:
    sha, sent = sha256(guest_kernel), kernel_parcel(guest_kernel)
    for _ in range(2):  # two workers of one machine
        work.keep(work.KERNEL, sha, sent)
    (kept,) = worker.glob(f"cache/**/{BINARY}")
    assert (sha256(kept), kernel_key(kept)) == (sha, kernel_key(guest_kernel))
    assert kept.stat().st_mode & 0o111
    assert sorted(path.name for path in kept.parent.iterdir()) == sorted([BINARY, MANIFEST])


def test_files_are_kept_under_their_hash(worker: Path) -> None:
    sent = parcel.pack_files({"0/a.py": b"a"})
    work.keep(work.FILES, parcel.name(sent), sent)
    assert (worker / "dask" / "testbed" / parcel.name(sent) / "0" / "a.py").read_bytes() == b"a"


@pytest.mark.parametrize("kind", [work.KERNEL, work.FILES])
def test_what_is_not_what_was_sent_is_not_kept(worker: Path, kind: str) -> None:
    with pytest.raises(parcel.DamagedError, match="not the one that was sent"):
        work.keep(kind, "0" * 64, parcel.pack_files({BINARY: b"other"}))
    assert [path for path in worker.rglob("*") if path.is_file()] == []
