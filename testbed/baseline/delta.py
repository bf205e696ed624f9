"""Delta debugging: which of many changes make the difference. Pure: what tries a set of changes is an argument.

Source: Zeller & Hildebrandt, Simplifying and Isolating Failure-Inducing Input, IEEE Transactions on Software
Engineering 28(2), 2002, the algorithm ddmin. What it finds is minimal: without any one of them the outcome is not bad
any more. With one change to blame among n it takes about 2 log2 n tries.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TypeVar

from testbed.verdict import Verdict

C = TypeVar("C")
Try = Callable[[Sequence[C]], Verdict]
"""FAIL: with these changes it is as bad as with all; PASS: as good as with none; UNKNOWN: it cannot be run."""


def minimal(changes: Sequence[C], attempt: Try[C]) -> list[C]:
    """The fewest changes that are bad together: of each of them alone is known that the others are not bad without it.

    ``attempt`` is asked for each set once at most, and must say FAIL of all changes.
    """
    known: dict[tuple[int, ...], bool] = {}

    def bad(places: Sequence[int]) -> bool:
        key = tuple(places)
        if key not in known:
            known[key] = attempt([changes[place] for place in key]) is Verdict.FAIL
        return known[key]

    left, parts = list(range(len(changes))), 2
    while len(left) > 1:
        pieces = _split(left, parts)
        rests = [[place for place in left if place not in piece] for piece in pieces]
        smaller = next((piece for piece in pieces if bad(piece)), None)
        rest = None if smaller is not None or parts == 2 else next((each for each in rests if bad(each)), None)
        if smaller is not None:
            left, parts = smaller, 2
        elif rest is not None:
            left, parts = rest, max(parts - 1, 2)
        elif parts < len(left):
            parts = min(2 * parts, len(left))
        else:
            break
    return [changes[place] for place in left]


def _split(places: Sequence[int], parts: int) -> list[list[int]]:
    """Into so many pieces, as equal as can be."""
    bounds = [round(number * len(places) / parts) for number in range(parts + 1)]
    return [list(places[start:end]) for start, end in itertools.pairwise(bounds)]
