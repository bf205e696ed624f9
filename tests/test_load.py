"""Claims about loading: a mistake in a user's file is told with its line, and nothing is written while looking."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from testbed.errors import InputError, Problem
from testbed.load import find_file, lab_id, load

HEAD = "from testbed import Topology\n\n\ndef topology(t: Topology) -> None:\n"


def problems(tmp_path: Path, text: str, name: str = "mine.py", **settings: str) -> tuple[Problem, ...]:
    """What is said of a file."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(str(path), settings)
    return caught.value.problems


def test_a_topology_that_raises_is_told_with_the_line_in_it(tmp_path: Path) -> None:
    text = HEAD + "    helper(t)\n\n\ndef helper(t: Topology) -> None:\n    t.vpc('aws', {}['range'])\n"
    (problem,) = problems(tmp_path, text)
    assert problem == Problem(f"{tmp_path / 'mine.py'}, line 9", "KeyError: 'range'", "t.vpc('aws', {}['range'])")


def test_a_call_with_wrong_arguments_is_told_with_its_line(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, HEAD + "    t.vpc('aws')\n")
    assert problem.where.endswith("mine.py, line 5")
    assert "missing 1 required positional argument: 'cidr'" in problem.what


def test_a_syntax_error_is_told_with_its_line(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, HEAD + "    t.vpc('aws' '10.0.0.0/16'\n")
    assert problem.where.endswith("mine.py, line 5")
    assert problem.what == "SyntaxError: '(' was never closed"


def test_problems_noted_before_an_exception_are_told_with_it(tmp_path: Path) -> None:
    text = HEAD + "    t.param('delay', str, 'low', 'a delay', choices=('low', 'high'))\n    raise RuntimeError('no')\n"
    told = problems(tmp_path, text, delay="medium")
    assert [problem.what for problem in told] == ["RuntimeError: no", "'medium' is not one of low, high"]


def test_a_missing_file_is_told_with_every_place_looked_at() -> None:
    with pytest.raises(InputError, match="no such file") as caught:
        load("nowhere.py", {})
    assert caught.value.problems[0].hint.startswith("looked for: nowhere.py, ")


@pytest.mark.parametrize("name", ["hybrid.py", "topologies/hybrid.py"])
def test_shipped_files_are_found_from_anywhere(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = find_file("topologies/hybrid.py")
    assert found.is_file()
    assert find_file(name if "/" in name else str(found)) == found


def test_a_users_own_file_comes_before_a_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "topologies" / "hybrid.py"
    own.parent.mkdir()
    own.write_text(HEAD + "    t.lan('own', '10.0.0.0/16')\n", encoding="utf-8")
    assert [site.name for site in load("topologies/hybrid.py", {}).model.sites] == ["own"]


def test_loading_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(HEAD + "    t.lan('dc', '10.0.0.0/16')\n", encoding="utf-8")
    load(str(path), {})
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_may_define_dataclasses(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    text = "from __future__ import annotations\nfrom dataclasses import dataclass, KW_ONLY\n" + HEAD
    text += "    t.lan(Site('dc').name, '10.0.0.0/16')\n\n\n@dataclass\nclass Site:\n    name: str\n    _: KW_ONLY\n"
    path.write_text(text, encoding="utf-8")
    assert load(str(path), {}).model.sites[0].name == "dc"


def test_a_lab_has_an_id_of_eight_hex_digits_that_is_its_topologys(tmp_path: Path) -> None:
    assert re.fullmatch("[0-9a-f]{8}", lab_id("hybrid"))
    assert lab_id("hybrid") == lab_id("hybrid") != lab_id("other")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("sites:\n  dc: {kind: lan, cidr: 10.0.0.0/16, hsots: {}}\n", 2, "unknown key 'hsots'"),
        ("sites:\n  dc:\n    kind: lan\n", 2, "this is missing"),
        ("sites:\n\tdc: {}\n", 2, "found character '\\t'"),
        ("sites: [unclosed\n", 2, "expected ',' or ']'"),
        ("links:\n  x:\n    between: [a, b]\n    delay: ${y}\n", 4, "no such parameter"),
        ("just words\n", 1, "keys and values belong here"),
    ],
)
def test_a_mistake_in_yaml_is_told_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    (problem,) = problems(tmp_path, text, "mine.yaml")
    assert problem.where.startswith(f"{tmp_path / 'mine.yaml'}, line {line}")
    assert words in problem.what
    assert problem.hint


def test_yaml_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"about: \xff\xfe\n")
    with pytest.raises(InputError, match="no YAML"):
        load(str(path), {})


def test_an_empty_yaml_file_is_an_empty_topology(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("", encoding="utf-8")
    assert load(str(path), {}).plan.nodes == ()


def test_a_scenario_finds_its_topology_beside_itself_in_either_language(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("sites:\n  dc: {kind: lan, cidr: 10.0.0.0/16}\n", encoding="utf-8")
    path = tmp_path / "mine.py"
    path.write_text(
        "from testbed import Scenario\n"
        "scenario = Scenario(topology='net.yaml', question='?', hypothesis='yes', refuted_by='no')\n"
        "scenario.param('wait', str, 'short', 'how long')\n",
        encoding="utf-8",
    )
    loaded = load(str(path), {"wait": "long"})
    assert (loaded.plan.topology, loaded.values) == ("net", {"wait": "long"})


def scenario(folder: Path, rest: str) -> str:
    """A scenario on the reference topology."""
    where = Path(__file__).parent.parent / "topologies"
    path = folder / "scenario.py"
    text = (
        "from testbed import Duration, Scenario\n"
        "from testbed.errors import Problem\n"
        f"scenario = Scenario(topology={str(where / 'hybrid.py')!r}, question='', hypothesis='', refuted_by='')\n"
    )
    path.write_text(text + rest, encoding="utf-8")
    return str(path)


SETS = "scenario.param('d', str, 'own', '', choices=('own', 'slow'), sets={'slow': {'dx.bfd': 'off', 'x.y': '1'}})\n"


def test_one_parameter_stands_for_others_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    file = scenario(tmp_path, SETS)
    assert load(file, {}).plan.session("dx").bfd is not None
    assert load(file, {"d": "slow"}).plan.session("dx").bfd is None
    assert load(file, {"d": "slow", "dx.bfd": "1 s"}).plan.session("dx").bfd is not None


def test_a_scenario_says_what_is_wrong_before_anything_starts(tmp_path: Path) -> None:
    check = (
        "@scenario.check\ndef check(plan, values):\n    yield Problem('a', 'bad')\n    yield Problem('b', 'worse')\n"
    )
    with pytest.raises(InputError) as raised:
        load(scenario(tmp_path, check), {})
    assert [problem.what for problem in raised.value.problems] == ["bad", "worse"]
