"""Volumes of pods, measured where pods have them: fio in the pod itself, and a writer on what the pod has mounted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from testbed.kubernetes.storage import DATA
from testbed.net.apply import derive
from testbed.probe import fio, writer
from testbed.probe.fio import Profile
from testbed.run.lab import Lab
from testbed.units import Duration, Size

if TYPE_CHECKING:
    from testbed.kubernetes.cluster import Kubernetes

FILE = "fio"
"""Of a pod's volume, that fio uses: each pod has its own, or a delegation would be called back first."""
RAMP = 5
"""For which part of its time fio runs before it counts; arbitrary: a fifth."""


def run_fio(
    lab: Lab, cluster: Kubernetes, pod: str, name: str, profile: Profile, duration: Duration, size: Size
) -> None:  # fmt: skip
    """Run fio in a pod, on its volume, to its end. The record has its JSON, as that of every fio."""
    arguments = fio.arguments(
        name, Path(DATA, f"{FILE}-{pod}"), profile, duration, size, derive(lab.network.seed, "fio", name),
        Duration(duration // RAMP),
    )  # fmt: skip
    lab.recorder.event("probe.start", probe=name, source=pod, target=DATA, sort="fio")
    printed = cluster.run_in(pod, "fio", *arguments, within="600 s")
    folder = lab.recorder.record / fio.FOLDER
    folder.mkdir(exist_ok=True)
    # fio may have something to say before its JSON.
    (folder / f"{name}.json").write_text(printed[printed.index("{") :], encoding="utf-8")
    lab.recorder.event("probe.stop", probe=name)


@contextlib.contextmanager
def writing(lab: Lab, cluster: Kubernetes, pod: str, name: str, interval: Duration, kept: Path) -> Iterator[None]:
    """Write numbered records, each with fsync, to a pod's volume while the block runs; see afterwards what is there.

    ``kept``: a new folder of the volume, at its server.
    """
    from testbed.kubernetes.pods import open_root

    uid = str(cluster.watching.pod(pod)["metadata"]["uid"])
    place = lab.probe.place(lab.pods.pod(pod))
    folder = open_root(uid, DATA) / kept.name
    folder.mkdir()
    running = writer.start(
        lab.network.namespaces, lab.scratch, name, place.node, folder, interval, lab.recorder.epoch_ns
    )
    lab.recorder.event("probe.start", probe=name, source=pod, target=DATA, sort="writer")
    try:
        yield
    finally:
        rows = running.finish()
        lost = writer.lost(rows, (kept / writer.FILE).read_bytes())
        lab.recorder.event("probe.stop", probe=name, lost=lost)
        lab.recorder.samples(name, writer.COLUMNS, rows)
