"""Writes to an etcd cluster, one after the other, and how long each takes to be committed."""

from __future__ import annotations

import base64
import http.client
import json
import time
from pathlib import Path

from testbed.daemons.etcd import CLIENT
from testbed.net.namespace import Namespaces
from testbed.probe.child import Child, fork
from testbed.units import Duration

COLUMNS = ("number", "begun_ns", "ended_ns", "ok")
ANSWER_S = 30.0
"""How long one write may take before it counts as failed; arbitrary, beyond several elections."""


def start(
    namespaces: Namespaces, scratch: Path, name: str, node: str, address: str, interval: Duration, count: int,
    epoch_ns: int, output: Path,
) -> Child:  # fmt: skip
    """Write ``count`` keys through the member at ``address``; a row for each is left in ``output``."""
    return fork(namespaces, node, name, scratch, lambda: _work(address, interval, count, epoch_ns, output))


def _work(address: str, interval: Duration, count: int, epoch_ns: int, output: Path) -> None:
    connection = http.client.HTTPConnection(address, CLIENT, timeout=ANSWER_S)
    rows = []
    due = time.monotonic_ns()
    for number in range(count):
        begun = time.time_ns()
        ok = _put(connection, number)
        rows.append((number, begun - epoch_ns, time.time_ns() - epoch_ns, int(ok)))
        due = max(due + interval, time.monotonic_ns())
        time.sleep(max(0, due - time.monotonic_ns()) / 10**9)
    output.write_text("".join(" ".join(map(str, row)) + "\n" for row in rows), encoding="ascii")


def _put(connection: http.client.HTTPConnection, number: int) -> bool:
    key, value = (base64.b64encode(text.encode()).decode() for text in (f"key-{number}", f"{number:0128}"))
    try:
        connection.request("POST", "/v3/kv/put", json.dumps({"key": key, "value": value}))
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()  # the next request connects anew
        return False
    return answer.status == http.client.OK


def rows(output: Path) -> list[tuple[int, ...]]:
    """What a child has left."""
    return [tuple(map(int, line.split())) for line in output.read_text(encoding="ascii").splitlines()]
