"""What a program that writes to a share across a link, and never asks for fsync, waits for each write."""

from collections.abc import Iterator

from testbed import Lab, Measurement, Result, Scenario
from testbed.run.storage import Storage

WRITES, BLOCK = 200, 4096
"""Arbitrary: enough that opening and closing the file counts little."""

scenario = Scenario(
    topology="../../topologies/storage.py", question="What does a write to the share take that nobody has to wait for?",
    hypothesis="nothing of the network's: it ends in the client's memory", refuted_by="a round trip for each write",
    programs=("dd",),
)  # fmt: skip


@scenario.run
def run(lab: Lab) -> None:
    """One program that writes one file."""
    storage: Storage = lab.storage
    target = storage.stores.path("share") / "written"
    lab.command("app", "dd", "if=/dev/zero", f"of={target}", f"bs={BLOCK}", f"count={WRITES}", "status=none")


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """The whole by its writes."""
    done = result.history.first("command")
    assert done is not None and done.fields["status"] == 0
    spent_ms = (done.fields["ended_ns"] - done.t_ns) / 10**6
    yield Measurement(
        "write", spent_ms / WRITES, "ms", source="no theory: opening and closing are in it", better="lower"
    )
