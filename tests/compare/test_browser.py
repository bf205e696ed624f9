"""Every kind of page in a browser: nothing off-screen, links lead somewhere, readable in any light and on paper."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest

from testbed.compare.comparison import compare
from testbed.compare.page import write_comparison
from testbed.compare.sides import read_sides
from testbed.load import load
from testbed.plan.schema import plan_json
from testbed.report.page import write_report
from testbed.report.study_page import write_study_report
from testbed.verdict import Measurement, judge
from tests.compare.sample import Values, write_study
from tests.conftest import ROOT
from tests.report.conftest import DATA
from tests.report.test_browser import browser, contrast, show
from tests.report.test_page import add_event

__all__ = ["browser"]
PHONE, DESKTOP = 390, 1280
PAPER = (718, 1047)
"""A4 less margins of 10 mm, in CSS pixels."""
LONG = "two Direct Connects at different locations with a VPN behind both of them"
CURVES: Values = {(f"{delay} ms", loss): [delay + i / 5 for i in range(7)] for delay in (1, 5, 50) for loss in "ab"}
DESIGNS: Values = {("DX and VPN",): [1.0, 1.1, 1.2, 1.3, 1.4, None], (LONG,): [30.0, 31, 32, 133, 34, 35]}
THREE: Values = {(f"design_number_{n}",): [n + i / 9 for i in range(6)] for n in range(3)}
GALLERY = ROOT / "reports" / "gallery"
EXAMPLES = sorted(path.name for path in GALLERY.iterdir() if path.is_dir())
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One of each kind made here, and those of the gallery, which are of real runs."""
    folder = tmp_path_factory.mktemp("pages")
    sweep, designs = write_study(folder / "sweep", ["dx.delay", "loss model"], CURVES), _designs(folder)
    matrix = write_study(folder / "matrix", ["failure", "detection"], CURVES, matrix=["gap"])
    made = {
        name: write_study_report(each) for name, each in (("sweep", sweep), ("designs", designs), ("matrix", matrix))
    }
    three = write_study(folder / "three", ["design"], THREE)
    for source in (sweep, designs, three):
        found = compare(read_sides([source], None))
        made[f"compared {source.name}"] = write_comparison(found, folder / f"c-{source.name}", "testbed compare")
    made |= {name: _run(folder / name, name) for name in ("run", "run FAIL", "run UNKNOWN", "connectivity")}
    return made | {f"gallery {name}": GALLERY / name / "report.html" for name in EXAMPLES}


