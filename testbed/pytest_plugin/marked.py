"""What a test says of its lab: ``@pytest.mark.topology(FILE, scope="module", dx_delay="10ms")``, understood."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from testbed.errors import InputError, Problem, known
from testbed.job import Clock
from testbed.load import Loaded, find_file, load
from testbed.pytest_plugin import MARK, SEED

NEEDS = ("", "cluster")
SCOPES: Mapping[str, type[pytest.Item | pytest.Collector]] = {
    "function": pytest.Item, "class": pytest.Class, "module": pytest.Module, "package": pytest.Package,
    "session": pytest.Session,
}  # fmt: skip
"""Narrowest first. A lab lives as long as what its scope names."""


@dataclass(frozen=True)
class Wanted:
    """The lab of a test. Tests that want the same one share it."""

    file: str
    settings: tuple[tuple[str, str], ...]
    scope: str
    owner: str
    """Node id of what the lab lives as long as."""
    clock: Clock | None
    needs: str
    """What the machine must have besides: empty, or ``cluster``."""
    seed: int

    def load(self) -> Loaded:
        """Its topology and plan. Raises :class:`InputError`."""
        return _load(self.file, self.settings)


def wanted(item: pytest.Item) -> Wanted:
    """What lab a test wants. Raises :class:`InputError` with everything that is wrong with its mark."""
    mark = item.get_closest_marker(MARK)
    if mark is None:
        what = "takes lab, and has no topology"
        raise InputError(Problem(item.nodeid, what, f'@pytest.mark.{MARK}("topologies/hybrid.py", dx_delay="10ms")'))
    given = dict(mark.kwargs)
    scope, clock, needs = given.pop("scope", "function"), given.pop("clock", None), given.pop("needs", "")
    problems = [*_problems(item, mark.args, scope, clock, given)]
    if needs not in NEEDS:
        where = f"{item.nodeid}, {MARK}, needs={needs!r}"
        problems.append(Problem(where, "no such capability", known(str(needs), filter(None, NEEDS))))
    if problems:
        raise InputError(problems)
    file = find_file(mark.args[0], beside=item.path.parent)
    settings = _settings(str(file), tuple(sorted(given.items())))
    owner = item.getparent(SCOPES[scope]) if scope != "function" else item
    seed = getattr(item, "callspec", None)
    number = seed.params[SEED] if seed is not None and SEED in seed.params else item.config.getoption("testbed_seed")
    return Wanted(str(file), settings, scope, (owner or item).nodeid, clock, needs, number)


def _problems(
    item: pytest.Item, args: tuple[Any, ...], scope: object, clock: object, given: Mapping[str, Any]
) -> list[Problem]:
    where = f"{item.nodeid}, {MARK}"
    problems = []
    if len(args) != 1 or not isinstance(args[0], str | Path):
        problems.append(Problem(where, "takes one file", f'@pytest.mark.{MARK}("topologies/hybrid.py")'))
    if scope not in SCOPES:
        problems.append(Problem(f"{where}, scope={scope!r}", "no such scope", known(str(scope), SCOPES)))
    else:
        problems += _narrower(item, str(scope), where)
    if clock not in (None, *get_args(Clock)):
        problems.append(Problem(f"{where}, clock={clock!r}", "no such clock", known(str(clock), get_args(Clock))))
    problems += [
        Problem(f"{where}, {name}={value!r}", "is no text", f'a value has its unit: {name}="10 ms"')
        for name, value in given.items()
        if not isinstance(value, str)
    ]
    return problems


def _narrower(item: pytest.Item, scope: str, where: str) -> list[Problem]:
    """Fixtures of the user's own that live longer than the lab they take."""
    order = list(SCOPES)
    info = getattr(item, "_fixtureinfo", None)
    definitions = {} if info is None else info.name2fixturedefs
    return [
        Problem(where, f"fixture {name} of scope {each[-1].scope} takes lab, which lives for a {scope}",
                f'scope="{each[-1].scope}" in the mark lets them live as long as each other')
        for name, each in definitions.items()
        if "lab" in each[-1].argnames and name != "lab" and order.index(each[-1].scope) > order.index(scope)
    ]  # fmt: skip


@functools.cache
def _settings(file: str, given: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Python's names of parameters to their own: ``dx_delay`` is ``dx.delay``."""
    declared = {_python(name): name for name in _load(file, ()).parameters.declared} if given else {}
    return tuple((declared.get(name, name), value) for name, value in given)


def _python(name: str) -> str:
    return name.replace(".", "_").replace("-", "_")


@functools.cache
def _load(file: str, settings: tuple[tuple[str, str], ...]) -> Loaded:
    loaded = load(file, dict(settings))
    if loaded.scenario is not None:
        raise InputError(Problem(file, "is a scenario, and a test plays its own", "give a topology"))
    return loaded
