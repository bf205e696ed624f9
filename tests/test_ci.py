"""Claims about the files for CI that users copy: their services understand them, and so does the command line."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from testbed.cli.main import main
from tests.conftest import ROOT

CI = ROOT / "docs" / "ci"
BIN = Path(sys.executable).parent
SCHEMAS = {"github-actions.yml": "vendor.github-workflows", "gitlab-ci.yml": "vendor.gitlab-ci"}
FILES = (*SCHEMAS, "pre-commit-config.yaml")


def strings(found: object) -> Iterator[str]:
    """Every text in a file's values."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict):
        for value in found.values():
            yield from strings(value)
    elif isinstance(found, list):
        for value in found:
            yield from strings(value)


def commands(name: str) -> list[list[str]]:
    """The words of each command of the testbed in a file."""
    lines = [
        line for text in strings(yaml.safe_load((CI / name).read_text(encoding="utf-8"))) for line in text.split("\n")
    ]
    found = [match for line in lines for match in re.findall(r"(?:^|do )testbed ([^|;>]+)", line)]
    return [shlex.split(words) for words in found]


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_the_service_understands_the_file(name: str, schema: str) -> None:
    check = [str(BIN / "check-jsonschema"), "--builtin-schema", schema]
    done = subprocess.run([*check, str(CI / name)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_the_schema_finds_what_is_wrong(tmp_path: Path, name: str, schema: str) -> None:
    """Or else the claim above would be none."""
    wrong = {"github-actions.yml": ("steps:", "stages:"), "gitlab-ci.yml": ("script:\n", "scripts:\n")}[name]
    (tmp_path / name).write_text((CI / name).read_text(encoding="utf-8").replace(*wrong), encoding="utf-8")
    check = [str(BIN / "check-jsonschema"), "--builtin-schema", schema, str(tmp_path / name)]
    assert subprocess.run(check, capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("name", FILES)
def test_every_command_is_one_that_there_is(name: str) -> None:
    found = commands(name)
    assert len(found) >= 2, found
    for words in found:
        parse(main, words)


def parse(command: click.Command, words: list[str]) -> None:
    """Raise what the command line would say to these words, without doing anything."""
    while isinstance(command, click.Group):
        name, *words = words
        command = command.commands[name]
    command.make_context("testbed", list(words))


def test_a_word_that_is_no_option_is_found() -> None:
    with pytest.raises(click.UsageError):
        parse(main, ["run", "network/hybrid.py", "--never"])


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a network, and the hooks."""
    (tmp_path / "network").mkdir()
    shutil.copy(ROOT / "topologies" / "twenty_lines.py", tmp_path / "network" / "hybrid.py")
    shutil.copy(CI / "pre-commit-config.yaml", tmp_path / ".pre-commit-config.yaml")
    for words in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def hooks(repository: Path) -> tuple[int, str]:
    """What pre-commit says to all files."""
    subprocess.run(["git", "add", "--all"], cwd=repository, check=True)
    environment: dict[str, Any] = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(repository / ".home")}
    done = subprocess.run(
        [str(BIN / "pre-commit"), "run", "--all-files"], cwd=repository, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_a_topology_that_cannot_be_planned_does_not_get_in(repository: Path) -> None:
    code, said = hooks(repository)
    assert (code, "Passed" in said) == (0, True), said
    path = repository / "network" / "hybrid.py"
    path.write_text(path.read_text(encoding="utf-8").replace('"10.0.0.0/16"', '"10.0.0.0/40"'), encoding="utf-8")
    code, said = hooks(repository)
    assert code == 1
    assert "topologies can be planned" in said and "10.0.0.0/40" in said


def test_a_baseline_that_was_damaged_does_not_get_in(repository: Path) -> None:
    (repository / "baselines").mkdir()
    (repository / "baselines" / "hybrid.yaml").write_text("half: [", encoding="utf-8")
    code, said = hooks(repository)
    assert code == 1
    assert "baselines are whole" in said and "hybrid.yaml" in said
