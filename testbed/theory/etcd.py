"""What consensus across a network costs: etcd's commits and elections."""

from __future__ import annotations

from collections.abc import Sequence

from testbed.theory.interval import Expectation, exactly
from testbed.units import Duration

HEARTBEAT, ELECTION = Duration(100 * 10**6), Duration(1000 * 10**6)
"""etcd's defaults. Source: etcd documentation, tuning, time parameters."""
ELECTION_TIMES = 10
"""The election timeout is at least ten times the RTT between members. Source: the same."""
WORK = Duration(500_000)
"""What the work of members and client may add to a commit in virtual time: a thousand system calls; arbitrary."""
PATIENCE = 0.5
"""Share of the election timeout that an RTT may take before theory says nothing; arbitrary."""


def commit(rtts: Sequence[Duration]) -> Expectation:
    """Time in s of a write at the leader: the RTT to the nearest members that make a majority with it.

    The leader sends the entry to all, and commits when more than half have it: ``rtts`` sorted, the one at half the
    number of members. Source: Ongaro and Ousterhout, In Search of an Understandable Consensus Algorithm, USENIX ATC
    2014, section 5.3. Valid without loss, for storage that takes no time, and one write at a time.

    Raises:
        ValueError: no other member.
    """
    if not rtts:
        raise ValueError("a cluster has other members than its leader")
    needed = sorted(rtts)[(len(rtts) + 1) // 2 - 1]
    source = "RTT to the member that makes a majority, Ongaro and Ousterhout 2014, section 5.3"
    return Expectation(needed.seconds, needed.seconds, (needed + WORK) / 10**9, "s", source)


def recommended(rtt: Duration) -> tuple[Duration, Duration]:
    """Heartbeat interval and election timeout for the largest RTT: about the RTT, and ten times that.

    Source: etcd documentation, tuning, time parameters. Whole ms, and no less than the defaults.
    """
    heartbeat = max(HEARTBEAT, Duration(-(-rtt // 10**6) * 10**6))
    return heartbeat, max(ELECTION, Duration(ELECTION_TIMES * heartbeat))


def leader_changes(rtt: Duration, election: Duration, *, lossy: bool) -> Expectation | None:
    """How often the leader changes while nothing breaks: never, where a heartbeat needs much less than the timeout.

    ``None``: no theory. Under loss heartbeats wait behind TCP's retransmissions, and near the timeout chance decides.
    """
    if lossy or rtt > PATIENCE * election:
        return None
    return exactly(0, "changes", "heartbeats arrive within the election timeout, etcd documentation, tuning")
