"""The shipped fail-over studies: every cell is there or says why not, and laws are known where theory has them."""

from __future__ import annotations

from testbed.load import read_study
from testbed.study import CellResult, Played
from testbed.sweep import distributions
from testbed.sweep.planned import plan_study
from testbed.verdict import Measurement, Verdict, judge


def planned(name: str) -> tuple[object, dict[str, dict[str, object]]]:
    found = read_study(f"scenarios/{name}.py")
    assert found is not None
    path, study = found
    made = plan_study(study, path.parent, {})
    return made, {cell: dict(laws) for cell, laws in distributions.tables(made).items()}


def test_every_cell_of_the_matrix_is_played_or_says_why_not() -> None:
    found = read_study("scenarios/failover_matrix.py")
    assert found is not None
    study = found[1]
    cells, skipped = study.cells(), study.skipped()
    assert len(cells) + len(skipped) == len(study.axes[0].points) * len(study.axes[1].points)
    assert all(reason.startswith("never: ") for reason in skipped.values())


def test_laws_are_known_where_only_timers_decide() -> None:
    _, laws = planned("failover_matrix")
    assert set(laws["failure silent loss, detection BFD 300 ms x 3"]) == {"gap", "detection"}
    assert laws["failure whole site off, detection BFD 300 ms x 3"] == {}


def test_values_far_from_the_law_fail_the_study() -> None:
    found = read_study("scenarios/failover_seeds.py")
    assert found is not None
    made = plan_study(found[1], found[0].parent, {})
    laws = distributions.tables(made)
    cell = made.cells[0].cell
    for values, verdict in (([0.9] * 30, Verdict.FAIL), ([0.75 + 0.006 * n for n in range(25)], Verdict.PASS)):
        runs = tuple(Played(n, judge([Measurement("gap", v, "s")])) for n, v in enumerate(values))
        (measured,) = distributions.consistent([CellResult(cell, runs)], laws)
        assert measured.verdict is verdict, measured
