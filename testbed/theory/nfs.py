"""When NFS gives up, and when it comes back, after its server has fallen silent. For version 4.1 and later over TCP.

Linux decides in three layers: TCP sends again, with doubled waits; TCP gives the connection up after a time that the
RPC layer sets; a request of a soft mount fails at its major timeout, but only once the connection is given up. Sources:
Linux 7.2 net/sunrpc/xprt.c (``xprt_calc_majortimeo``, ``xprt_request_timeout``), clnt.c (``rpc_check_timeout``,
``call_connect_status``), xprtsock.c (``xs_tcp_set_connect_timeout``, ``xs_tcp_set_socket_timeouts``),
fs/nfs/nfs4renewd.c (``nfs4_set_lease_period``), net/ipv4/tcp_timer.c.
"""

from __future__ import annotations

from testbed.theory.interval import Expectation, exactly
from testbed.theory.stall import RTO_MIN, RTO_SLACK, resent
from testbed.units import Duration

SECOND = Duration(10**9)
LEASE = Duration(90 * 10**9)
"""Of Linux's server: ``NFSD_LEASE_TIME``, fs/nfsd/nfsd.h."""
MAJOR_MAX = Duration(600 * 10**9)
"""``NFS_MAX_TCP_TIMEOUT``, include/linux/nfs_fs.h."""
ATTEMPTS = 3
"""Retries and one of the RPC layer's own timeout, ``xs_tcp_default_timeout``; not the mount's."""
CONNECT_AGAIN = Duration(3 * 10**9)
"""``XS_TCP_INIT_REEST_TO``, and the wait of ``call_connect_status``."""
SYN_LINEAR = 4
"""Linux's default of tcp_syn_linear_timeouts."""


def major_timeout(timeo: Duration, retrans: int) -> Duration:
    """When a request has gone unanswered for too long: ``timeo x (retrans + 1)``, at most 600 s. See nfs(5)."""
    return Duration(min(timeo * (retrans + 1), MAJOR_MAX))


