"""YAML text as plain values that remember their line: what PyYAML reads, less everything that surprises.

Every scalar stays the text that was written: ``no`` is no flag and ``1e3`` no number until the place says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from testbed.errors import InputError, Problem, known

Value = str | list["Value"] | dict[str, "Value"]
Place = tuple[str | int, ...]
"""Keys and numbers that lead to a value from the top."""
_REFERENCE = re.compile(r"\$\{([^}]*)\}")


@dataclass
class Document:
    """A file's values, and the line of each."""

    path: Path
    value: Value
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def where(self, place: Place) -> str:
        """File, line and keys of a place, or of what it would be in."""
        for end in range(len(place), -1, -1):
            if place[:end] in self.lines:
                return f"{self.path}, line {self.lines[place[:end]]}, {dotted(place) or 'top'}"
        return f"{self.path}, {dotted(place)}"


def dotted(place: Place) -> str:
    """A place in words."""
    return " > ".join(str(part + 1) if isinstance(part, int) else part for part in place)


def read(path: Path) -> Document:
    """Read a file. Raises :class:`InputError` for text that is no YAML, or is more than values."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        hint = "put quotes around a value that has ${...}, : or # in it, and spaces instead of tabs"
        raise InputError(Problem(f"{path}, line {line}", f"no YAML: {error.problem or error.context}", hint)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(Problem(str(path), f"no YAML: {error}", "save it as UTF-8 text")) from error
    document = Document(path, {})
    if root is not None:
        document.value = _value(root, (), document, ())
    if document.problems:
        raise InputError(document.problems)
    return document


def _value(node: yaml.Node, place: Place, document: Document, above: tuple[yaml.Node, ...]) -> Value:
    line = node.start_mark.line + 1
    document.lines.setdefault(place, line)
    if any(node is outer for outer in above):
        document.problems.append(Problem(document.where(place), "contains itself", "write it out"))
        return ""
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*place, i), document, (*above, node)) for i, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return str(node.value)
    found: dict[str, Value] = {}
    for key, item in node.value:
        name = str(key.value)
        inner = (*place, name)
        if name in found:
            what = f"{name} is there already, in line {document.lines[inner]}"
            document.problems.append(Problem(f"{document.path}, line {key.start_mark.line + 1}", what, "keep one"))
        document.lines[inner] = key.start_mark.line + 1
        found[name] = _value(item, inner, document, (*above, node))
    return found


def resolve(value: Value, place: Place, texts: Mapping[str, str], document: Document) -> Value:
    """Put the values of parameters in the place of ``${name}``. Unknown names are noted, and stay."""
    if isinstance(value, dict):
        return {key: resolve(item, (*place, key), texts, document) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, (*place, i), texts, document) for i, item in enumerate(value)]

    def text_of(match: re.Match[str]) -> str:
        name = match[1].strip()
        if name not in texts:
            what = f"{match[0]}: no such parameter"
            document.problems.append(Problem(document.where(place), what, known(name, texts)))
        return texts.get(name, match[0])

    return _REFERENCE.sub(text_of, value)
