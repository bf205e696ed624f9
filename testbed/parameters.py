"""Parameters: what a topology or a scenario lets the user change with ``--set name=value``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from testbed.errors import InputError, Problem, known
from testbed.guards import PORT_MAX
from testbed.units import Quantity, UnitError

T = TypeVar("T")

OFF = "off"
"""What a user writes to switch an optional quantity off."""
ALL = "all"
"""What a user writes for every name of a list."""


@dataclass(frozen=True)
class Parameter:
    """One declared parameter. ``default`` and ``value`` are text in one spelling: ``5ms`` and ``5 ms`` are ``5 ms``."""

    name: str
    type: str
    default: str
    help: str
    value: str
    choices: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """True when the user gave another value than the default."""
        return self.value != self.default


@dataclass(frozen=True)
class Optional(Generic[T]):
    """Reads a quantity or a number, or a word as ``None``."""

    of: type[T]
    word: str = OFF

    @property
    def kind(self) -> str:
        """For the list of parameters."""
        return f"{_type_name(self.of, ())} or {self.word}"

    def __call__(self, text: str) -> T | None:
        """Read text. Raises ``ValueError``."""
        return None if text == self.word else _reader(self.of)(text)


def optional(kind: type[T], word: str = OFF) -> Optional[T]:
    """The kind of a parameter that may be ``off``, or another word: ``optional(Duration)`` takes ``3 s``, ``off``."""
    return Optional(kind, word)


@dataclass(frozen=True)
class Some:
    """Reads names out of a list, with commas or ``+`` between them; ``all``."""

    names: tuple[str, ...]
    kind: str = f"names, or {ALL}"

    def __call__(self, text: str) -> tuple[str, ...]:
        """Read text. Raises :class:`UnitError` with all that are not in the list."""
        if text == ALL:
            return self.names
        found = tuple(re.split("[,+]", text))
        unknown = [name for name in found if name not in self.names]
        if unknown:
            raise UnitError(f"no such name: {', '.join(unknown)}; known: {ALL}, {', '.join(self.names)}")
        return tuple(dict.fromkeys(found))


def some(*names: str) -> Some:
    """The kind of a parameter that chooses among names: in ``--set`` with commas, in a sweep with ``+``."""
    return Some(names)


def port(text: str) -> int:
    """The kind of a parameter that is a port of TCP or UDP. Raises :class:`UnitError`."""
    if not text.isdecimal() or not 0 < int(text) <= PORT_MAX:
        raise UnitError(f"{text!r} is no port: they go from 1 to {PORT_MAX}")
    return int(text)


@dataclass
class Parameters:
    """The values a user gave, and what a file declares. Collects every problem instead of raising the first."""

    given: Mapping[str, str] = field(default_factory=dict)
    declared: dict[str, Parameter] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    implied: dict[str, str] = field(default_factory=dict)
    """What another parameter's value makes of those that the user did not give."""

    def imply(self, values: Mapping[str, str]) -> None:
        """Let parameters that are declared later have these values, unless the user gave others."""
        self.implied.update(values)

    def declare(
        self, name: str, kind: type[T] | Callable[[str], T], default: str, help: str, *, choices: tuple[str, ...] = ()
    ) -> T:
        """Declare a parameter and return its value.

        Args:
            name: what ``--set`` takes, by custom ``thing.property``.
            kind: a quantity such as :class:`~testbed.units.Duration`, ``int``, ``str``, or a function from text.
            default: as text.
            help: one line.
            choices: the only values allowed.

        Raises:
            ValueError: the default itself cannot be read: the file is wrong, not what the user gave.
        """
        if name in self.declared:
            self.problems.append(Problem(f"parameter {name}", "declared twice", "give each its own name"))
        read = _reader(kind)
        usual = _chosen(read, default, choices)
        value = _chosen(read, self.implied.get(name, default), choices)
        if name in self.given:
            try:
                value = _chosen(read, self.given[name], choices)
            except ValueError as error:
                self.problems.append(Problem(f"--set {name}", str(error), f"{help}; default {default}"))
        texts = _text(usual, default), _text(value, self.given.get(name, self.implied.get(name, default)))
        self.declared[name] = Parameter(name, _type_name(kind, choices), texts[0], help, texts[1], choices)
        return value

    def check(self) -> None:
        """Raise every problem found, unknown names among them."""
        unknown = [
            Problem(f"--set {name}", "no such parameter", known(name, self.declared))
            for name in sorted(set(self.given) - set(self.declared))
        ]
        if self.problems or unknown:
            raise InputError([*self.problems, *unknown])


def _reader(kind: type[T] | Callable[[str], T]) -> Callable[[str], T]:
    """Quantities are made from numbers; from text by their ``parse``."""
    parse: Callable[[str], T] | None = getattr(kind, "parse", None)
    return parse or kind


def _type_name(kind: object, choices: tuple[str, ...]) -> str:
    return " | ".join(choices) or str(getattr(kind, "kind", None) or getattr(kind, "__name__", "text"))


def _chosen(read: Callable[[str], T], text: str, choices: tuple[str, ...]) -> T:
    if choices and text not in choices:
        raise UnitError(f"{text!r} is not one of {', '.join(choices)}")
    return read(text)


def _text(value: object, given: str) -> str:
    """A value as it is printed, whatever spelling it was given in."""
    if value is None:
        return OFF
    return str(value) if isinstance(value, Quantity | int | float) else given


def parse_settings(settings: tuple[str, ...]) -> dict[str, str]:
    """Read ``name=value`` words. Raises :class:`InputError` with all that are not of that form."""
    problems: list[Problem] = []
    found: dict[str, str] = {}
    for word in settings:
        name, equals, value = (part.strip() for part in word.partition("="))
        if not equals or not name:
            problems.append(Problem(f"--set {word}", "not of the form name=value", "for example --set dx.delay=10ms"))
        elif name in found:
            problems.append(Problem(f"--set {word}", f"{name} is set twice", "leave one out"))
        found[name] = value
    if problems:
        raise InputError(problems)
    return found
