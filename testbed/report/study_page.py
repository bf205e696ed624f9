"""The report of a study or a sweep: one HTML file, its charts, and its data as CSV and Parquet."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testbed.check.cells import Summary, names, shown, summarise
from testbed.numbers import capital, interval, number, spoken, titled
from testbed.report import axes, content, curves, data, groups, study_matrix, study_words, words
from testbed.report.axes import Curve, Numbers
from testbed.report.curves import Line
from testbed.report.drawing import KINDS, Drawing, Picture, save, write_page
from testbed.report.facts import mixed, together
from testbed.report.rundir import CHARTS, REPORT
from testbed.report.studydir import StudyRun, read_study_run
from testbed.scenario import Chart
from testbed.verdict import Verdict

if TYPE_CHECKING:
    from testbed.study import CellResult

WHOLE = ("matrix-", "distribution-")
"""Charts whose sentence says it all begin with this."""
SOURCES_MAX = 3
"""Arbitrary: more are not read below a table."""
CHARTS_MAX = 8
"""Arbitrary: a report with more is not read; the table has every number."""


def write_study_report(directory: Path, into: Path | None = None, kinds: Sequence[str] = KINDS) -> Path:
    """Write ``report.html``, ``charts/`` and the data, and return the page's path.

    Args:
        directory: the study's.
        into: where to, if not there.
        kinds: files of each chart.

    Raises:
        InputError: the directory is not a study's, with everything that is missing or cannot be read.
    """
    return write_page_of(read_study_run(directory), into or directory, kinds)


def write_page_of(run: StudyRun, target: Path, kinds: Sequence[str] = KINDS) -> Path:
    """The same of a study that has been read."""
    pictures = [save(drawing, target / CHARTS, kinds) for drawing in drawings(run)]
    data.write_tables(data.rows(run), target)
    return write_page(target / REPORT, "study.html.j2", _values(run, pictures, target))


def drawings(run: StudyRun) -> Iterator[Drawing]:
    """The charts: matrices that the study asks for; curves where an axis is numbers, else rows of cells."""
    matrices = run.asked.get("matrix", []) if len(run.varied) > 1 else []
    for name in matrices:
        told, title = study_matrix.matrix_sentence(run, name), capital(spoken(name))
        yield Drawing(f"matrix-{name}", title, told, partial(study_matrix.matrix, run, name))
    for result, name, table, values in study_matrix.distributions(run)[:CHARTS_MAX]:
        file = re.sub(r"[^A-Za-z0-9_-]+", "-", f"distribution-{name}-{axes.short_name(run, result)}")
        title = f"{capital(spoken(name))}, {axes.short_name(run, result)}"
        told = study_matrix.distribution_sentence(name, table, values)
        yield Drawing(file, title, told, partial(study_matrix.distribution_figure, name, table, values))
    x = axes.along(run)
    found = axes.curves(run, x) if x else []
    declared = () if run.asked["show"] else groups.charts_of(run.asked)
    if x is not None and declared and len(found) <= curves.CURVES_MAX:
        yield from itertools.islice(_declared(run, declared, x, found), CHARTS_MAX)
        return
    wanted = [name for name in shown(run.results, run.asked["show"]) if name not in matrices]
    for name in wanted[:CHARTS_MAX]:
        title = capital(spoken(name))
        if x is not None and len(found) <= curves.CURVES_MAX:
            yield _along(x, [Line(curve.label, name, curve) for curve in found], _file(name), title)
        else:
            told = study_words.cells_sentence(run, name)
            yield Drawing(_file(name), title, told, partial(curves.cell_figure, run, name))


def _declared(run: StudyRun, declared: Sequence[Chart], x: Numbers, found: Sequence[Curve]) -> Iterator[Drawing]:
    """The scenario's own charts: for each row of one a picture along the axis."""
    there = names(run.results)
    for chart in declared:
        for row in groups.row_names(chart, there):
            series = {label: pattern.replace("*", row) for label, pattern in chart.series.items()}
            lines = [
                Line(", ".join(filter(None, (label if len(series) > 1 else "", curve.label))), name, curve)
                for label, name in series.items() if name in there
                for curve in found
            ]  # fmt: skip
            file, title = (
                _file(f"{chart.name}-{row}" if row else chart.name),
                f"{chart.title}: {spoken(row)}" if row else chart.title,
            )
            if len(lines) <= curves.CURVES_MAX:
                yield _along(x, lines, file, title)
            else:
                for number, curve in enumerate(found):
                    some = [line for line in lines if line.curve is curve]
                    yield _along(x, some, f"{file}-{number}", f"{title}, {curve.label}")


