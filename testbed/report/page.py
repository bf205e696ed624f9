"""The report: one HTML file that needs nothing else, and the charts as files beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from testbed.report import charts, content, failure, groups, lanes, matrices, timeline, topology, words
from testbed.report.drawing import KINDS, Drawing, Picture, save, write_page
from testbed.report.lookups import lookup_sentence
from testbed.report.rundir import CHARTS, REPORT, Run, read_run
from testbed.report.sites import broken_by
from testbed.verdict import Verdict

GROUP = "group-"
"""Charts of measurements are called so."""
STREAMS_MAX, FAULTS_MAX = 12, 200
"""Arbitrary: a report with more charts is not read, nor a chart with more bands; the record has them all."""


def write_report(run_dir: Path, into: Path | None = None, kinds: Sequence[str] = KINDS) -> Path:
    """Write ``report.html`` and ``charts/`` and return the page's path.

    Args:
        run_dir: the run's directory.
        into: where to, if not there. The page lists the files that are in that folder.
        kinds: files of each chart.

    Raises:
        InputError: the directory is not a run's, with everything that is missing or cannot be read.
    """
    run, target = read_run(run_dir), into or run_dir
    pictures = {drawing.name: save(drawing, target / CHARTS, kinds) for drawing in drawings(run)}
    return write_page(target / REPORT, "page.html.j2", _values(run, pictures, target))


def drawings(run: Run) -> Iterator[Drawing]:
    """The charts of a run, none of them drawn yet."""
    every, found = lanes.fault_bands(run), lanes.lanes(run)
    bands = every[:FAULTS_MAX]
    broken = frozenset(name for band in every for target in band.broke for name in broken_by(run.plan, target))
    sentence = words.topology_sentence(run, every)
    yield Drawing("topology", "Topology", sentence, partial(topology.topology_figure, run.plan, broken))
    yield from matrices.matrices(run.events)
    for chart in groups.charts_of(run.environment.get("scenario") or {}):
        rows = groups.rows(chart, run.judgement.measurements)
        if sum(len(row.found) for row in rows) > 1:  # one number needs no picture
            draw = partial(groups.group_figure, chart, rows)
            yield Drawing(f"{GROUP}{chart.name}", chart.title, groups.sentence(chart, rows), draw)
    if not run.events or not found:
        return
    told = words.timeline_sentence(run, found, every, len(bands))
    yield Drawing("timeline", "Timeline", told, partial(timeline.timeline_figure, run, found, bands))
    close = timeline.close_ups(run, found, bands)
    if close:
        noticed = words.notice_sentence(run, bands)
        yield Drawing("close-up", "Close up", noticed, partial(timeline.close_up_figure, run, found, bands, close))
    if run.asked:
        told = lookup_sentence(run.asked)
        yield Drawing("lookups", "Lookups of names", told, partial(charts.lookup_figure, run, run.asked, bands))
    for stream in [each for each in run.streams if len(each.sent_ns)][:STREAMS_MAX]:
        name = re.sub(r"[^A-Za-z0-9_-]", "-", stream.name)
        rtt, loss = words.rtt_sentence(run, stream, bands), words.loss_sentence(stream)
        yield Drawing(f"rtt-{name}", "Round-trip time", rtt, partial(charts.rtt_figure, run, stream, bands))
        yield Drawing(f"loss-{name}", "Loss", loss, partial(charts.loss_figure, run, stream, bands))


def _findings(run: Run, pictures: dict[str, Picture]) -> list[str]:
    """The answer in numbers: under the verdict, before anything else is read."""
    found = words.finding(run.judgement) if run.judgement.verdict is Verdict.PASS else ""
    return [*([found] if found else []), *(each.sentence for name, each in pictures.items() if "matrix-" in name)]


def _values(run: Run, pictures: dict[str, Picture], target: Path) -> dict[str, Any]:
    scenario = run.environment.get("scenario") or {}
    verdict = run.judgement.verdict
    events, more_events = content.event_rows(run)
    samples = [picture for name, picture in pictures.items() if name.startswith(("lookups", "rtt-", "loss-"))]
    return {
        "title": scenario.get("file") or run.plan.topology,
        "plan": run.plan,
        "scenario": {name: scenario.get(name, "") for name in ("question", "hypothesis", "refuted_by")},
        "outcome": words.OUTCOMES[verdict],
        "date": str(run.environment.get("date", "")).replace("T", " ").replace("+00:00", " UTC"),
        "verdict": verdict.name,
        "mark": content.MARKS[verdict],
        "sentence": words.verdict_sentence(run.judgement),
        "reasons": words.more_reasons(run.judgement),
        "failures": [event.fields for event in run.failures],
        "tails": failure.log_tails(run),
        "findings": _findings(run, pictures),
        "numbers": content.by_bound(content.number_rows(run.judgement.measurements)),
        "topology": pictures["topology"],
        "happened": [pictures[name] for name in ("timeline", "close-up") if name in pictures],
        "matrices": matrices.sections(pictures),
        "groups": [picture for name, picture in pictures.items() if name.startswith(GROUP)],
        "samples": samples,
        "unread_streams": max(0, len(run.streams) - STREAMS_MAX),
        "events": events,
        "more_events": more_events,
        "receipt": run.receipt,
        "receipt_rows": content.receipt_rows(run),
        "parameters": content.parameter_rows(run),
        "environment": content.environment_rows(run),
        "command": str(run.environment.get("command", "")),
        "seed": run.environment.get("seed"),
        "files": content.file_rows(target),
    }
