"""Claims about consensus across a network, checked against Raft and etcd's documentation."""

from __future__ import annotations

import pytest

from testbed.theory import etcd
from testbed.units import Duration

MS = 10**6


@pytest.mark.parametrize(
    ("rtts_ms", "needed"), [((10, 40), 10), ((40, 10), 10), ((5, 10, 20, 40), 10), ((7,), 7), ((1, 2, 3), 2)]
)
def test_a_commit_waits_for_the_member_that_makes_a_majority(rtts_ms: tuple[int, ...], needed: int) -> None:
    assert etcd.commit([Duration(each * MS) for each in rtts_ms]).expected == needed / 1000


def test_the_timers_that_etcd_recommends() -> None:
    assert etcd.recommended(Duration(130 * MS)) == (130 * MS, 1300 * MS)
    assert etcd.recommended(Duration(10 * MS)) == (etcd.HEARTBEAT, etcd.ELECTION)


def test_theory_says_nothing_near_the_timeout_or_under_loss() -> None:
    assert etcd.leader_changes(Duration(600 * MS), etcd.ELECTION, lossy=False) is None
    assert etcd.leader_changes(Duration(10 * MS), etcd.ELECTION, lossy=True) is None
    never = etcd.leader_changes(Duration(10 * MS), etcd.ELECTION, lossy=False)
    assert never is not None and (never.low, never.high) == (0, 0)


def test_a_leader_alone_is_no_cluster() -> None:
    with pytest.raises(ValueError, match="other members"):
        etcd.commit([])