def _along(x: Numbers, lines: Sequence[Line], file: str, title: str) -> Drawing:
    told = study_words.curve_sentence(x, lines)
    return Drawing(file, title, told, partial(curves.curve_figure, x, lines, title))


def _file(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)


def _values(run: StudyRun, pictures: list[Picture], target: Path) -> dict[str, Any]:
    verdict = run.judgement.verdict
    told = shown(run.results, run.asked["show"])
    return {
        "title": run.asked["file"],
        "so_far": run.so_far,
        "kind": run.asked["kind"],
        "scenario": {name: run.asked[name] for name in ("question", "hypothesis", "refuted_by", "scenario")},
        "outcome": words.OUTCOMES[verdict],
        "date": str(run.environment.get("date", "")).replace("T", " ").replace("+00:00", " UTC"),
        "verdict": verdict.name,
        "mark": content.MARKS[verdict],
        "sentence": study_words.answer(run),
        "findings": [f"{each.title}: {each.sentence}" for each in pictures[:1]],
        "reasons": list(run.judgement.why),
        "loud": mixed(together(list(run.facts.values()))),
        "left_out": study_words.left_out(run),
        "numbers": content.number_rows(run.judgement.measurements),
        "pictures": pictures,
        "legend": study_words.LEGEND if any(not picture.name.startswith(WHOLE) for picture in pictures) else "",
        "tables": [_table(run, name) for name in told],
        "axes": [(axis.name, list(axis.points)) for axis in run.axes],
        "skipped": run.asked.get("skipped", {}),
        "seeds": run.asked["seeds"],
        "command": str(run.environment.get("command", "")),
        "environment": _environment(run.environment),
        "runs": [_links(target, result) for result in run.results],
    }


def _environment(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in environment.items() if name != "command" and value != ""]


def _table(run: StudyRun, name: str) -> dict[str, Any]:
    """One measurement, a row for each cell."""
    rows = [(axes.short_name(run, result), each) for result in run.results if (each := summarise(result, name))]
    unit = rows[0][1].unit if rows else ""
    return {
        "name": titled(capital(spoken(name)), unit), "source": _sources([each for _, each in rows]),
        "rows": [_row(label, each) for label, each in rows],
    }  # fmt: skip


def _sources(rows: Sequence[Summary]) -> str:
    """Where theory comes from, of each kind of row; nothing where the table says already that there is none."""
    every = list(dict.fromkeys(each.source for each in rows if each.source not in ("", "no theory")))
    told = [each if each.startswith("no theory") else f"Theory: {each}" for each in every[:SOURCES_MAX]]
    return ". ".join([*told, f"The record has {len(every) - SOURCES_MAX} more"] if every[SOURCES_MAX:] else told)


def _row(label: str, each: Summary) -> dict[str, Any]:
    uncertain = f"{number(each.low)} to {number(each.high)}" if each.low is not None and each.high is not None else ""
    spread = f"{number(min(each.values))} to {number(max(each.values))}" if each.values else ""
    verdict = Verdict.FAIL if each.outside else Verdict.UNKNOWN if each.left_out else Verdict.PASS
    return {
        "label": label, "median": number(each.median, none="not measured"), "interval": uncertain or "too few seeds",
        "spread": spread, "count": len(each.values), "left_out": each.left_out,
        "expected": number(each.expected, none=""),
        "bounds": interval(each.bound_low, each.bound_high, none="no theory"),
        "verdict": verdict.name if each.judged or each.left_out else "", "mark": content.MARKS[verdict],
        "outside": each.outside,
    }  # fmt: skip


def _links(directory: Path, result: CellResult) -> dict[str, Any]:
    """Where each run of a cell is, as far as it is there: a study may have been copied without its runs."""
    links = [f"{run.directory}/record/verdict.json" if run.directory else "" for run in result.runs]
    there = [link if link and (directory / link).exists() else "" for link in links]
    words = [(run.seed, run.judgement.verdict.name) for run in result.runs]
    return {"name": result.cell.name, "runs": [(*word, link) for word, link in zip(words, there, strict=True)]}
