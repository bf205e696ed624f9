"""Claims about the probes of stores that need no store."""

from __future__ import annotations

import errno
from pathlib import Path

from testbed.probe import files, fio, writer
from testbed.units import Duration, Size

MOUNTSTATS = """device none mounted on /proc with fstype proc
device 10.0.0.1:/other mounted on /run/other with fstype nfs4 statvers=1.1
\tper-op statistics
\t        READ: 7 7 0 0 0 0 0 0 0
device 10.0.0.1:/share mounted on /run/share with fstype nfs4 statvers=1.1
\topts:\trw,vers=4.2
\tper-op statistics
\t        NULL: 1 1 0 44 24 0 10 10 0
\t        OPEN: 20 20 0 5000 7000 1 200 201 0
\t    SEQUENCE: 3 3 0 300 300 1 30 30 0
"""


def test_only_what_a_step_waits_for_is_counted_and_only_of_its_mount() -> None:
    assert files.requests(MOUNTSTATS, "/run/share") == {"OPEN": 20}
    assert files.requests(MOUNTSTATS, "/run") == {}


def test_a_hole_and_a_torn_record_are_not_present() -> None:
    data = writer.record(0) + bytes(writer.RECORD) + writer.record(2) + writer.record(3)[:-1]
    assert writer.present(data) == {0, 2}


def test_a_record_in_another_place_is_not_present() -> None:
    assert writer.present(writer.record(1) + writer.record(1)) == {1}


def test_only_what_was_acknowledged_can_be_lost() -> None:
    rows = [(0, 1, 2, None), (1, 2, 3, errno.EIO), (2, 3, 4, None), (3, 4, None, None)]
    assert writer.lost(rows, writer.record(0)) == [2]
    assert writer.lost(rows, writer.record(0) + bytes(writer.RECORD) + writer.record(2)) == []


def test_fio_asks_the_kernel_for_the_time() -> None:
    profile = fio.Profile("randrw", Size(4096), 64, read=75)
    argv = fio.arguments("x", Path("/t"), profile, Duration(10**9), Size(2**20), 7, Duration(0))
    assert {"--clocksource=clock_gettime", "--rwmixread=75", "--direct=1", "--runtime=1000ms"} <= set(argv)
    flushed = fio.arguments(
        "x", Path("/t"), fio.Profile("write", Size(4096), flush=True), Duration(10**9), Size(1), 7, Duration(0)
    )
    assert "--fsync=1" in flushed and "--direct=1" not in flushed
