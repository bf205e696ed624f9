"""What a flood of UDP packets brought to its far end. Pure functions of the record.

Nothing heavy is imported: scenarios import this, and scenarios are loaded in the guest.
"""

from __future__ import annotations

from testbed.check.received import Received
from testbed.history import History


def received(history: History, name: str) -> Received:
    """What arrived of the flood of that name; without intervals where there was none.

    Its seconds count from the flood's start. The rest that was under way when the sender had ended belongs to no
    interval, but was not lost.
    """
    stop = history.first("probe.stop", probe=name)
    if stop is None:
        return Received((), ())
    payload, sent, ended_ns = stop.fields["payload"], stop.fields["sent"], stop.fields["ended_ns"]
    rows = history.samples(name)
    spans = [
        (start, end, packets)
        for start, end, packets in zip(rows["start_ns"], rows["end_ns"], rows["packets"], strict=True)
        if start is not None and end is not None and packets is not None
    ]
    begun_ns = spans[0][0] if spans else 0
    whole = [span for span in spans if span[1] <= ended_ns]
    return Received(
        edges_s=tuple(((start - begun_ns) / 1e9, (end - begun_ns) / 1e9) for start, end, _ in whole),
        bits=tuple(8.0 * payload * packets for *_, packets in whole),
        share_lost=1 - sum(packets for *_, packets in spans) / sent if sent else None,
    )
