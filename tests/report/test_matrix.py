"""Claims about the matrix picture: every cell is there, with words, and one record gives one picture."""

from __future__ import annotations

from testbed.history import Event
from testbed.report import style
from testbed.report.cells import families, matrix_sentence, reach_matrix
from testbed.report.matrix import Square, matrix_figure


def cell(source: str, target: str, attempt: str, reason: str = "ok", where: str = "", detail: str = "") -> Event:
    fields = {"source": source, "target": target, "family": 4, "sort": attempt, "reason": reason}
    return Event(0, "attempt", {**fields, "where": where, "detail": detail})


EVENTS = [
    cell("a", "b", "icmp"), cell("a", "b", "tcp"), cell("a", "b", "data", "black hole", "gw", "MTU 1446"),
    cell("b", "a", "icmp", "filtered", "a", "group"), cell("b", "a", "tcp", "filtered", "a", "group"),
    cell("a", "c", "icmp"),
    Event(0, "path.mtu", {"source": "a", "target": "c", "family": 4, "mtu": 1500}),
]  # fmt: skip


def test_a_cell_says_what_works_and_why_the_rest_does_not() -> None:
    reached = reach_matrix(EVENTS, 4)
    assert reached.hosts == ("a", "b", "c")
    assert reached.squares == {
        ("a", "b"): Square("ICMP TCP", "black hole at gw MTU 1446: data", wrong=True, plain=True),
        ("b", "a"): Square("✕ none", "filtered at a: ICMP TCP", wrong=True, plain=True, tinted=True),
        ("a", "c"): Square("✓ all", "path MTU 1500 B", plain=True),
    }


def test_the_sentence_counts_and_a_family_that_was_not_tried_has_no_picture() -> None:
    told = "Rows reach columns: 3 of 6 attempts over IPv4 work; the others, in framed cells: 2 filtered, 1 black hole."
    assert matrix_sentence(EVENTS, 4) == told
    assert families(EVENTS) == (4,)


def test_the_picture_has_all_words_and_is_the_same_each_time() -> None:
    squares = {("r", "c"): Square("word", "small\nsecond", wrong=True, plain=True)}
    with style.settings():
        first, again = (matrix_figure(["r"], ["c", "d"], squares, ()) for _ in range(2))
        texts = {text.get_text() for axes in first.axes for text in axes.texts}
        assert {"r", "c", "d", "word", "small", "second"} <= texts
        assert style.svg_text(first) == style.svg_text(again)
