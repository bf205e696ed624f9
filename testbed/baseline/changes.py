"""What two environments differ in: settings, and lines of files; and any of these changes carried out alone.

A setting is a change by itself: a parameter, the topology, or a program (``program.bird=/opt/bird/sbin/bird``). Of two
versions of a file each stretch of lines that differs is one.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from testbed.errors import InputError, Problem

LINES_TOLD = 3
"""Of a stretch of lines; arbitrary."""


@dataclass(frozen=True)
class Setting:
    """One setting has another value; ``None``: it is not given."""

    name: str
    good: str | None
    bad: str | None

    def words(self) -> Sequence[str]:
        """As people read it."""
        return [f"{self.name}: {self.good or 'not given'} -> {self.bad or 'not given'}"]


@dataclass(frozen=True)
class Lines:
    """Lines of a file are other ones: ``start`` to ``end`` of the good version, counted from 0, become ``bad``."""

    file: str
    start: int
    end: int
    good: tuple[str, ...]
    bad: tuple[str, ...]

    def words(self) -> Sequence[str]:
        """As a diff has it."""
        lines = [*(f"- {line}" for line in self.good), *(f"+ {line}" for line in self.bad)]
        more = [f"  and {len(lines) - 2 * LINES_TOLD} lines more"] if len(lines) > 2 * LINES_TOLD else []
        return [
            f"{self.file}, line {self.start + 1}:",
            *(f"    {each.rstrip()}" for each in lines[: 2 * LINES_TOLD]),
            *more,
        ]


Change = Setting | Lines


@dataclass(frozen=True)
class Versions:
    """A file at two commits: its text in each, and its name in the repository."""

    path: Path
    good: str
    bad: str


def settings(good: Mapping[str, str], bad: Mapping[str, str]) -> list[Setting]:
    """Each setting that differs."""
    return [
        Setting(name, good.get(name), bad.get(name))
        for name in dict.fromkeys((*good, *bad))
        if good.get(name) != bad.get(name)
    ]


def lines(versions: Versions) -> Iterator[Lines]:
    """Each stretch of lines that differs."""
    old, new = versions.good.splitlines(), versions.bad.splitlines()
    for tag, a, a_end, b, b_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield Lines(versions.path.name, a, a_end, tuple(old[a:a_end]), tuple(new[b:b_end]))


def set_to(good: Mapping[str, str], changes: Sequence[Change]) -> dict[str, str]:
    """The good settings with these changes."""
    found = dict(good)
    for each in changes:
        if isinstance(each, Setting):
            found.pop(each.name, None)
            if each.bad is not None:
                found[each.name] = each.bad
    return found


def text_with(versions: Versions, changes: Sequence[Change]) -> str:
    """The good text with these changes."""
    found = versions.good.splitlines()
    for each in sorted((c for c in changes if isinstance(c, Lines)), key=lambda c: -c.start):
        found[each.start : each.end] = each.bad
    return "\n".join(found) + "\n"


def at_commits(path: Path, good: str, bad: str) -> Versions:
    """A file as two commits of its repository have it. Raises :class:`InputError` with each that has it not."""
    problems: list[Problem] = []
    texts = []
    for commit in (good, bad):
        try:
            texts.append(_git(path, "show", f"{commit}:./{path.name}"))
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", "") or str(error)
            problems.append(Problem(f"{path.name} at {commit}", said.strip(), "name a commit that has this file"))
    if problems:
        raise InputError(problems)
    return Versions(path, *texts)


def _git(path: Path, *words: str) -> str:
    argv = ["git", "-C", str(path.parent), *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
