"""The ends of a probe: what each has to do, and where that is done.

An end is a process beside the network that it measures. In a lab it is a child of the agent in a namespace of the lab;
in a cluster that exists already it is the same child, of an agent in a pod. What measures is one code.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from testbed.probe.child import Child, Spaces
from testbed.probe.pace import read_numbers


class End(Protocol):
    """An end that has begun."""

    def stop(self) -> None:
        """Ask it to finish, and wait until it has.

        Raises:
            RunError: it had failed.
        """

    def numbers(self) -> Mapping[str, Sequence[int]]:
        """What it noted, by name, instants by its own clock. To be asked once, when it has stopped."""


class Task(Protocol):
    """What an end has to do: a dataclass whose fields are text and whole numbers, so that it can be sent away."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def begin(self, spaces: Spaces, node: str, name: str, scratch: Path) -> End:
        """Begin it at a node. ``name``: of the probe; ``scratch``: for files of its processes."""


class Ends(Protocol):
    """Where the ends of probes are."""

    @property
    def one_clock(self) -> bool:
        """Whether instants of any two ends can be compared."""

    def begin(self, node: str, name: str, task: Task) -> End:
        """Begin one end of a probe of that name."""

    def ahead_ns(self, node: str) -> int:
        """How far the clock there is ahead of this process's."""


@dataclass(frozen=True)
class Forked:
    """Ends are children of this process, each in the namespace of its node."""

    spaces: Spaces
    scratch: Path
    one_clock: bool = True

    def begin(self, node: str, name: str, task: Task) -> End:
        """Begin one end of a probe of that name."""
        return task.begin(self.spaces, node, name, self.scratch)

    def ahead_ns(self, node: str) -> int:
        """They have the same."""
        return 0


@dataclass(frozen=True)
class Process:
    """An end that is a child, and leaves numbers in files."""

    child: Child
    files: Mapping[str, Path]

    def stop(self) -> None:
        """Ask it to finish, and wait until it has."""
        self.child.stop()

    def numbers(self) -> Mapping[str, Sequence[int]]:
        """What it noted."""
        return {what: read_numbers(file) for what, file in self.files.items()}


@contextlib.contextmanager
def kept(end: End) -> Iterator[End]:
    """The end goes on after the block, unless the block raises."""
    try:
        yield end
    except BaseException:
        end.stop()
        raise
