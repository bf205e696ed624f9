"""A baseline as a text file in the user's repository: YAML that people read, and a checksum that says it is whole.

What people read comes first: what was asked, and each measurement with its summary and what may change. Then how it was
made, what the network was, and each run with its events. A file is written whole or not at all.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from testbed.baseline import allowed
from testbed.baseline.model import Accepted, Baseline, Made, Recorded, Series, Trace, event_from, event_line
from testbed.errors import InputError, MachineError, Problem
from testbed.verdict import Verdict

FORMAT = 1
HEAD = """\
# What a network did when this was recorded. `testbed baseline check FILE` says whether it still does, `testbed baseline
# show FILE` tells it, `testbed baseline accept FILE` takes a change over. Not to be edited: its checksum would not fit.
"""
CHECKSUM = "checksum: "
DIGEST_BYTES = 16
OTHER = "take it from version control again, or record it anew: testbed baseline record"
_MADE = TypeAdapter(Made)


class _Text(str):
    """Is written as a block of lines."""


class _Row(dict[Any, Any]):
    """Is written on one line."""


class _Dumper(yaml.SafeDumper):
    """YAML without anchors, with the two above."""

    def ignore_aliases(self, data: object) -> bool:
        """Equal values are written twice."""
        return True


_Dumper.add_representer(
    _Text, lambda dumper, data: dumper.represent_scalar("tag:yaml.org,2002:str", str(data), style="|")
)
_Dumper.add_representer(
    _Row, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=True)
)


def text_of(baseline: Baseline) -> str:
    """The file's text; :func:`parse` makes the same baseline of it."""
    kept = baseline.recorded
    made = asdict(kept.made)
    content = {
        "format": FORMAT,
        "question": baseline.question,
        "measurements": {name: _series(each, baseline.allowed[name]) for name, each in kept.series.items()},
        "accepted": [{"because": each.because, "changed": list(each.changed)} for each in baseline.accepted],
        "made": {**made, "structure": list(made["structure"])},
        "runs": {seed: _trace(each) for seed, each in sorted(kept.runs.items())},
    }
    body = HEAD + yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=10**6, allow_unicode=True)
    return f"{body}{CHECKSUM}{_digest(body)}\n"


def _series(each: Series, change: allowed.Allowed) -> dict[str, Any]:
    values = list(each.values.values())
    return {
        "allowed": change.text(each.unit), "median": each.median, "lowest": min(values), "highest": max(values),
        "unit": each.unit, "better": each.better, "told": each.told, "values": _Row(each.values),
    }  # fmt: skip


def _trace(each: Trace) -> dict[str, Any]:
    lines = "".join(f"{event_line(event)}\n" for event in each.events)
    return {"verdict": each.verdict, "files": dict(each.files), "events": _Text(lines)}


def _digest(body: str) -> str:
    """Of the text with the line ends of any system."""
    plain = body.replace("\r\n", "\n").encode()
    return hashlib.blake2b(plain, digest_size=DIGEST_BYTES).hexdigest()


def parse(text: str, where: str) -> Baseline:
    """Read a file's text; ``where`` names it. Raises :class:`InputError`."""
    text = text.replace("\r\n", "\n")
    body, found, digest = text.rpartition(f"\n{CHECKSUM}")
    body += "\n"
    if not found:
        what = (
            "is empty"
            if not text.strip()
            else "has no checksum in its last line: it was cut short, or is something else"
        )
        raise InputError(Problem(where, what, OTHER))
    if digest.strip() != _digest(body):
        hint = (
            f"{OTHER}\nwhat is allowed is changed by: testbed baseline accept {where} --allow NAME=CHANGE --because WHY"
        )
        raise InputError(Problem(where, "was changed by hand or damaged: its checksum does not fit", hint))
    try:
        content = yaml.safe_load(body)
        if content["format"] != FORMAT:
            hint = "use that version, or record it anew: testbed baseline record"
            raise InputError(Problem(where, f"is of format {content['format']}, and this version reads {FORMAT}", hint))
        return _baseline(content)
    except (yaml.YAMLError, ValidationError, KeyError, TypeError, ValueError, AttributeError) as error:
        first = str(error).splitlines()[0] if str(error) else ""
        raise InputError(Problem(where, f"cannot be read: {type(error).__name__}: {first}", OTHER)) from error


def _baseline(content: Mapping[str, Any]) -> Baseline:
    measured: Mapping[str, Any] = content["measurements"]
    series = {
        str(name): Series(
            each["unit"], {int(seed): float(value) for seed, value in each["values"].items()}, each["better"],
            bool(each["told"]),
        )
        for name, each in measured.items()
    }  # fmt: skip
    runs = {int(seed): _run(each) for seed, each in content["runs"].items()}
    if not runs or not all(each.values for each in series.values()):
        raise ValueError("a run or a value is missing")
    changes = {str(name): allowed.parse(str(name), each["allowed"], each["unit"]) for name, each in measured.items()}
    return Baseline(
        recorded=Recorded(made=_MADE.validate_python(content["made"]), series=series, runs=runs), allowed=changes,
        question=str(content["question"]),
        accepted=tuple(Accepted(str(each["because"]), tuple(each["changed"])) for each in content["accepted"]),
    )  # fmt: skip


def _run(each: Mapping[str, Any]) -> Trace:
    files = {str(name): str(digest) for name, digest in each["files"].items()}
    return Trace(Verdict[each["verdict"]].name, files, tuple(map(event_from, each["events"].splitlines())))


def read(path: Path) -> Baseline:
    """Read a baseline. Raises :class:`InputError`: there is none, or it is not as it was written."""
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError as error:
        raise InputError(Problem(str(path), "no such baseline", "make it: testbed baseline record")) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem(str(path), f"cannot be read: {error}", OTHER)) from error


def write(path: Path, baseline: Baseline) -> None:
    """Write a baseline; what was there before stays until all of it is. Raises :class:`MachineError`."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("w", encoding="utf-8", newline="\n") as out:
            out.write(text_of(baseline))
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        what = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)
        hint = "what was there before is as it was; make room, or name another place"
        raise MachineError(Problem(str(path), f"cannot be written: {what}", hint)) from error
