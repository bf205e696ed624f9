"""Parameters: what a topology or a scenario lets the user change with ``--set name=value``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from testbed.errors import InputError, Problem
from testbed.units import Quantity, UnitError

T = TypeVar("T")

OFF = "off"
"""What a user writes to switch an optional quantity off."""


@dataclass(frozen=True)
class Parameter:
    """One declared parameter. ``default`` and ``value`` are text, as a user would write them."""

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


@dataclass
class Parameters:
    """The values a user gave, and what a file declares. Collects every problem instead of raising the first."""

    given: Mapping[str, str] = field(default_factory=dict)
    declared: dict[str, Parameter] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

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
        """
        text = self.given.get(name, default)
        type_name = " | ".join(choices) if choices else getattr(kind, "kind", getattr(kind, "__name__", "text"))
        self.declared[name] = Parameter(name, type_name, default, help, text, choices)
        try:
            return self._read(name, kind, text, choices)
        except ValueError as error:
            self.problems.append(Problem(f"--set {name}", str(error), f"{help}; default {default}"))
            return self._read(name, kind, default, choices)

    @staticmethod
    def _read(name: str, kind: Any, text: str, choices: tuple[str, ...]) -> Any:  # noqa: ANN401
        if choices and text not in choices:
            raise UnitError(f"{text!r} is not one of {', '.join(choices)}")
        if isinstance(kind, type) and issubclass(kind, Quantity):
            value = kind.parse(text)
            # Printed as a user would have, so that "5ms" and "5 ms" make the same plan.
            return value
        return kind(text)

    def check(self) -> None:
        """Raise every problem found, unknown names among them."""
        unknown = [
            Problem(f"--set {name}", "no such parameter", f"known: {', '.join(sorted(self.declared)) or 'none'}")
            for name in sorted(set(self.given) - set(self.declared))
        ]
        if self.problems or unknown:
            raise InputError([*self.problems, *unknown])


def optional(kind: type[Quantity]) -> Callable[[str], Any]:
    """A quantity, or ``off`` for ``None``."""

    def read(text: str) -> Quantity | None:
        return None if text == OFF else kind.parse(text)

    read.kind = f"{kind.kind} or off"  # type: ignore[attr-defined]
    return read


def parse_settings(settings: tuple[str, ...]) -> dict[str, str]:
    """Read ``name=value`` words. Raises :class:`InputError` with all that are not of that form."""
    problems = [
        Problem(f"--set {word}", "not of the form name=value", "for example --set dx.delay=10ms")
        for word in settings
        if "=" not in word
    ]
    if problems:
        raise InputError(problems)
    return {name.strip(): value.strip() for name, _, value in (word.partition("=") for word in settings)}
