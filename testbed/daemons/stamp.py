"""Timestamps in the logs of daemons, all of which are started with ``TZ=UTC``."""

from __future__ import annotations

from datetime import UTC, datetime


def to_ns(text: str) -> int:
    """Nanoseconds since the epoch of ``2026-11-22T10:00:00.123456`` or, as FRR has it, ``2026/11/22 10:00:00.123456``.

    Raises:
        ValueError: the text is no such time.
    """
    moment = datetime.fromisoformat(text.replace("/", "-")).replace(tzinfo=UTC)
    # In whole numbers: a float of seconds would lose the nanoseconds.
    return int(moment.replace(microsecond=0).timestamp()) * 10**9 + moment.microsecond * 1000
