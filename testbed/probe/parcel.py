"""The agent as it is sent to a pod: a zip file with the modules that it imports, and what starts it.

It is found by reading the modules, not by loading them: what is loaded late, or for types alone, stays behind.
"""

from __future__ import annotations

import ast
import io
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PACKAGE, ENTRY = "testbed", "testbed.probe.agent"
PYTHON = (3, 11)
"""The oldest that the testbed is written for: pyproject.toml."""
START = f"""
import sys
if sys.version_info < {PYTHON}:
    print('{{"old": "%d.%d"}}' % sys.version_info[:2], flush=True)
    sys.exit(1)
import pathlib, tempfile
folder = pathlib.Path(tempfile.mkdtemp(prefix="probes-"))
size = int(sys.stdin.buffer.readline())
(folder / "testbed.zip").write_bytes(sys.stdin.buffer.read(size))
sys.path.insert(0, str(folder / "testbed.zip"))
from {ENTRY} import main
main(str(folder))
"""
COMMAND = ("python3", "-I", "-S", "-c", START)
"""-I and -S: nothing that the image's owner installed is looked at."""
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@cache
def parcel(entry: str = ENTRY) -> bytes:
    """What the agent reads first: the size of a zip file, in a line, and the file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(files(entry)):
            archive.writestr(
                zipfile.ZipInfo(str(file.relative_to(ROOT)), _EARLIEST), file.read_bytes(), zipfile.ZIP_DEFLATED
            )
    return f"{len(made.getvalue())}\n".encode("ascii") + made.getvalue()


def files(entry: str) -> set[Path]:
    """The file of a module, and those of all modules of ours that loading it loads."""
    found: set[Path] = set()
    left = [entry]
    while left:
        name = left.pop()
        parts = name.split(".")
        for length in range(1, len(parts) + 1):
            file = _file(parts[:length])
            if file is not None and file not in found:
                found.add(file)
                left += _imported(file)
    return found


def _file(parts: list[str]) -> Path | None:
    """Of a module or a package; ``None``: it is neither, but a name in one."""
    place = ROOT.joinpath(*parts)
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def _imported(file: Path) -> Iterator[str]:
    for node in ast.parse(file.read_bytes()).body:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            names = []
        yield from (name for name in names if name.partition(".")[0] == PACKAGE)
