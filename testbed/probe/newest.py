"""Which samples a Prometheus has by when: it is asked again and again for the newest of each series."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from testbed.net.namespace import Namespaces
from testbed.probe.child import Child, Stop, fork
from testbed.units import Duration

COLUMNS = ("series", "before_ns", "seen_ns", "newest_ns")
"""A place in the list of series; when it was asked before, and now; when the newest sample then was taken."""
WAIT_S = 5.0
"""For an answer on one machine; arbitrary."""
Labels = Mapping[str, str]


@dataclass
class Newest:
    """A Prometheus that is asked."""

    child: Child
    output: Path
    epoch_ns: int

    def finish(self) -> tuple[list[dict[str, str]], list[tuple[int, int, int, int]]]:
        """Stop. Returns series by their labels, and a row (:data:`COLUMNS`) whenever one had a newer sample.

        Raises:
            RunError: the probe's process had failed.
        """
        self.child.stop()
        series: dict[str, int] = {}
        rows = []
        for line in self.output.read_text(encoding="utf-8").splitlines():
            labels, before, seen, newest = json.loads(line)
            number = series.setdefault(json.dumps(labels, sort_keys=True), len(series))
            rows.append((number, *(each - self.epoch_ns for each in (before, seen, newest))))
        return [json.loads(each) for each in series], rows


def start(
    namespaces: Namespaces, scratch: Path, name: str, node: str, port: int, query: str, interval: Duration,
    epoch_ns: int,
) -> Newest:  # fmt: skip
    """Ask the Prometheus that listens where a node, or pod, is for ``query``, whose values are instants in s."""
    output = scratch / f"{name}.rows"
    return Newest(fork(namespaces, node, name, scratch, lambda: _work(port, query, output, interval)), output, epoch_ns)


def instants(answer: Mapping[str, Any]) -> Iterator[tuple[Labels, int]]:
    """Each series of an answer, and the instant that its value is, in ns. Pure."""
    for each in answer["data"]["result"]:
        yield each["metric"], to_ns(each["value"][1])


def to_ns(seconds: str | float) -> int:
    """An instant as Prometheus writes it: it keeps milliseconds."""
    return round(float(seconds) * 1000) * 10**6


def newer(known: dict[str, int], found: Iterable[tuple[Labels, int]]) -> Iterator[tuple[Labels, int]]:
    """Those that are newer than what is known, which they become."""
    for labels, instant in found:
        key = json.dumps(dict(labels), sort_keys=True)
        if instant > known.get(key, 0):
            known[key] = instant
            yield labels, instant


def _work(port: int, query: str, output: Path, interval: Duration) -> None:
    known: dict[str, int] = {}
    before = time.time_ns()
    with output.open("w", encoding="utf-8", buffering=1) as rows, contextlib.suppress(Stop):
        while True:
            asked = time.time_ns()
            # One that is being started again does not answer; what it has is seen when it does.
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError, KeyError):
                found = list(newer(known, instants(_asked(port, query))))
                seen = time.time_ns()
                for labels, instant in found:
                    rows.write(json.dumps([dict(labels), before, seen, instant]) + "\n")
                before = asked
            time.sleep(max(0, asked + interval - time.time_ns()) / 10**9)


def _asked(port: int, query: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    with contextlib.closing(connection):
        connection.request("GET", f"/api/v1/query?query={quote(query)}")
        return dict(json.loads(connection.getresponse().read()))
