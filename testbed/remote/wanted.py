"""What a machine must have to do runs whose bytes are the same as here: this testbed and this kernel."""

from __future__ import annotations

from dataclasses import dataclass

from testbed import __version__
from testbed.boot.identity import source

SHOWN = 12
"""Digits of a digest that are for people; arbitrary: enough to tell two apart."""


@dataclass(frozen=True)
class Edition:
    """A testbed by what its runs depend on. ``source`` names its code; ``kernel``: SHA-256, empty without one."""

    version: str
    source: str
    kernel: str

    @classmethod
    def here(cls, kernel: str) -> Edition:
        """This one."""
        return cls(__version__, source(), kernel)

    def differs(self, other: Edition) -> list[str]:
        """In words what ``other`` has instead of what this one has; no kernel is no difference."""
        found = []
        if other.version != self.version:
            found.append(f"it has testbed {other.version}, and {self.version} is wanted")
        elif other.source != self.source:
            theirs, wanted = other.source[:SHOWN], self.source[:SHOWN]
            found.append(f"its testbed {other.version} is of other code ({theirs}) than this one's ({wanted})")
        if other.kernel not in ("", self.kernel):
            theirs, wanted = other.kernel[:SHOWN], self.kernel[:SHOWN]
            found.append(f"it has another guest kernel ({theirs}) than this machine ({wanted})")
        return found
