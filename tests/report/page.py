"""What tests read out of a page."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})


class Page(HTMLParser):
    """A page's text, links, ids and machine-readable values; ``unclosed`` names elements that do not nest."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.anchors: list[str] = []
        self.loads: list[str] = []
        self.ids: Counter[str] = Counter()
        self.values: list[float] = []
        self.elements: Counter[str] = Counter()
        self.unclosed: list[str] = []
        self._open: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.unclosed += self._open

    @property
    def text(self) -> str:
        """All words, one space apart."""
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, dict(attrs))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.unclosed.append(tag)

    def handle_data(self, data: str) -> None:
        if self._open[-1:] not in (["style"], ["script"]):
            self.words.append(data)

    def _note(self, tag: str, given: dict[str, str | None]) -> None:
        self.elements[tag] += 1
        if given.get("id"):
            self.ids[str(given["id"])] += 1
        if tag == "data":
            self.values.append(float(str(given["value"])))
        if tag == "a":
            self.anchors.append(str(given.get("href")))
        else:
            self.loads += [str(given[name]) for name in ("src", "href", "data", "srcset") if given.get(name)]
