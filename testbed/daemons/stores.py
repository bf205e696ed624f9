"""The storage of a lab: brought up once the network has converged, gone before it goes."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from testbed.daemons.nfs import NfsServer, mount_share, unmount
from testbed.daemons.volume import Device, ModelVolume, NetworkVolume
from testbed.daemons.volume_model import Pace
from testbed.errors import InputError, Problem, RunError, known
from testbed.net.apply import derive
from testbed.net.namespace import Namespaces
from testbed.plan.plan import Plan
from testbed.stores import Share, Volume
from testbed.theory.volumes import limits

FOLDER = "stores"


class Stores:
    """All shares and volumes of a plan. ``scratch`` is private to the lab."""

    def __init__(self, plan: Plan, namespaces: Namespaces, scratch: Path, seed: int) -> None:
        self._plan = plan
        self._namespaces = namespaces
        self._folder = scratch / FOLDER
        self._seed = seed
        self._devices: dict[str, Device] = {}
        self._servers: list[NfsServer] = []
        self._mounted: list[Path] = []

    @property
    def any(self) -> bool:
        """Whether there is something to bring up."""
        return bool(self._plan.shares or self._plan.volumes)

    def up(self) -> None:
        """Make every volume, serve and mount every share, and make a file on each. Raises :class:`RunError`."""
        plan = self._plan
        for number, volume in enumerate(plan.volumes):
            device = self._device(volume, number)
            try:
                device.start()
            except OSError as error:
                raise RunError(Problem(f"volume {volume.name}", str(error), "testbed doctor")) from error
            self._devices[volume.name] = device
        devices = {name: device.device for name, device in self._devices.items()}
        for name in dict.fromkeys(share.server for share in plan.shares):
            shares = [share for share in plan.shares if share.server == name]
            hosts = (host for share in shares for host in (share.client, *share.others))
            clients = dict.fromkeys(plan.node(host).address for host in hosts)
            server = NfsServer(plan.node(name), shares, tuple(clients), devices)
            self._servers.append(server)
            server.start(self._namespaces, self._folder / "servers" / name)
        for share in plan.shares:
            target = self._folder / share.name
            mount_share(self._namespaces, share, plan.node(share.client), plan.node(share.server), target)
            self._mounted.append(target)
            self._try(target)

    def _device(self, volume: Volume, number: int) -> Device:
        path, folder = Path(f"/dev/nbd{number}"), self._folder / "volumes" / volume.name
        folder.mkdir(parents=True)
        if volume.kind == "nbd":
            ends = self._plan.node(volume.host), self._plan.node(volume.server)
            return NetworkVolume(path, volume.size, self._namespaces, *ends, number, folder)
        have = limits(volume.kind, volume.size, volume.iops, volume.credits)
        pace = Pace(volume.kind, have, derive(self._seed, "volume", volume.name))
        return ModelVolume(path, volume.size, pace, folder / "error")

    @staticmethod
    def _try(target: Path) -> None:
        """A server that has just started takes new opens only after its period of grace."""
        probe = target / ".testbed"
        try:
            probe.write_bytes(b"there")
            probe.unlink()
        except OSError as error:
            raise RunError(Problem(f"share {target.name}", f"no file can be made: {error}")) from error

    def store(self, name: str) -> Share | Volume:
        """The store of that name. Raises :class:`InputError`."""
        stores: list[Share | Volume] = [*self._plan.shares, *self._plan.volumes]
        for store in stores:
            if store.name == name:
                return store
        names = [store.name for store in stores]
        raise InputError(Problem(f"store {name}", "no such store", known(name, names)))

    def share(self, name: str) -> Share:
        """The share of that name. Raises :class:`InputError`."""
        store = self.store(name)
        if isinstance(store, Volume):
            names = [share.name for share in self._plan.shares]
            raise InputError(Problem(f"store {name}", "a volume, not a share", known(name, names)))
        return store

    def path(self, name: str) -> Path:
        """Where the user of a store sees it: a folder, or a device. Raises :class:`InputError`."""
        store = self.store(name)
        return self._devices[name].device if isinstance(store, Volume) else self._folder / name

    def user(self, name: str) -> str:
        """The node that uses a store. Raises :class:`InputError`."""
        store = self.store(name)
        return store.host if isinstance(store, Volume) else store.client

    def behind(self, name: str) -> tuple[str, Path]:
        """The server of a share, and where it keeps it: the same store without the network. Raises as :meth:`share`."""
        server = self.share(name).server
        return server, self._folder / "servers" / server / "export" / name

    def stall(self, name: str) -> Callable[[], None]:
        """Let a store answer nothing until what is returned is called. Raises as :meth:`stallable`."""
        device = self._devices[self.stallable(name)]
        device.signal(signal.SIGSTOP)
        return lambda: device.signal(signal.SIGCONT)

    def stallable(self, name: str) -> str:
        """The volume that stalls with a store: itself, or the one that a share is on. Raises :class:`InputError`."""
        store = self.store(name)
        if isinstance(store, Volume):
            return name
        if not store.on:
            what = f"{store.server} keeps it in memory, which does not stall"
            raise InputError(Problem(f"share {name}", what, "put it on a volume: nfs(..., on=VOLUME)"))
        return store.on

    def close(self) -> None:
        """Unmount all, end the servers, and take the devices away. May be called twice."""
        for target in reversed(self._mounted):
            unmount(target)
        self._mounted.clear()
        for server in self._servers:
            server.stop(self._namespaces)
        self._servers.clear()
        for device in self._devices.values():
            device.stop()
        self._devices.clear()
