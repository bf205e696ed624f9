"""The matrices of a run, whichever its events give: who reaches whom, what is needed, what is left, where it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

from testbed.history import Event
from testbed.report import cells, flows, matrix, placement, policies
from testbed.report.drawing import Drawing, Picture

HEADINGS = {
    "matrix-ipv": "Who reaches whom", "matrix-flows": "Flows", "matrix-policies": "Network policies",
    "matrix-placement": "Placement",
}  # fmt: skip
"""What stands over pictures in a page, by the beginning of their names."""


class Table(Protocol):
    """Names down and across, and a square for each place where there is something."""

    @property
    def rows(self) -> Sequence[str]:
        """Down."""

    @property
    def columns(self) -> Sequence[str]:
        """Across."""

    @property
    def squares(self) -> Mapping[tuple[str, str], matrix.Square]:
        """By row and column."""


def matrices(events: Sequence[Event]) -> Iterator[Drawing]:
    """None of them drawn yet."""
    for family in cells.families(events):
        reached, told = cells.reach_matrix(events, family), cells.matrix_sentence(events, family)
        yield _drawing(f"ipv{family}", f"Who reaches whom, IPv{family}", told, reached)
    if needed := flows.flow_matrix(events):
        yield _drawing("flows", "What Kubernetes needs", flows.flow_sentence(events), needed)
    if left := policies.policy_matrix(events):
        yield _drawing("policies", "What network policies leave", policies.policy_sentence(events), left)
    if placed := placement.placement_matrix(events):
        yield _drawing("placement", "Where pods are", placement.placement_sentence(events), placed)


def sections(pictures: Mapping[str, Picture]) -> list[tuple[str, list[Picture]]]:
    """Headings, each with the matrices that are under it; none without."""
    found = (
        (heading, [each for name, each in pictures.items() if name.startswith(beginning)])
        for beginning, heading in HEADINGS.items()
    )
    return [(heading, some) for heading, some in found if some]


def _drawing(name: str, title: str, told: str, table: Table) -> Drawing:
    draw = partial(matrix.matrix_figure, table.rows, table.columns, table.squares, ())
    return Drawing(f"matrix-{name}", title, told, draw)
