"""The files that are made of results: JSON, the page, and GitHub's summary of a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed.suite import github
from testbed.suite.results import CaseResult, to_json


def write(results: Sequence[CaseResult], asked: Mapping[str, str | None], env: Mapping[str, str]) -> list[str]:
    """Write what was asked for, by kind (``json``, ``junit``, ``html``); a line for each file, or for why not."""
    lines = []
    for kind, file in asked.items():
        if file is not None:
            lines.append(_write(Path(file), kind, results))
    if github.runs_there(env) and env.get(github.SUMMARY):
        with Path(env[github.SUMMARY]).open("a", encoding="utf-8") as out:
            out.write(github.summary(results))
    return lines


def _write(file: Path, kind: str, results: Sequence[CaseResult]) -> str:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if kind == "json":
            file.write_text(to_json(results), encoding="utf-8")
        elif kind == "junit":
            from testbed.suite import junit

            junit.write(results, file)
        else:
            from testbed.suite.page import write_page_of

            write_page_of(results, file)
    except OSError as error:
        return f"{file}: not written: {error.strerror}"
    return f"{kind}: {file}"
