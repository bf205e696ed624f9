"""What a scenario's file asks a lab for, read and not run: so what is not there is told at once, all of it by name.

What it asks for by way of functions elsewhere is seen when it is rehearsed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from testbed.errors import InputError, Problem
from testbed.existing.lab import INSTEAD, MISSING, ExistingLab, ExistingProbes
from testbed.load import YAML, find_file
from testbed.run.plain_lab import PlainLab
from testbed.run.plain_probes import PlainProbes

LAB, PROBE = "lab", "probe"
"""What scenarios call their argument, and its probes."""
THERE = {*dir(ExistingLab), *PlainLab.__annotations__}
PROBES = {*dir(ExistingProbes), *PlainProbes.__annotations__}


def refuse(file: str) -> None:
    """Raise :class:`InputError` with everything that a scenario's file asks for in vain."""
    path = find_file(file)
    if path.suffix not in YAML and (missing := sorted(set(in_vain(path)))):
        raise InputError(Problem(f"{path.name}: {name}", MISSING, INSTEAD) for name in missing)


def in_vain(path: Path) -> Iterator[str]:
    """Attributes of the lab, and of its probes, that are not on an existing cluster. Pure but for the file."""
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return  # loading it tells where
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="lab"), attr=name) if name not in THERE:
                yield f"{LAB}.{name}"
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id="lab"), attr="probe"), attr=name) if (
                name not in PROBES
            ):
                yield f"{LAB}.{PROBE}.{name}"
