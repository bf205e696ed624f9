"""What can go wrong, told as what, where and what to do, with the exit code that goes with it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the command line, the same for every command."""

    PASS = 0
    FAIL = 1
    INPUT = 2
    UNKNOWN = 3
    MACHINE = 4


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        where: the place in the user's words, such as ``link dx, a_to_b`` or ``--set dx.delay``.
        what: what is wrong there.
        hint: what to do about it.
    """

    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f"\n    {self.hint}" if self.hint else "")


def known(name: str, names: Iterable[str]) -> str:
    """A hint for a name that is none of those known: the one that was probably meant, and all of them."""
    listed = sorted(set(names))
    close = difflib.get_close_matches(name, listed, n=1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f"{meant}known: {', '.join(listed) or 'none'}"


class TestbedError(Exception):
    """One or more problems that end the command. Every problem that could be found is in it, not only the first."""

    exit = Exit.UNKNOWN

    def __init__(self, problems: Iterable[Problem] | Problem) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class InputError(TestbedError):
    """What the user gave cannot be used. Nothing has been touched."""

    exit = Exit.INPUT


class MachineError(TestbedError):
    """This machine lacks something that the command needs."""

    exit = Exit.MACHINE


class RunError(TestbedError):
    """The run could not be carried through, so nothing can be said about the network: UNKNOWN."""

    exit = Exit.UNKNOWN
