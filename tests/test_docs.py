"""Claims about docs/: what is made from the code is current, and every link and file named there exists."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md"])
WRITTEN: dict[Path, str] = runpy.run_path(str(ROOT / "scripts" / "docs.py"))["pages"]()


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_a_page_made_from_the_code_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == WRITTEN[path], "run python scripts/docs.py"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (path.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_of_the_project_that_is_named_exists(path: Path) -> None:
    pattern = r"`((?:testbed|topologies|scenarios|scripts|docs|tests|benchmarks)/[\w./-]+)`"
    named = re.findall(pattern, path.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_kind_of_event_is_described() -> None:
    """Events are named where they are recorded, as ``event("kind", ...)``."""
    kinds: set[str] = set()
    for path in (ROOT / "testbed").rglob("*.py"):
        kinds |= set(re.findall(r'\.event\(\s*"([a-z.]+)"', path.read_text(encoding="utf-8")))
    assert kinds, "the pattern finds none"
    text = (ROOT / "docs" / "concepts.md").read_text(encoding="utf-8")
    assert sorted(kind for kind in kinds if f"`{kind}`" not in text) == []


def test_the_topology_in_the_guide_is_the_shipped_one() -> None:
    shipped = (ROOT / "topologies" / "twenty_lines.py").read_text(encoding="utf-8")
    assert shipped in (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    assert len(shipped.splitlines()) <= 20


def test_each_decision_has_a_number_of_its_own_and_bears_it() -> None:
    found = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [path.name[:4] for path in found] == [f"{number:04}" for number in range(1, len(found) + 1)]
    assert [path.read_text(encoding="utf-8")[:8] for path in found] == [f"# {path.name[:4]}. " for path in found]
