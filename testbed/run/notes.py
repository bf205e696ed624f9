"""What a test wants to be held against its baseline. It is decided when the lab is gone: only the record says all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from testbed.check.measured import Measured
from testbed.errors import Problem, RunError
from testbed.units import Quantity


class Notes:
    """The ``lab.baseline`` of a test."""

    def __init__(self, measured: Callable[[str, str | Quantity | Measured], Measured]) -> None:
        self._measured = measured
        self._noted: list[dict[str, Any]] = []

    def check(self, name: str, value: str | Quantity | Measured, allowed: str = "") -> None:
        """Note a measurement that must be as it was. The test goes on, and fails at its end if it is not.

        Args:
            name: of the measurement, in the baseline of this test.
            value: a quantity with its unit.
            allowed: the change that is allowed, for a baseline that is recorded (docs/baselines.md); a baseline that is
                there says itself.

        Raises:
            InputError: a bare number.
            RunError: it is not known how much it was.
        """
        made = self._measured(name, value)
        if made.at_least:
            raise RunError(Problem(f"baseline, {name}", f"{made}: it is not known how much it was in the end"))
        self._noted.append({**made.fields(), "allowed": allowed})

    def taken(self) -> list[dict[str, Any]]:
        """What was noted since this was asked last."""
        noted, self._noted = self._noted, []
        return noted
