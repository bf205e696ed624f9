"""The stores of a lab, as a scenario uses them: where they are, and what measures them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from testbed.clock import Waiter
from testbed.daemons.stores import Stores
from testbed.history import Recorder
from testbed.net.apply import derive
from testbed.net.namespace import Namespaces
from testbed.probe import files
from testbed.probe import fio as fios
from testbed.probe import writer as writers
from testbed.probe.fio import Profile
from testbed.units import Duration, Size

_CHUNK = 2**20
"""Bytes that are written at once; arbitrary."""
_LOOK = Duration(10 * 10**6)
"""How often it is looked whether a program has ended; arbitrary."""
DATA, DATA_BEHIND = "data", "data-behind"
"""Names of the files that fio uses on a share and on its server. With one, what a client may do with it on its own (a
delegation) would be called back first, and the server's time would have the network's in it."""


class Storage:
    """Measures the stores of one lab, by name."""

    def __init__(
        self, stores: Stores, namespaces: Namespaces, recorder: Recorder, waiter: Waiter, scratch: Path, seed: int
    ) -> None:
        self.stores = stores
        self._namespaces = namespaces
        self._recorder = recorder
        self._waiter = waiter
        self._scratch = scratch
        self._seed = seed

    def fio(
        self, store: str, profile: Profile, duration: str | Duration, *, size: str | Size = "64 MiB", name: str = "",
        behind: bool = False, ramp: str | Duration = "0 s",
    ) -> None:  # fmt: skip
        """Run fio on a store to its end. The record has its JSON.

        Args:
            store: its name.
            profile: what is asked of it.
            duration: how long, after ``ramp``, which does not count.
            size: of the file that is used.
            name: of the measurement.
            behind: on its server, without the network.
            ramp: see above.
        """
        name = name or f"fio-{store}"
        node, folder = self.stores.behind(store) if behind else (self.stores.user(store), self.stores.path(store))
        target = folder if folder.is_block_device() else folder / (DATA_BEHIND if behind else DATA)
        if not behind and not folder.is_block_device():
            self._lay_out(store, Size.parse(size))
        running = fios.start(
            self._namespaces, self._recorder.record / fios.FOLDER, name, node, target, profile,
            Duration.parse(duration), Size.parse(size), derive(self._seed, "fio", name), Duration.parse(ramp),
        )  # fmt: skip
        self._recorder.event("probe.start", probe=name, source=node, target=store, sort="fio")
        try:
            while running.running:
                self._waiter.sleep(_LOOK)
            running.finish()
        finally:
            running.program.stop()
            self._recorder.event("probe.stop", probe=name)

    def _lay_out(self, store: str, size: Size) -> None:
        """Make the file of a share at its server: a client would take a round trip for each part that it writes."""
        path = self.stores.behind(store)[1] / DATA
        if path.exists() and path.stat().st_size >= size:
            return
        with path.open("wb") as file:
            for start in range(0, size, _CHUNK):
                file.write(bytes(min(_CHUNK, size - start)))
            file.flush()
            os.fsync(file.fileno())

    def files(self, store: str, count: int, *, name: str = "", behind: bool = False) -> None:
        """Make, look at and remove that many files, one after the other; ``behind``: on its server."""
        name = name or f"files-{store}"
        node, folder = self.stores.behind(store) if behind else (self.stores.user(store), self.stores.path(store))
        output = self._recorder.record / files.FOLDER / f"{name}.json"
        output.parent.mkdir(exist_ok=True)
        child = files.start(self._namespaces, self._scratch, name, node, folder, count, output)
        self._recorder.event("probe.start", probe=name, source=node, target=store, sort="files")
        try:
            while child.running:
                self._waiter.sleep(_LOOK)
        finally:
            child.stop()
            self._recorder.event("probe.stop", probe=name)

    @contextlib.contextmanager
    def writer(self, store: str, interval: str | Duration = "100 ms", *, name: str = "") -> Iterator[writers.Writer]:
        """Write numbered records, each with fsync, while the block runs; then see at the server what is there."""
        name = name or f"writer-{store}"
        node, folder = self.stores.user(store), self.stores.path(store)
        running = writers.start(
            self._namespaces, self._scratch, name, node, folder, Duration.parse(interval), self._recorder.epoch_ns
        )
        self._recorder.event("probe.start", probe=name, source=node, target=store, sort="writer")
        try:
            yield running
        finally:
            rows = running.finish()
            kept = (self.stores.behind(store)[1] / writers.FILE).read_bytes()
            self._recorder.event("probe.stop", probe=name, lost=writers.lost(rows, kept))
            self._recorder.samples(name, writers.COLUMNS, rows)

    def tcp_window(self, store: str) -> int:
        """Most bytes that one connection of a share may have under way: the smallest of its ends' buffers."""
        found = []
        for node in (self.stores.user(store), self.stores.behind(store)[0]):
            with self._namespaces.inside(node):
                for name in ("tcp_rmem", "tcp_wmem"):
                    text = Path("/proc/sys/net/ipv4", name).read_text(encoding="ascii")
                    found.append(int(text.split()[-1]))
        return min(found)
