"""What metrics and logs of a site lose, and how late they come, when its way to where they are collected is silent.

**remote_write** (Prometheus 2.42.0, storage/remote/queue_manager.go, client.go). A sample goes from the WAL into the
queue of a shard, from there in batches of ``BATCH``, or of what there is after ``DEADLINE``. A request that is not
answered within ``TIMEOUT`` is sent again, after a wait that doubles from ``BACKOFF_FIRST`` to ``BACKOFF_MOST``; the
connection is closed, and the next request opens another, whose SYN goes out again and again. While a batch waits, so
does its shard; once ``CAPACITY`` more are queued, so does who reads the WAL, with a wait that doubles as well. Nothing
is dropped: what is not sent is in the WAL, and that keeps an hour at least (tsdb/head.go, ``compactable``,
``truncateWAL``). An age after which samples are not sent any more (``sample_age_limit``) came with 2.50.

Not all that is sent is taken, though: the receiver refuses what is older than half a block before the newest sample
that it has of anybody (``HEAD``; tsdb/head_append.go, ``appendableMinValidTime``), with status 400, after which nobody
tries again.

**Federation** fetches the newest sample of each series. What was scraped between two fetches that succeeded, but for
the last, is nowhere but at the site.

**Logs.** Lines wait in the queue of what sends them: in memory, from ``SPILLS`` on also on disk, without limit unless
one is set, and then not always in order. Plain TCP calls a line sent when the kernel has it; RELP keeps each until it
is acknowledged, ``WINDOW`` at most, and takes the session for broken when none is for ``RELP_TIMEOUT``. As long as the
connection lives, what was sent into the silence is sent again when TCP's doubled wait is over. Sources: rsyslog
8.2302.0, action.c (``doSubmitToActionQ``: ``eFLOWCTL_NO_DELAY``), runtime/queue.c (``qqueueAdviseMaxWorkers``),
tools/omfwd.c (``TCPSendBufUncompressed``), plugins/omrelp/omrelp.c; librelp 1.11, src/relpsess.c
(``relpSessWaitState``, ``relpSessTryReestablish``).
"""

from __future__ import annotations

from dataclasses import replace

from testbed.theory.interval import Expectation, exactly
from testbed.theory.stall import GIVES_UP, resent
from testbed.units import Duration

BATCH, CAPACITY = 500, 2500
DEADLINE, TIMEOUT = Duration.parse("5 s"), Duration.parse("30 s")
BACKOFF_FIRST, BACKOFF_MOST = Duration.parse("30 ms"), Duration.parse("5 s")
"""Source: Prometheus 2.42.0, config/config.go, ``DefaultQueueConfig``, ``DefaultRemoteWriteConfig``."""
HEAD = Duration.parse("1 h")
"""Half of a block of 2 h. Source: Prometheus 2.42.0, tsdb/head_append.go; tsdb/db.go, ``DefaultBlockDuration``."""
SYN_MOST = Duration.parse("11 s")
"""The longest within ``TIMEOUT`` without a SYN: they go out after 0, 1, 2, 3, 4, 5, 7, 11 and 19 s. Source: Linux,
Documentation/networking/ip-sysctl.rst, tcp_syn_linear_timeouts."""
WINDOW, RELP_TIMEOUT = 128, Duration.parse("90 s")
"""Source: librelp 1.11, src/relp.h, ``RELP_DFLT_WINDOW_SIZE``; rsyslog 8.2302.0, plugins/omrelp/omrelp.c."""
RESUME, CONNECT = Duration.parse("30 s"), Duration.parse("10 s")
"""When an action that failed is tried again, and how long RELP tries to connect. Source: rsyslog 8.2302.0, action.c,
``iResumeInterval``; plugins/omrelp/omrelp.c, ``connTimeout``."""
SPILLS = 900
"""Lines from which on a queue goes to disk: 90 % of its default size. Source: rsyslog 8.2302.0, runtime/queue.c."""
RESTARTED = Duration.parse("10 s")
"""For a container that ended to be started anew and to answer; arbitrary."""
HANDLING = Duration.parse("1 s")
"""For programs on one busy processor to do their part; arbitrary."""
PROMETHEUS = "Prometheus 2.42.0, storage/remote"
RSYSLOG = "rsyslog 8.2302.0, librelp 1.11"


