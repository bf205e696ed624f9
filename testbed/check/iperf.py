"""What iperf3's receiver saw, read from the JSON that it left in a record. Pure functions of the record.

Nothing heavy is imported: scenarios import this, and scenarios are loaded in the guest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from testbed.check.received import Received
from testbed.history import History


def received(history: History, name: str) -> Received:
    """The receiver's side of the measurement of that name; without intervals where it left nothing."""
    said: Mapping[str, Any] = history.read_json(f"iperf/{name}-server.json") or {}
    sums = [each["sum"] for each in said.get("intervals", [])]
    # The last one is what was left in buffers after the sender's end, in next to no time.
    sums = [each for each in sums if each["seconds"] > 0.5]
    packets = sum(each.get("packets", 0) for each in sums)
    return Received(
        edges_s=tuple((each["start"], each["end"]) for each in sums),
        bits=tuple(8.0 * each["bytes"] for each in sums),
        share_lost=sum(each["lost_packets"] for each in sums) / packets if packets else None,
    )


def retransmits(history: History, name: str) -> int | None:
    """TCP segments that the sender sent again; ``None`` where it does not say."""
    said: Mapping[str, Any] = history.read_json(f"iperf/{name}.json") or {}
    count: int | None = said.get("end", {}).get("sum_sent", {}).get("retransmits")
    return count
