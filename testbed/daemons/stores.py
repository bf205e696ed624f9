"""The storage of a lab: brought up once the network has converged, gone before it goes."""

from __future__ import annotations

from pathlib import Path

from testbed.daemons.nfs import NfsServer, mount_share, unmount
from testbed.errors import InputError, Problem, RunError, known
from testbed.net.namespace import Namespaces
from testbed.plan.plan import Plan

FOLDER = "stores"


class Stores:
    """All shares of a plan. ``folder`` is private to the lab."""

    def __init__(self, plan: Plan, namespaces: Namespaces, scratch: Path) -> None:
        self._plan = plan
        self._namespaces = namespaces
        self._folder = scratch / FOLDER
        self._servers: list[NfsServer] = []
        self._mounted: list[Path] = []

    @property
    def any(self) -> bool:
        """Whether there is something to bring up."""
        return bool(self._plan.shares)

    def up(self) -> None:
        """Serve and mount every share, and make a file on each. Raises :class:`RunError`."""
        plan = self._plan
        for name in dict.fromkeys(share.server for share in plan.shares):
            shares = [share for share in plan.shares if share.server == name]
            clients = dict.fromkeys(plan.node(share.client).address for share in shares)
            server = NfsServer(plan.node(name), shares, tuple(clients))
            self._servers.append(server)
            server.start(self._namespaces, self._folder / "servers" / name)
        for share in plan.shares:
            target = self._folder / share.name
            mount_share(self._namespaces, share, plan.node(share.client), plan.node(share.server), target)
            self._mounted.append(target)
            self._try(target)

    @staticmethod
    def _try(target: Path) -> None:
        """A server that has just started takes new opens only after its period of grace."""
        probe = target / ".testbed"
        try:
            probe.write_bytes(b"there")
            probe.unlink()
        except OSError as error:
            raise RunError(Problem(f"share {target.name}", f"no file can be made: {error}")) from error

    def path(self, name: str) -> Path:
        """Where the client of a share sees it. Raises :class:`InputError`."""
        self.client(name)
        return self._folder / name

    def client(self, name: str) -> str:
        """The node that uses a store. Raises :class:`InputError`."""
        try:
            return self._plan.share(name).client
        except KeyError:
            names = [share.name for share in self._plan.shares]
            raise InputError(Problem(f"store {name}", "no such store", known(name, names))) from None

    def behind(self, name: str) -> tuple[str, Path]:
        """The server of a share, and where it keeps it: the same store without the network. Raises as :meth:`path`."""
        self.client(name)
        server = self._plan.share(name).server
        return server, self._folder / "servers" / server / "export" / name

    def close(self) -> None:
        """Unmount all, and end the servers. May be called twice."""
        for target in reversed(self._mounted):
            unmount(target)
        self._mounted.clear()
        for server in self._servers:
            server.stop(self._namespaces)
        self._servers.clear()