def written_late(rtt: Duration, look: Duration) -> Expectation:
    """How old a sample is at most when the receiver has it by remote_write, in s, with nothing broken."""
    high = (DEADLINE + rtt + look + HANDLING) / 10**9
    return Expectation(None, 0, high, "s", f"{PROMETHEUS}: a batch waits for {BATCH} samples or {DEADLINE}")


def fetched_late(interval: Duration, rtt: Duration, look: Duration) -> Expectation:
    """How old a sample is at most when the receiver has it by federation, in s, with nothing broken."""
    high = (interval + 2 * rtt + look + HANDLING) / 10**9
    return Expectation(None, 0, high, "s", f"Prometheus 2.42.0, web/federate.go: the newest sample, each {interval}")


def written_lost(outage: Duration) -> Expectation:
    """How many samples that a site scraped the receiver never gets by remote_write."""
    if outage < HEAD:
        return exactly(
            0, "samples", f"{PROMETHEUS}: what is not sent waits in the WAL, and is taken until {HEAD} later"
        )
    source = f"Prometheus 2.42.0, tsdb/head_append.go: what is more than {HEAD} behind the newest is refused"
    return Expectation(None, 1, None, "samples", source)


def written_again(outage: Duration, rtt: Duration) -> Expectation:
    """From the network's return until a sample is through by remote_write, in s.

    A request that was under way is sent again by TCP, until it is given up; then a new connection's SYN is.
    """
    new = SYN_MOST + BACKOFF_MOST
    if outage + HANDLING < TIMEOUT:
        new = Duration(max(windows[1] for windows in _next(outage, rtt, DEADLINE)) - outage)
        new = Duration(min(new, TIMEOUT + DEADLINE - outage + BACKOFF_FIRST))
    high = (new + 3 * rtt + HANDLING) / 10**9
    return Expectation(
        None, 0, high, "s", f"{PROMETHEUS}: requests give up after {TIMEOUT}; SYNs come up to {SYN_MOST} apart"
    )


def caught_up(outage: Duration, rtt: Duration, per_s: float, answer: Duration) -> Expectation:
    """From the network's return until nothing by remote_write is later than usual, in s.

    Args:
        outage: how long there was no way.
        rtt: between site and receiver.
        per_s: samples that the site scrapes a second.
        answer: what the receiver takes for a batch; with it a shard is known to be quick enough.
    """
    first = written_again(outage, rtt)
    assert first.high is not None
    waiting = per_s * (outage.seconds + first.high)
    batches = waiting / BATCH + 1
    # The reader of the WAL sleeps while the queue is full, and the last batch waits for more.
    high = first.high + batches * (rtt + answer) / 10**9 + (BACKOFF_MOST + DEADLINE) / 10**9
    return Expectation(None, 0, high, "s", f"{PROMETHEUS}: one shard, {BATCH} samples a round trip, {waiting:.0f} wait")


def written_oldest(outage: Duration, interval: Duration, again: Expectation) -> Expectation:
    """How old a sample is, in s, when it comes by remote_write after it waited for all of an outage."""
    assert again.high is not None
    high = (outage + DEADLINE + HANDLING) / 10**9 + again.high
    low = max(0, outage - interval) / 10**9
    return Expectation(None, low, high, "s", f"{PROMETHEUS}: the oldest waits from the cut until a request is through")


def fetches_lost(outage: Duration, interval: Duration, targets: int) -> Expectation:
    """How many scrapes of a site's targets never come by federation: those of fetches that failed.

    A fetch that began before the network was back may succeed, and one that was under way when it broke may fail.
    """
    failed = outage / interval
    source = f"Prometheus 2.42.0, scrape/scrape.go: one fetch each {interval}, none is made up for; {targets} targets"
    return Expectation(failed * targets, max(0.0, failed - 2) * targets, (failed + 2) * targets, "scrapes", source)


def line_late(rtt: Duration) -> Expectation:
    """How old a line is at most when the collector has it, in s, with nothing broken."""
    return Expectation(None, 0, (rtt + HANDLING) / 10**9, "s", f"{RSYSLOG}: a line is sent as soon as it is read")


