"""The page in a real browser: no complaints, no sideways scrolling, every picture visible, light and dark."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.report.page import write_report
from tests.report.conftest import DATA
from tests.report.test_page import add_event, change_json

BROWSERS, DRIVERS = ("chromium", "chromium-browser", "google-chrome"), ("chromedriver",)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
WIDTHS = (360, 768, 1200)

pytestmark = pytest.mark.browser


def find(programs: tuple[str, ...]) -> str:
    found = next((path for path in map(shutil.which, programs) if path), None)
    if found is None:
        pytest.skip(f"no {programs[0]} on this machine (Debian: apt-get install chromium chromium-driver)")
    return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Headless Chromium with a profile of its own."""
    binary, driver = find(BROWSERS), find(DRIVERS)
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, hybrid_plan_text: str) -> dict[str, Path]:
    """A good run's page, and that of a run that failed, with words as long as they come."""
    made = {}
    for name in ("good", "failed"):
        directory = tmp_path_factory.mktemp(name) / "run"
        shutil.copytree(DATA, directory)
        (directory / "plan.json").write_text(hybrid_plan_text, encoding="utf-8")
        if name == "failed":
            long = "x" * 400
            add_event(directory, 93.0, "run.failed", where=f"cgw {long}", what=long, hint=long)
            scenario = {"question": long, "hypothesis": long, "refuted_by": long, "file": long}
            change_json(directory / "environment.json", scenario=scenario, command=long, nested={long: {long: long}})
        made[name] = write_report(directory)
    return made


def show(browser: Any, page: Path, width: int, scheme: str = "light") -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(page.as_uri())


@pytest.mark.parametrize("name", ["good", "failed"])
def test_the_browser_has_no_complaint_and_loads_nothing_else(browser: Any, pages: dict[str, Path], name: str) -> None:
    browser.get_log("performance")
    show(browser, pages[name], 1200)
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requested = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert {url for url in requested if not url.startswith("data:")} == {pages[name].as_uri()}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["good", "failed"])
def test_the_page_never_scrolls_sideways(browser: Any, pages: dict[str, Path], name: str, width: int) -> None:
    show(browser, pages[name], width)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_every_picture_is_there(browser: Any, pages: dict[str, Path], width: int) -> None:
    show(browser, pages["good"], width)
    sizes = browser.execute_script(
        "return [...document.querySelectorAll('svg, img')].map(e => [e.getBoundingClientRect().width, "
        "e.getBoundingClientRect().height])"
    )
    assert len(sizes) == 5
    assert all(wide > 200 and high > 50 for wide, high in sizes)


def luminance(colour: str) -> float:
    """WCAG 2.1 relative luminance of ``rgb(r, g, b)``."""
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_charts_are_readable_in_light_and_dark(browser: Any, pages: dict[str, Path], scheme: str) -> None:
    show(browser, pages["good"], 1200, scheme)
    paper, ink, word, tint = browser.execute_script(
        "const style = (s, p) => getComputedStyle(document.querySelector(s))[p];"
        "return [style('html', 'backgroundColor'), style('body', 'color'), style('.word', 'color'),"
        " style('.verdict', 'backgroundColor')]"
    )
    assert (luminance(paper) > 0.5) is (scheme == "light")
    assert contrast(paper, ink) > 10
    assert contrast(word, tint) > 4.5
    # Every colour that words in charts have must stand out from the paper below them (WCAG 2.1: 3 for large graphics).
    fills = browser.execute_script(
        "return [...new Set([...document.querySelectorAll('svg.chart g[id*=text_] g')]"
        ".map(e => getComputedStyle(e).fill))]"
    )
    in_bars = [fill for fill in fills if contrast(paper, fill) == 1]  # words in bars have the colour of paper
    assert len(in_bars) == 1
    assert all(contrast(paper, fill) > 3 for fill in fills if fill not in in_bars)