def connection_timeout(lease: Duration = LEASE) -> Duration:
    """After which TCP gives up a connection that does not answer: the lease, in three parts of whole seconds or so."""
    return Duration(ATTEMPTS * max(-(-lease // ATTEMPTS), 2 * CONNECT_AGAIN))


def given_up(rtt: Duration, lease: Duration = LEASE) -> Expectation:
    """When TCP gives a silent connection up, in s since the first packet that was lost.

    It looks when it sends again, ``r (2^k - 1)`` after that packet (RFC 6298, section 5.5), where r is the smoothed RTT
    and 200 ms: so at the first such instant after :func:`connection_timeout`, or, where Linux shortens the last wait
    (``tcp_clamp_rto_to_user_timeout``), right then.
    """
    low, first = connection_timeout(lease), RTO_MIN + rtt
    times = 1
    while first * (2**times - 1) < low:
        times += 1
    high = (first + RTO_SLACK) * (2**times - 1)
    return Expectation(None, low.seconds, high / 10**9, "s", "RFC 6298 section 5.5, Linux net/sunrpc/xprtsock.c")


def first_error(timeo: Duration, retrans: int, rtt: Duration, lease: Duration = LEASE) -> Expectation:
    """When the first call of a soft mount fails, in s since its server fell silent for good.

    At the first major timeout M (each begins another) that finds the connection given up. A failed attempt to connect
    waits up to :data:`CONNECT_AGAIN`.
    """
    major, gone = major_timeout(timeo, retrans).seconds, given_up(rtt, lease)
    assert gone.low is not None and gone.high is not None
    late = Duration(CONNECT_AGAIN + SECOND).seconds  # and a second of coarse timers
    high = major + late if major > gone.high else gone.high + major + late
    expected = major if major > gone.high else None
    source = "timeo x (retrans + 1), once TCP has given up after the lease time; Linux net/sunrpc"
    return Expectation(expected, max(major, gone.low), high, "s", source)


def errors(lost: str, outage: Duration, first: Expectation) -> Expectation | None:
    """How many calls fail: none on a hard mount, and none before the first can; ``None``: no theory says how many."""
    if lost == "hard":
        return exactly(0, "calls", "nfs(5): a hard mount waits for ever")
    if first.low is not None and outage.seconds < first.low:
        return exactly(0, "calls", "the outage is over before a call may fail")
    if first.high is not None and outage.seconds > first.high:
        return Expectation(None, 1, None, "calls", "a soft mount's call fails before the outage is over")
    return None


def back_after(
    outage: Duration, rtt: Duration, lease: Duration = LEASE, idle: Duration = Duration(200_000_000)
) -> Expectation:
    """When the first call is through after the outage, in s since it was over: when the client next sends anything.

    While the connection lives, TCP sends again at ``r (2^k - 1)`` after the first packet that was lost
    (:func:`given_up`), or one ``r`` later where a tail loss probe came first (RFC 8985 section 7.2). Of each of these
    instants theory knows a window; the bounds are those of the first that is not before the outage's end. Once the
    connection is given up, the RPC layer connects anew within :data:`CONNECT_AGAIN`, and each attempt lasts no longer
    than a connection may go unanswered: the longest wait between two SYNs is the bound then, and not a tight one, since
    Linux 7.2 was seen to begin another attempt each 3 s.

    The first packet may be lost as late as ``idle`` after the cut: what passes between two requests of the program.
    """
    exchanges = 10 * rtt + SECOND  # a new connection's handshake, session and lost state; a second of coarse timers
    source = "TCP's doubled waits and the RPC layer's attempts to connect; Linux"
    if outage >= connection_timeout(lease):
        return Expectation(None, 0.0, (longest_syn_wait(lease) + exchanges) / 10**9, "s", source)
    windows = _sends(rtt, lease, idle)
    low = min(max(first, outage) for first, last in windows if last >= outage)
    high = next(last for first, last in windows if first >= outage)
    return Expectation(None, (low - outage) / 10**9, (high - outage + exchanges) / 10**9, "s", source)


def _sends(rtt: Duration, lease: Duration, idle: Duration) -> list[tuple[int, int]]:
    """Windows in which the client sends into an outage, in ns since its start, the last by a new connection."""
    gone, late = connection_timeout(lease), RTO_MIN + rtt + RTO_SLACK
    # Counted from the first packet that was sent again (retrans_stamp, tcp_clamp_rto_to_user_timeout).
    return [*resent(rtt, idle, gone), (int(gone), idle + 2 * late + gone + CONNECT_AGAIN)]


def longest_syn_wait(lease: Duration = LEASE) -> Duration:
    """Between two SYNs of an attempt to connect, at most.

    A SYN is sent again after 1 s, :data:`SYN_LINEAR` times, then after waits that double (Documentation/networking/
    ip-sysctl.rst, tcp_syn_linear_timeouts; net/ipv4/tcp_timer.c, tcp_retransmit_timer).
    """
    sent, wait, longest, times = 0, int(SECOND), int(SECOND), 0
    while sent + wait < connection_timeout(lease):
        sent, longest, times = sent + wait, wait, times + 1
        wait = wait * 2 if times > SYN_LINEAR else wait
    return Duration(max(longest, connection_timeout(lease) - sent + CONNECT_AGAIN))


PATIENT = exactly(0, "calls", "clnt.c, rpc_check_timeout: no call of NFSv4 fails while its connection is up")
"""How many calls fail when the server's storage stalls, on any mount: its network still answers."""


def unstalled(rtt: Duration) -> Expectation:
    """When the first call is through after the server's storage goes on: what was asked is answered at once.

    The calls of one record are four, and one second is left for the file system's journal; arbitrary.
    """
    return Expectation(
        None, 0, (4 * rtt + SECOND) / 10**9, "s", "round trips of OPEN, WRITE, COMMIT and CLOSE, and 1 s"
    )
