"""What a name costs: round trips to the servers that have to be asked, what a cache keeps, and who gives up when.

Numbers of dnsmasq are those of version 2.90, its source and dnsmasq(8).
"""

from __future__ import annotations

from collections.abc import Sequence

from testbed.theory.interval import Expectation, exactly
from testbed.units import Duration

WORK = Duration(100_000)
"""Arbitrary: what the system calls of one server, or of the program that asks, may add in virtual time: two hundred."""
GRAIN = Duration(10**9)
"""dnsmasq counts time in whole seconds (``dnsmasq_time`` in src/util.c)."""
MERGES_FOR = Duration(2 * 10**9)
"""A question for what was asked less than this before, and not answered, is not sent on (``forward_query`` in
src/forward.c)."""
PROGRAM = Duration(10**6)
"""Arbitrary: what starting and ending a program takes, some hundreds of system calls."""
LIBRARY_TIMEOUT, LIBRARY_TRIES = Duration(5 * 10**9), 2
"""glibc's own (resolv.conf(5), ``timeout`` and ``attempts``)."""
SYN_RETRIES = 2
"""``TCP_SYNCNT`` of its connections to other servers (``tcp_talk`` in src/forward.c)."""
SYN_TIMEOUT = Duration(10**9)
"""RFC 6298 section 2."""
SYN_TIMERS, TIMER_GRAIN = 6, Duration(32 * 10**6)
"""Timers of those seconds one after the other (``tcp_syn_linear_timeouts``: the first four do not back off), and what
each of 1 s or 2 s is rounded up to: level 1 of the timer wheel at 250 Hz (Linux kernel/time/timer.c)."""


def lookup(rtts: Sequence[Expectation]) -> Expectation:
    """Time in ms of one question over UDP: the RTTs from the program to its resolver, from there to the next, and on.

    Valid where nothing is lost, and each server has to ask the next one. One RTT: the resolver knows the answer, or
    keeps it in its cache.

    Args:
        rtts: in ms, of each leg (:func:`testbed.theory.rtt.median`).
    """
    work = (len(rtts) + 1) * WORK / 10**6
    ideal, low, high = (
        sum(number or 0.0 for number in numbers)
        for numbers in zip(*((rtt.expected, rtt.low, rtt.high) for rtt in rtts), strict=True)
    )
    source = "RTT to each server that is asked in turn; RFC 1034 section 5.3.1"
    return Expectation(ideal, max(0.0, low), high + work, "ms", source)


def kept(ttl: Duration, interval: Duration) -> Expectation:
    """For how long in s a cache answers after it asked: its TTL, cut to whole seconds of the cache's clock.

    As seen by questions each ``interval``: from the one that had to be sent on to the last one that was answered.
    Source: RFC 1035 section 3.2.1; ``is_expired`` in dnsmasq's src/cache.c.
    """
    low = max(0, ttl - GRAIN - interval) / 10**9
    return Expectation(None, low, ttl.seconds, "s", "TTL, RFC 1035 section 3.2.1, less at most 1 s and one interval")


def patience(wait: Duration) -> Expectation:
    """After how long in s a question over UDP fails whose answer lies behind a dead link: when the program gives up.

    dnsmasq itself says nothing: it generates no timeouts (dnsmasq(8), --fast-dns-retry).
    """
    source = "the program's own patience; dnsmasq generates no timeouts, dnsmasq(8)"
    return Expectation(wait.seconds, wait.seconds, (wait + WORK) / 10**9, "s", source)


def library_gives_up(servers: int) -> Expectation:
    """After how long in s the C library tells a program that a name cannot be learned now, where no server answers.

    It asks each of ``servers`` in turn, twice (resolv.conf(5): timeout 5 s, attempts 2): the first for its timeout, any
    other for ``timeout x 2^number / servers`` (``send_dg`` in glibc's resolv/res_send.c). A poll(2) may end later by a
    thousandth (``select_estimate_accuracy`` in Linux fs/select.c).
    """
    each = [LIBRARY_TIMEOUT if not number else (LIBRARY_TIMEOUT << number) // servers for number in range(servers)]
    total = LIBRARY_TRIES * sum(each)
    source = "resolv.conf(5): timeout 5 s, attempts 2, each server in turn; glibc resolv/res_send.c"
    return Expectation(total / 10**9, total / 10**9, (total * 1.001 + PROGRAM) / 10**9, "s", source)


def hangs_up() -> Expectation:
    """After how long in s dnsmasq closes a connection whose question lies behind a dead link: its SYNs are over.

    Linux gives up at the first timer after ``(2^(n + 1) - 1) x SYN_TIMEOUT``, n being ``SYN_RETRIES``, although it
    sends more SYNs than n in that time (``tcp_model_timeout`` and ``tcp_write_timeout``, net/ipv4/tcp_timer.c; its
    ip-sysctl.rst says more). It is earlier where a router on the way says that it has no route, or nobody at its
    link's other end: TCP takes its word, unless the router has said so too often (``icmp_ratelimit``).
    """
    total = (2 ** (SYN_RETRIES + 1) - 1) * SYN_TIMEOUT
    slack = SYN_TIMERS * TIMER_GRAIN + 3 * WORK
    source = "at most TCP_SYNCNT 2, dnsmasq src/forward.c: 1 + 2 + 4 s, Linux net/ipv4/tcp_timer.c"
    return Expectation(None, 0.0, (total + slack) / 10**9, "s", source)


def back(cold: Expectation, interval: Duration) -> Expectation:
    """From when packets pass again to the first answer in s, with questions each ``interval``; ``cold`` in ms."""
    high = (interval + MERGES_FOR) / 10**9 + (cold.high or 0.0) / 1000
    return Expectation(None, 0.0, high, "s", "the next question that is sent on is answered: dnsmasq src/forward.c")


def never(unit: str, source: str) -> Expectation:
    """Of something that must not be."""
    return exactly(0, unit, source)