def lines_lost(outage: Duration) -> Expectation:
    """How many lines never come, of those that who sends them and who collects them outlive."""
    if outage < GIVES_UP:
        return exactly(0, "lines", f"TCP keeps what was sent for {GIVES_UP.seconds:g} s (tcp_retries2 = 15); {RSYSLOG}")
    source = f"plain TCP loses what the kernel was given, once that gives up after {GIVES_UP.seconds:g} s; {RSYSLOG}"
    return Expectation(None, 0, None, "lines", source)


def lines_late(outage: Duration, rtt: Duration, interval: Duration, protocol: str) -> Expectation:
    """How long the line that waits longest takes to come, in s, when its connection's path is silent.

    Until TCP sends again for the first time after the outage. RELP may be sooner: its window is full after ``WINDOW``
    lines, ``RELP_TIMEOUT`` later it opens another connection. It was seen to do so, and not to: then TCP was first.
    """
    windows = _next(outage, rtt, interval)
    low, high = min(each[0] for each in windows) - interval, max(each[1] for each in windows)
    source = f"RFC 6298 section 5.5: TCP's waits double, so it sends again up to as long after an outage; {RSYSLOG}"
    broken = WINDOW * interval + RELP_TIMEOUT
    if protocol == "relp":
        low = min(low, max(outage, broken) - interval)
        if broken < outage:
            high = max(high, outage + RESUME + CONNECT)
        source = f"{source}: or once {WINDOW} lines were not acknowledged for {RELP_TIMEOUT}"
    return Expectation(None, max(0, low) / 10**9, (high + 2 * rtt + HANDLING) / 10**9, "s", source)


def lines_replayed(protocol: str) -> Expectation:
    """How many lines come more than once."""
    if protocol == "tcp":
        return exactly(0, "lines", f"{RSYSLOG}: plain TCP sends nothing again while its connection lives")
    return Expectation(0, 0, WINDOW, "lines", f"{RSYSLOG}: what was not acknowledged is sent again, {WINDOW} at most")


def lines_lost_restarted(outage: Duration, rtt: Duration, interval: Duration, protocol: str) -> Expectation:
    """The same where what collects is started anew in the midst of the outage.

    The first packet that is sent again meets nobody who knows the connection, and what the kernel had taken for it is
    gone: all lines since the cut, or as many as its buffer takes. Who is near loses what is under way at the end.
    """
    if protocol == "relp":
        return exactly(0, "lines", f"{RSYSLOG}: what was not acknowledged is sent again by the next connection")
    source = f"{RSYSLOG}: of plain TCP what the kernel had taken is lost with its connection"
    if not outage:
        return Expectation(None, 0, RESTARTED / interval, "lines", source)
    high = lines_late(outage, rtt, interval, protocol).high
    assert high is not None
    return Expectation(None, 1, high / interval.seconds, "lines", source)


def restarted(usual: Expectation, wait: Duration, factor: float = 1.0, low: float | None = None) -> Expectation:
    """The same where what receives is started anew: up to so much more, ``factor`` for each second.

    ``low``: where what would come late may be lost instead.
    """
    assert usual.high is not None
    high, low = usual.high + wait.seconds * factor, usual.low if low is None else low
    source = f"{usual.source}; up to {wait} more, since what receives is started anew"
    return replace(usual, low=low, high=high, source=source)


def lines_disordered(latest: Expectation, interval: Duration) -> Expectation:
    """How many lines come after one that was written later.

    What is sent again goes first: none, unless a queue went to disk, where who sends and who writes both take from it.
    """
    assert latest.high is not None
    waiting = latest.high / interval.seconds
    if waiting < SPILLS:
        return exactly(0, "lines", f"{RSYSLOG}: a queue in memory and one worker; what is sent again goes first")
    source = f"{RSYSLOG}: from {SPILLS} lines on a queue is on disk, too, and not in order"
    return Expectation(None, 0, waiting, "lines", source)


def settled(outage: Duration) -> Duration:
    """After the network's return, until everything that will come has: TCP's longest wait, and queues."""
    return Duration(outage + RESUME + CONNECT)


def _next(outage: Duration, rtt: Duration, idle: Duration) -> list[tuple[int, int]]:
    """Windows of the retransmissions that may be the first after an outage."""
    windows = resent(rtt, idle, 2 * outage + HANDLING)
    first = [window for window in windows if window[1] >= outage]
    last = next(index for index, window in enumerate(first) if window[0] >= outage)
    return [(max(low, outage), high) for low, high in first[: last + 1]]
