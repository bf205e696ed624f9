"""Load what the user wrote: a topology or a scenario, in Python or YAML, and turn it into a plan."""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from testbed.builder import Topology
from testbed.errors import InputError, Problem
from testbed.model import Model
from testbed.parameters import Parameters
from testbed.plan.compile import compile_plan
from testbed.plan.plan import Plan
from testbed.plan.validate import validate
from testbed.run.scenario import Scenario

SHIPPED = Path(__file__).parent / "shipped"


@dataclass(frozen=True)
class Loaded:
    """A file, understood."""

    path: Path
    scenario: Scenario | None
    model: Model
    parameters: Parameters
    values: dict[str, object]
    plan: Plan


def find_file(name: str) -> Path:
    """The user's file, or the shipped one of that name. Raises :class:`InputError`."""
    tried = [Path(name), SHIPPED / name, Path(__file__).parent.parent / name]
    for path in tried:
        if path.is_file():
            return path.resolve()
    raise InputError(Problem(name, "no such file", f"looked for: {', '.join(map(str, tried))}"))


def load(name: str, settings: Mapping[str, str], lab: str = "") -> Loaded:
    """Load a topology or scenario and make its plan. Raises :class:`InputError` with every problem found."""
    path = find_file(name)
    parameters = Parameters(dict(settings))
    if path.suffix in (".yaml", ".yml"):
        from testbed.yaml_topology import read_yaml

        scenario, values, topology = None, {}, read_yaml(path, parameters)
    else:
        module = _module(path)
        scenario = _scenario(module, path)
        values = _declare(scenario, parameters)
        topology = _topology(module, path, scenario, parameters)
    model = topology.build()
    # Problems of single values, unknown parameters and the whole topology are all told at once.
    problems: list[Problem] = []
    try:
        parameters.check()
    except InputError as error:
        problems += error.problems
    problems += [problem for problem in validate(model) if problem not in problems]
    if problems:
        raise InputError(problems)
    texts = {name: parameter.value for name, parameter in parameters.declared.items()}
    plan = compile_plan(model, lab or lab_id(model.name), texts)
    return Loaded(path, scenario, model, parameters, values, plan)


def lab_id(topology: str) -> str:
    """The id of a lab that was given none: eight hex digits from the topology's name."""
    return hashlib.blake2b(topology.encode(), digest_size=4).hexdigest()


def _module(path: Path) -> ModuleType:
    """Run a Python file as a module. No bytecode is written: a run must not depend on an earlier one."""
    module = ModuleType(path.stem.replace("-", "_"))
    module.__file__ = str(path)
    sys.modules[f"testbed_file_{module.__name__}"] = module
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except Exception as error:
        raise InputError(_raised(path, error)) from error
    return module


def _raised(path: Path, error: Exception) -> Problem:
    """Where in the user's file an exception came from."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else (frames[-1].lineno if frames else None)
    where = f"{path}, line {line}" if line else str(path)
    return Problem(where, f"{type(error).__name__}: {error}", frames[-1].line or "" if frames else "")


def _scenario(module: ModuleType, path: Path) -> Scenario | None:
    scenario = getattr(module, "scenario", None)
    if isinstance(scenario, Scenario):
        return scenario
    if not callable(getattr(module, "topology", None)):
        raise InputError(
            Problem(
                str(path), "neither a topology nor a scenario",
                "define `def topology(t: Topology) -> None` or `scenario = Scenario(...)`",
            )
        )  # fmt: skip
    return None


def _declare(scenario: Scenario | None, parameters: Parameters) -> dict[str, object]:
    if scenario is None:
        return {}
    return {
        declared.name: parameters.declare(
            declared.name, declared.kind, declared.default, declared.help, choices=declared.choices
        )
        for declared in scenario.parameters
    }


def _topology(module: ModuleType, path: Path, scenario: Scenario | None, parameters: Parameters) -> Topology:
    if scenario is None:
        return _build(module, path, parameters)
    target = path.parent / scenario.topology
    file = find_file(str(target) if target.is_file() else scenario.topology)
    if file.suffix in (".yaml", ".yml"):
        from testbed.yaml_topology import read_yaml

        return read_yaml(file, parameters)
    return _build(_module(file), file, parameters)


def _build(module: ModuleType, path: Path, parameters: Parameters) -> Topology:
    function: Callable[[Topology], Any] | None = getattr(module, "topology", None)
    if not callable(function):
        raise InputError(Problem(str(path), "defines no function topology", "def topology(t: Topology) -> None: ..."))
    topology = Topology(path.stem, parameters)
    topology.about = (module.__doc__ or "").strip().partition("\n")[0]
    try:
        function(topology)
    except InputError:
        raise
    except Exception as error:
        raise InputError([_raised(path, error), *parameters.problems]) from error
    return topology
