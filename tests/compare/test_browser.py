"""Pages of studies and comparisons in a real browser: no complaints, nothing off-screen, links that lead somewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest

from testbed.compare.comparison import compare
from testbed.compare.page import write_comparison
from testbed.compare.sides import read_sides
from testbed.report.study_page import write_study_report
from tests.compare.sample import Values, write_study
from tests.report.test_browser import browser, contrast, show

__all__ = ["browser"]
WIDTHS = (360, 1280)
LONG = "two Direct Connects at different locations with a VPN behind both of them"
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A sweep with an axis of numbers, a study of designs with some UNKNOWN, and a comparison of either."""
    folder = tmp_path_factory.mktemp("pages")
    curves: Values = {(f"{delay} ms", loss): [delay + i / 5 for i in range(7)] for delay in (1, 5, 50) for loss in "ab"}
    rows: Values = {("DX and VPN",): [1.0, 1.1, 1.2, 1.3, 1.4, None], (LONG,): [30.0, 31, 32, 133, 34, 35]}
    sweep = write_study(folder / "sweep", ["dx.delay", "loss model"], curves)
    designs = write_study(folder / "designs", ["design"], rows)
    made = {"sweep": write_study_report(sweep), "designs": write_study_report(designs)}
    for name, source in (("compared sweep", sweep), ("compared designs", designs)):
        sides = read_sides([source], None)
        made[name] = write_comparison(compare(sides), folder / name, f"testbed compare {source}")
    return made


NAMES = ["sweep", "designs", "compared sweep", "compared designs"]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_off_screen_and_the_console_is_empty(
    browser: Any, pages: dict[str, Path], name: str, width: int
) -> None:
    browser.get_log("browser")
    show(browser, pages[name], width)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.get_log("browser") == []
    charts = browser.execute_script(
        "return [...document.querySelectorAll('svg')].map(e => e.getBoundingClientRect().width)"
    )
    assert charts and all(wide > 200 for wide in charts)


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(browser: Any, pages: dict[str, Path], name: str) -> None:
    show(browser, pages[name], 1280)
    links = browser.execute_script("return [...document.querySelectorAll('a')].map(e => e.href)")
    assert links
    assert [link for link in links if not Path(unquote(urlparse(link).path)).exists()] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_words_stand_out_in_light_and_dark(browser: Any, pages: dict[str, Path], name: str, scheme: str) -> None:
    show(browser, pages[name], 1280, scheme)
    paper, ink, small = browser.execute_script(
        "const style = (s, p) => getComputedStyle(document.querySelector(s))[p];"
        "return [style('html', 'backgroundColor'), style('body', 'color'), style('.legend', 'color')]"
    )
    assert contrast(paper, ink) > 10
    assert contrast(paper, small) > 4.5


def test_each_chart_has_words_that_say_what_it_shows(browser: Any, pages: dict[str, Path]) -> None:
    show(browser, pages["sweep"], 1280)
    said = browser.execute_script("return [...document.querySelectorAll('figure')].map(e => e.innerText)")
    assert len(said) == 1
    assert "goes from" in said[0] and "theory" in said[0]
