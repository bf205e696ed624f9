"""Claims about kept clusters as a user sees them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from testbed.boot import kept
from testbed.errors import InputError
from testbed.kubernetes.disk import IMAGE
from tests.plan.shipped import plan_of


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    for key, used_s in (("aaaa", 1_000), ("bbbb", 2_000)):
        folder = tmp_path / f"{kept.PREFIX}{key}"
        folder.mkdir()
        (folder / IMAGE).write_bytes(b"x" * 8192)
        kept.describe(plan_of("stretched_cluster.py"), "/somewhere/stretched.py", folder)
        os.utime(folder, (used_s, used_s))
    (tmp_path / "disk-other").mkdir()
    return tmp_path


def test_they_are_listed_by_last_use_with_what_is_on_them(cache: Path) -> None:
    first, second = kept.kept(cache)
    assert (first.key, second.key) == ("bbbb", "aaaa")
    assert first.size >= 8192
    assert "2 in aws, 1 in onprem" in first.about and "stretched.py" in first.about and "Calico" in first.about


def test_one_that_a_run_starts_from_was_used_last(cache: Path) -> None:
    kept.use(cache / f"{kept.PREFIX}aaaa" / IMAGE)
    assert [each.key for each in kept.kept(cache)] == ["aaaa", "bbbb"]


def test_only_those_that_were_named_go(cache: Path) -> None:
    assert [each.key for each in kept.forget(cache, ["aaaa"])] == ["aaaa"]
    assert sorted(path.name for path in cache.iterdir()) == ["disk-other", f"{kept.PREFIX}bbbb"]
    assert [each.key for each in kept.forget(cache, [], everything=True)] == ["bbbb"]
    assert [path.name for path in cache.iterdir()] == ["disk-other"]


def test_a_key_that_none_has_removes_nothing(cache: Path) -> None:
    with pytest.raises(InputError, match="none is kept by that key"):
        kept.forget(cache, ["aaaa", "cccc"])
    assert len(kept.kept(cache)) == 2
