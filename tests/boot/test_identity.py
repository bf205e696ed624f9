"""Claims about what code is called by."""

from __future__ import annotations

from pathlib import Path

from testbed.boot.identity import code_digest


def test_the_code_is_the_same_wherever_it_lies_and_another_when_a_letter_is(tmp_path: Path) -> None:
    for name in ("one", "two"):
        for path in ("a.py", "b/c.py", "shipped/topology.py"):
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(f"# {path}\n", encoding="utf-8")
    assert code_digest(tmp_path / "one") == code_digest(tmp_path / "two")
    (tmp_path / "two" / "shipped" / "topology.py").unlink()  # a wheel has copies of topologies, a checkout has not
    assert code_digest(tmp_path / "one") == code_digest(tmp_path / "two")
    (tmp_path / "two" / "b" / "c.py").write_text("# b/d.py\n", encoding="utf-8")
    assert code_digest(tmp_path / "one") != code_digest(tmp_path / "two")
