"""What a run is a run of: nothing of it depends on the machine, the user or the time."""

from __future__ import annotations

import hashlib
import importlib.metadata
from functools import cache
from pathlib import Path
from typing import Any

from testbed.load import SHIPPED, Loaded
from testbed.run.engine import plan_digest

PACKAGE = Path(__file__).parent.parent
DIGEST_BYTES = 16
KEY_DIGITS = 10
"""Of a cell's key; arbitrary: two of a million cells have the same with a chance of one half."""


def identity(loaded: Loaded) -> dict[str, Any]:
    """Scenario and topology by their bytes, the plan, and the value of every parameter."""
    return {
        "scenario": loaded.path.name if loaded.scenario else "",
        "scenario_bytes": digest(loaded.path) if loaded.scenario else "",
        "topology": loaded.topology.name,
        "topology_bytes": digest(loaded.topology),
        "plan": plan_digest(loaded.plan),
        "parameters": {name: parameter.value for name, parameter in sorted(loaded.parameters.declared.items())},
    }


def key(loaded: Loaded) -> str:
    """A short name for everything but the seed."""
    text = repr(sorted(identity(loaded).items(), key=lambda item: item[0]))
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()[:KEY_DIGITS]


def digest(file: Path) -> str:
    """Names a file's bytes."""
    return hashlib.blake2b(file.read_bytes(), digest_size=DIGEST_BYTES).hexdigest()


@cache
def source() -> str:
    """Names what the testbed itself says: two checkouts of one version may differ."""
    return code_digest(PACKAGE)


@cache
def packages() -> str:
    """Names the Python packages that are installed: how long Python looks for its files depends on what is there."""
    every = sorted(f"{each.name} {each.version}" for each in importlib.metadata.distributions())
    return hashlib.blake2b("\n".join(every).encode(), digest_size=DIGEST_BYTES).hexdigest()


def code_digest(package: Path) -> str:
    """Names a package's code, file by file, wherever and however it is installed."""
    found = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for file in sorted(package.rglob("*.py")):
        name = file.relative_to(package)
        if name.parts[0] != SHIPPED.name:  # copies for wheels of what runs name by its own bytes
            found.update(f"{name} {digest(file)}\n".encode())
    return found.hexdigest()
