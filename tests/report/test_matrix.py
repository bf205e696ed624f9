"""Claims about the matrix picture: every cell is there, with words, and one record gives one picture."""

from __future__ import annotations

from itertools import pairwise

import pytest

from testbed.history import Event
from testbed.report import style
from testbed.report.cells import families, matrix_sentence, reach_matrix
from testbed.report.flows import flow_matrix, flow_sentence
from testbed.report.matrix import Square, head_lines, matrix_figure


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
    assert (reached.rows, reached.columns) == (("a", "b"), ("a", "b", "c"))
    assert reached.squares == {
        ("a", "b"): Square("ICMP TCP", "black hole at gw MTU 1446: data", wrong=True, plain=True),
        ("b", "a"): Square("✕ none", "filtered at a: all", wrong=True, plain=True, tinted=True),
        ("a", "c"): Square("✓ all", "MTU 1500 B", plain=True),
    }


def test_the_sentence_counts_and_a_family_that_was_not_tried_has_no_picture() -> None:
    told = (
        "Rows reach columns: 3 of 6 attempts over IPv4 work; the others, in framed cells: filtered (2), black hole (1)."
    )
    assert matrix_sentence(EVENTS, 4) == told
    assert families(EVENTS) == (4,)


@pytest.mark.parametrize(
    ("name", "chars", "lines"),
    [
        ("pod-onprem-1-b", 10, ["pod-", "onprem-1-b"]), ("pod-onprem-1-b", 8, ["pod-", "onprem-", "1-b"]),
        ("dc-1", 6, ["dc-1"]), ("egress to one service", 10, ["egress to", "one", "service"]),
        ("control-plane", 6, ["control-", "plane"]), ("unbreakable", 6, ["unbreakable"]),
    ],
)  # fmt: skip
def test_a_column_s_name_breaks_at_spaces_and_hyphens_beside_digits_too(
    name: str, chars: int, lines: list[str]
) -> None:
    assert head_lines(name, chars) == lines


@pytest.mark.parametrize("count", [4, 7, 10, 12])
def test_names_of_columns_do_not_run_into_those_beside_them(count: int) -> None:
    columns = [f"pod-onprem-{number}-b" for number in range(count)]
    with style.settings():
        figure = matrix_figure(["r"], columns, {}, ())
        axes = figure.axes[0]
        heads = [text.get_window_extent() for text in axes.texts if text.get_text() != "r"]
    assert len(heads) == len(columns)
    assert all(left.x1 < right.x0 for left, right in pairwise(heads))


def test_the_picture_has_all_words_and_is_the_same_each_time() -> None:
    squares = {("r", "c"): Square("word", "small\nsecond", wrong=True, plain=True)}
    with style.settings():
        first, again = (matrix_figure(["r"], ["c", "d"], squares, ()) for _ in range(2))
        texts = {text.get_text() for axes in first.axes for text in axes.texts}
        assert {"r", "c", "d", "word", "small", "second"} <= texts
        assert style.svg_text(first) == style.svg_text(again)


def flow(name: str, source: str, target: str, port: int, advice: str = "", where: str = "") -> Event:
    fields = {"flow": name, "roles": [source, target], "source": "a", "target": "b", "sort": "tcp", "port": port}
    return Event(
        0, "flow", {**fields, "reason": "filtered" if advice else "ok", "where": where, "advice": advice, "further": []}
    )


NEEDED = [
    flow("kubelet", "control plane", "nodes", 10250),
    flow("kubelet", "control plane", "nodes", 10250, "x lacks y", "n"),
    flow("other", "control plane", "nodes", 1), flow("api", "nodes", "control plane", 443),
]  # fmt: skip


def test_flows_are_told_by_who_needs_whom_and_one_pair_that_fails_fails_the_flow() -> None:
    found = flow_matrix(NEEDED)
    assert found is not None
    assert (found.rows, found.columns) == (("control plane", "nodes"), ("nodes", "control plane"))
    assert found.squares == {
        ("control plane", "nodes"): Square("1 of 2", "✕ kubelet: TCP 10250\nother: TCP 1", wrong=True, plain=True),
        ("nodes", "control plane"): Square("✓ all", "api: TCP 443", plain=True),
    }


def test_the_sentence_of_flows_names_what_is_missing() -> None:
    told = "Rows speak to columns: 3 of 4 attempts get through. What is missing: x lacks y (at n, for kubelet)."
    assert flow_sentence(NEEDED) == told
    assert flow_sentence(NEEDED[2:]) == "Rows speak to columns: 2 of 2 attempts get through, so no rule is missing."
    assert flow_matrix(EVENTS) is None
