"""Claims about shares and programs that need no kernel."""

from __future__ import annotations

from testbed.daemons import go_ticks, nfs

MOUNTS = """none / hostfs ro,relatime 0 0
10.0.0.1:/share /run/share nfs4 rw,relatime,vers=4.1,rsize=4096,hard,timeo=600,retrans=2 0 0
10.0.0.1:/share /run/share nfs4 rw,relatime,vers=4.2,rsize=8192,softerr,timeo=50,retrans=2 0 0
"""
CPUTICKS = bytes.fromhex("803da42345010175100f01f948c1e2204801d04889442408c30faef00faee80f31ebe9")


def test_the_last_mount_on_a_folder_is_read_back() -> None:
    assert nfs.options(MOUNTS, "/run/share")[2:5] == ["vers=4.2", "rsize=8192", "softerr"]
    assert nfs.options(MOUNTS, "/run") == []


def test_gos_clock_of_the_processor_stands_still_and_nothing_else_is_changed() -> None:
    program = b"before" + CPUTICKS + b"after \x0f\x31"
    stilled = go_ticks.stilled(program)
    assert stilled is not None and len(stilled) == len(program)
    assert b"\x0f\x01\xf9" not in stilled and stilled.count(b"\x0f\x31") == 1
    assert (stilled[:6], stilled[-8:]) == (b"before", b"after \x0f\x31")
    assert sum(a != b for a, b in zip(program, stilled, strict=True)) == 8


def test_a_program_without_that_clock_or_with_two_is_left_alone() -> None:
    assert go_ticks.stilled(b"anything") is None
    assert go_ticks.stilled(CPUTICKS * 2) is None