def _designs(folder: Path) -> Path:
    """With runs of two commits, so that the page has its warning."""
    study = write_study(folder / "designs", ["design"], DESIGNS)
    facts = json.loads((study / "facts.json").read_text(encoding="utf-8"))
    for each in facts.values():
        each["commit"] = {"0123456": 5, "789abcd": 1}
    (study / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    return study


def _run(directory: Path, name: str) -> Path:
    shutil.copytree(DATA, directory)
    plan = load(str(ROOT / "topologies" / "hybrid.py"), {}).plan
    (directory / "plan.json").write_text(plan_json(plan), encoding="utf-8")
    verdict = directory / "record" / "verdict.json"
    many = [Measurement(f"number_{n}", float(n), "ms", source="no theory") for n in range(12)]
    if name == "run FAIL":
        bad = Measurement("gap", 9.0, "s", 1.0, 0.5, 1.5, "RFC 5880")
        verdict.write_text(json.dumps(judge([bad, *many]).to_json()), encoding="utf-8")
    if name == "run UNKNOWN":
        verdict.write_text(json.dumps(judge(many, ["waiting for routes: not there after 300 s"]).to_json()), "utf-8")
        add_event(directory, 93.0, "run.failed", where="waiting for routes", what="not there after 300 s", hint="log")
    if name == "connectivity":
        for source, target in (("aws-a", "dc-1"), ("dc-1", "aws-a"), ("dc-2", "dc-1")):
            for sort, reason in (("icmp", "ok"), ("tcp", "ok"), ("data", "black hole")):
                add_event(
                    directory, 50.0, "attempt", source=source, target=target, family=4, sort=sort, reason=reason,
                    where="cgw", detail="MTU 1446",
                )  # fmt: skip
    return write_report(directory)


RUNS = ["run", "run FAIL", "run UNKNOWN", "connectivity"]
COMPARISONS = ["compared sweep", "compared designs", "compared three"]
NAMES = [*RUNS, "sweep", "designs", "matrix", *COMPARISONS, *(f"gallery {name}" for name in EXAMPLES)]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_off_screen_and_the_console_is_empty(browser: Any, pages: dict[str, Path], name: str) -> None:
    browser.get_log("browser")
    for width in (PHONE, DESKTOP):
        show(browser, pages[name], width)
        browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        charts = browser.execute_script(
            "return [...document.querySelectorAll('svg')].map(e => e.getBoundingClientRect().width)"
        )
        assert charts and all(wide > 200 for wide in charts)
        # What is wider than the screen is in a box of its own that scrolls, and can be reached by keyboard.
        outside = browser.execute_script(
            "const out = e => e.getBoundingClientRect().right > innerWidth + 1;"
            "const boxed = e => e.closest('.scroll[tabindex], pre[tabindex]');"
            "return [...document.querySelectorAll('main *')].filter(e => out(e) && !boxed(e)).map(e => e.outerHTML)"
        )
        assert outside == []
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(browser: Any, pages: dict[str, Path], name: str) -> None:
    show(browser, pages[name], DESKTOP)
    links = browser.execute_script("return [...document.querySelectorAll('a')].map(e => e.href)")
    assert links
    assert [link for link in links if not Path(unquote(urlparse(link).path)).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_words_stand_out_in_light_and_dark(browser: Any, pages: dict[str, Path], name: str) -> None:
    """WCAG 2.1: 4.5 for text; every colour that words have, on the ground that is behind them."""
    for scheme in ("light", "dark"):
        show(browser, pages[name], DESKTOP, scheme)
        pairs = browser.execute_script(
            "const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;"
            " if (c !== 'rgba(0, 0, 0, 0)') return c; } };"
            "const words = [...document.querySelectorAll('body *')].filter(e => !e.closest('svg') &&"
            " [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()));"
            "return [...new Set(words.map(e => getComputedStyle(e).color + '|' + ground(e)))]"
        )
        assert pairs
        assert [pair for pair in pairs if contrast(*pair.split("|")) < 4.5] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_is_first_and_each_chart_has_a_sentence(browser: Any, pages: dict[str, Path], name: str) -> None:
    show(browser, pages[name], DESKTOP)
    tops = browser.execute_script(
        "const top = s => { const e = document.querySelector(s); return e && e.getBoundingClientRect().top; };"
        "return [top('.sentence'), top('figure'), top('table')]"
    )
    assert tops[0] < min(tops[1:])
    captions = browser.execute_script(
        "return [...document.querySelectorAll('figure')].map(e => [e.querySelector('figcaption').innerText,"
        " e.querySelector('svg').getAttribute('aria-label')])"
    )
    assert captions
    for caption, label in captions:
        title, _, sentence = caption.partition("\n")
        assert title and sentence.strip().endswith(".") and label.endswith(sentence.strip())


@pytest.mark.parametrize("name", NAMES)
def test_on_paper_nothing_is_cut_off(browser: Any, pages: dict[str, Path], name: str) -> None:
    show(browser, pages[name], PAPER[0], "dark")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert browser.execute_script("return document.documentElement.scrollWidth") <= PAPER[0]
        wide = browser.execute_script(
            "return [...document.querySelectorAll('svg, pre, table')].map(e => e.getBoundingClientRect().right)"
        )
        assert max(wide) <= PAPER[0]
        ground = browser.execute_script("return getComputedStyle(document.documentElement).backgroundColor")
        assert ground == "rgb(255, 255, 255)"
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.parametrize("name", ["compared designs", "compared three"])
def test_the_summary_of_designs_is_one_page_of_paper(browser: Any, pages: dict[str, Path], name: str) -> None:
    show(browser, pages[name], PAPER[0])
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        end = browser.execute_script("return document.querySelector('.one-page').getBoundingClientRect().bottom")
        assert end <= PAPER[1]
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_page_says_before_its_numbers_that_runs_were_done_with_two_commits(
    browser: Any, pages: dict[str, Path]
) -> None:
    for name in ("designs", "compared designs"):
        show(browser, pages[name], DESKTOP)
        told, first = browser.execute_script(
            "const box = document.querySelector('[aria-label=\"What differs besides\"]');"
            "return [box.innerText, document.querySelector('figure, table').compareDocumentPosition(box)]"
        )
        assert "commit" in told and "789abcd" in told
        assert first == 2  # Node.DOCUMENT_POSITION_PRECEDING
