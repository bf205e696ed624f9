"""Claims about reports/gallery/: it is what `make gallery` lists, its links lead somewhere, and it is small."""

from __future__ import annotations

import re
import runpy
import shlex
from typing import Any
from urllib.parse import unquote

import pytest

from tests.conftest import ROOT
from tests.report.page import Page

GALLERY = ROOT / "reports" / "gallery"
SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "scripts" / "gallery.py"))
NAMES = [example.name for example in SCRIPT["EXAMPLES"]]
BYTES_MAX = 5 * 10**6
"""Everybody who clones the project has it; arbitrary."""


def test_its_folders_are_the_examples_of_the_script() -> None:
    assert sorted(path.name for path in GALLERY.iterdir() if path.is_dir()) == sorted(NAMES)


def test_its_list_is_the_scripts_own_and_no_scenario_topology_or_parameter_changed_since_it_was_made() -> None:
    written = "\n".join(SCRIPT["index"](GALLERY, SCRIPT["planned"])) + "\n"
    assert (GALLERY / "README.md").read_text(encoding="utf-8") == written, "run make gallery"


def test_what_an_example_was_made_from_is_another_with_each_file_and_each_parameter() -> None:
    origin = SCRIPT["origin"]
    made: dict[str, Any] = {"scenario": "a.py", "scenario_bytes": "1", "topology": "b.py"}
    made |= {"topology_bytes": "2", "parameters": {"c": "3"}, "plan": "4", "seed": 1}
    changed = [made | {"scenario_bytes": "5"}, made | {"topology_bytes": "5"}, made | {"parameters": {"c": "5"}}]
    assert len({origin([each]) for each in (made, *changed)}) == 4
    assert origin([made, made | {"seed": 2}]) == origin([made])


def test_every_command_is_about_files_that_are_there() -> None:
    for example in SCRIPT["EXAMPLES"]:
        kind, file, *_ = shlex.split(example.command)
        assert kind in ("run", "sweep", "compare")
        assert (ROOT / file).exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_what_its_command_gives_and_all_its_links_lead_somewhere(name: str) -> None:
    page = Page(GALLERY / name / "report.html")
    example = next(each for each in SCRIPT["EXAMPLES"] if each.name == name)
    assert f"testbed {example.command}" in page.text
    assert (GALLERY / name / "charts" / f"{example.chart}.svg").exists()
    assert page.anchors
    assert [link for link in page.anchors if not (GALLERY / name / unquote(link)).exists()] == []


def test_nothing_in_it_depends_on_the_machine_or_the_day() -> None:
    text = "".join(
        path.read_text(encoding="utf-8") for path in GALLERY.rglob("*") if path.suffix in (".html", ".json", ".md")
    )
    assert not re.search(r"\b20[2-9]\d-\d\d-\d\d\b", text)  # a date
    assert not re.search(r"(?<![\w.])/(?:home|root|tmp|work|usr)/", text)  # a folder of somebody's


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in GALLERY.rglob("*") if path.is_file()) < BYTES_MAX


@pytest.mark.parametrize("page", ["README.md", "docs/guide.md"])
def test_it_is_shown_and_linked(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+\.svg)\)", text)
    assert pictures
    assert [each for each in pictures if not ((ROOT / page).parent / each).exists()] == []
    assert "reports/gallery/README.md)" in text
