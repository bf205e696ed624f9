"""Write the parts of docs/ that are made from the code: ``python scripts/docs.py``. A test says when they are not."""

from __future__ import annotations

from pathlib import Path

from testbed import presets
from testbed.plan.schema import model_schema, plan_schema, schema_text

DOCS = Path(__file__).parent.parent / "docs"

HEAD = """# Presets

The field's numbers that topologies use unless told otherwise, each with where it comes from. Written by
`python scripts/docs.py` from `testbed/presets.py`; do not edit it here.

"2023 copy" marks an archived user guide: the provider may have raised the value since. "not checked" marks common
knowledge that no document here confirms. Sizes are bytes of layer 3. RTTs are there and back, single measurements by
third parties: orders of magnitude for a design, not promises.

| preset | value | source |
| --- | --- | --- |
"""


def presets_page() -> str:
    """docs/presets.md."""
    rows = (f"| `{name}` | {preset.text} | {preset.source} |" for name, preset in presets.listed().items())
    return HEAD + "\n".join(rows) + "\n"


def pages() -> dict[Path, str]:
    """Every page that is written, and its text."""
    return {
        DOCS / "presets.md": presets_page(),
        DOCS / "schema" / "plan.json": schema_text(plan_schema()),
        DOCS / "schema" / "topology.json": schema_text(model_schema()),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
