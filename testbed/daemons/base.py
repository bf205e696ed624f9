"""What every daemon of a node can do, whichever program it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from testbed.daemons.process import Program
from testbed.net.namespace import Namespaces


@dataclass(frozen=True)
class Place:
    """Where a node's daemons keep things.

    Attributes:
        record: configs and logs; part of the run's record.
        run: sockets and pid files; private to the lab, gone with it.
    """

    record: Path
    run: Path

    def make(self) -> None:
        """Make both, where they are not there yet."""
        for folder in (self.record, self.run):
            folder.mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True)
class StateChange:
    """A session that changed its state, as the daemon itself logged it."""

    t_ns: int
    """CLOCK_REALTIME."""
    node: str
    protocol: str
    """``bgp``, ``bfd``, ``ospf`` or ``ike``."""
    session: str
    state: str
    """``up`` or ``down``."""
    detail: str


class Daemon(Protocol):
    """A daemon of one node.

    Contract: ``start`` returns when it answers, and starts one that has ended anew; ``stop`` may be called twice.
    """

    name: str
    node: str

    @property
    def programs(self) -> dict[str, Program]:
        """What runs, or ran until it ended, by name; empty before ``start``."""

    def configs(self) -> dict[str, str]:
        """File name to text; pure, and what golden tests look at."""

    def start(self, namespaces: Namespaces, place: Place) -> Program:
        """Write the configs, start, and wait until it answers."""

    def stop(self) -> None:
        """End it."""

    def changes(self) -> list[StateChange]:
        """Every state change logged so far, in order."""


def place_of(daemon: Daemon, record: Path, scratch: Path) -> Place:
    """Where a daemon of a lab keeps things. Two of one node share the folders: their files have names of their own."""
    return Place(record / "daemons" / daemon.node, scratch / daemon.node)
