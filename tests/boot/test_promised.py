"""Claims about memory that guests which run may still take."""

from __future__ import annotations

from pathlib import Path

from testbed.boot.promised import promised


def process(folder: Path, number: int, *words: str, touched_kb: int = 0) -> None:
    """What the kernel shows of a process."""
    made = folder / str(number)
    made.mkdir()
    (made / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in words))
    (made / "status").write_text(f"Name:\tx\nVmRSS:\t 1 kB\nRssShmem:\t{touched_kb:8} kB\nThreads:\t1\n")


def test_what_guests_have_not_touched_of_theirs_is_counted(tmp_path: Path) -> None:
    process(tmp_path, 10, "/cache/linux", "mem=1024M", "umid=guest", touched_kb=24 * 1024)
    process(tmp_path, 11, "/cache/linux", "mem=512M", "umid=guest", touched_kb=600 * 1024)
    assert promised(tmp_path) == 1000 * 2**20


def test_other_programs_are_not(tmp_path: Path) -> None:
    process(tmp_path, 10, "/usr/bin/linux", "mem=1024M", "umid=another")
    process(tmp_path, 11)
    (tmp_path / "12").mkdir()
    assert promised(tmp_path) == 0
