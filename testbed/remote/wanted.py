"""What a machine must have to do runs whose bytes are the same as here: this testbed and this kernel."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from testbed import __version__

PACKAGE = Path(__file__).parents[1]
SHIPPED = "shipped"
"""Of the package's folders the one of scenarios and topologies, which come with each sweep."""
SHOWN = 12
"""Digits of a digest that are for people; arbitrary: enough to tell two apart."""


@dataclass(frozen=True)
class Edition:
    """A testbed by what its runs depend on. ``package``: digest of its code; ``kernel``: SHA-256, empty without one."""

    version: str
    package: str
    kernel: str

    @classmethod
    def here(cls, kernel: str) -> Edition:
        """This one."""
        return cls(__version__, package_digest(PACKAGE), kernel)

    def differs(self, other: Edition) -> list[str]:
        """In words what ``other`` has instead of what this one has; no kernel is no difference."""
        found = []
        if other.version != self.version:
            found.append(f"it has testbed {other.version}, and {self.version} is wanted")
        elif other.package != self.package:
            theirs, wanted = other.package[:SHOWN], self.package[:SHOWN]
            found.append(f"its testbed {other.version} is of other code ({theirs}) than this one's ({wanted})")
        if other.kernel not in ("", self.kernel):
            theirs, wanted = other.kernel[:SHOWN], self.kernel[:SHOWN]
            found.append(f"it has another guest kernel ({theirs}) than this machine ({wanted})")
        return found


def package_digest(package: Path) -> str:
    """Names all of the code, wherever it is installed."""
    digest = hashlib.sha256()
    for path in sorted(path for path in package.rglob("*.py") if path.relative_to(package).parts[0] != SHIPPED):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(package)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
