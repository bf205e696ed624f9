"""Load what the user wrote: a topology or a scenario, in Python or YAML, and turn it into a plan."""

from __future__ import annotations

import hashlib
import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from testbed.builder import Topology
from testbed.errors import InputError, Problem
from testbed.model import Model
from testbed.parameters import Parameters
from testbed.plan.compile import compile_plan
from testbed.plan.plan import Plan
from testbed.plan.validate import validate
from testbed.scenario import Scenario
from testbed.study import Study
from testbed.theory.interval import Expectation
from testbed.units import UnitError

SHIPPED = Path(__file__).parent / "shipped"
YAML = (".yaml", ".yml")
TOPOLOGY = "topology"
"""Set like a parameter, it runs a scenario on another topology."""
PROGRAM = "program."
"""Set like a parameter, ``program.bird=/opt/bird/sbin/bird`` has a run start another file than the machine's."""
MACHINES = "the machine's"


@dataclass(frozen=True)
class Loaded:
    """A file, understood. ``topology`` is the file that declares the network: the same one, or the scenario's."""

    path: Path
    topology: Path
    scenario: Scenario | None
    model: Model
    parameters: Parameters
    values: dict[str, object]
    plan: Plan

    @property
    def programs(self) -> dict[str, Path]:
        """The files that are started in the place of the machine's, by the program's name."""
        every = self.parameters.declared.items()
        return {name.removeprefix(PROGRAM): Path(each.value) for name, each in every if name.startswith(PROGRAM)}

    def theory(self) -> dict[str, Expectation]:
        """What the scenario expects of measurements before they are made, by name; empty where it does not say."""
        if self.scenario is None or self.scenario.theory_function is None:
            return {}
        return dict(self.scenario.theory_function(self.plan, self.parameters.declared, self.values))


def find_file(name: str, beside: Path | None = None) -> Path:
    """The user's file, or the shipped one of that name; ``beside`` is looked in first. Raises :class:`InputError`."""
    tried = [Path(name), SHIPPED / name, Path(__file__).parent.parent / name]
    if beside is not None:
        tried.insert(0, beside / name)
    for path in tried:
        if path.is_file():
            return path.resolve()
    raise InputError(Problem(name, "no such file", f"looked for: {', '.join(map(str, tried))}"))


def portable(path: Path, beside: Path) -> str:
    """A file's name by which :func:`find_file` finds it on any machine: as shipped, or as seen from ``beside``."""
    for root in (SHIPPED, Path(__file__).parent.parent.resolve()):
        if any(path.is_relative_to(root / folder) for folder in ("scenarios", "topologies")):
            return str(path.relative_to(root))
    return os.path.relpath(path, beside.resolve())


def load(name: str, settings: Mapping[str, str], lab: str = "") -> Loaded:
    """Load a topology or scenario and make its plan. Raises :class:`InputError` with every problem found."""
    path = find_file(name)
    parameters = Parameters({key: value for key, value in settings.items() if key != TOPOLOGY})
    for key in settings:
        if key.startswith(PROGRAM):
            parameters.declare(key, _executable, MACHINES, "the file that is started, from / on")
    module = None if path.suffix in YAML else _module(path)
    scenario = None if module is None else _scenario(module, path)
    if scenario is None:
        if TOPOLOGY in settings:
            raise InputError(Problem(f"--set {TOPOLOGY}", f"{path.name} is a topology itself", "give a scenario"))
        values: dict[str, object] = {}
        file, topology = path, _topology(path, module, parameters)
    else:
        values = _declare(scenario, parameters)
        file = topology_file(scenario, path, settings)
        topology = _topology(file, None, parameters)
    model = topology.build()
    _check(model, parameters)
    texts = {name: parameter.value for name, parameter in parameters.declared.items()}
    plan = compile_plan(model, lab or lab_id(model.name), texts)
    _check_scenario(scenario, plan, values)
    return Loaded(path, file, scenario, model, parameters, values, plan)


def load_on(name: str, settings: Mapping[str, str], found: Plan) -> Loaded:
    """Load a scenario for a network that was found, instead of the topology that it names.

    Raises:
        InputError: with every problem found.
    """
    path = find_file(name)
    scenario = None if path.suffix in YAML else _scenario(_module(path), path)
    if scenario is None:
        raise InputError(Problem(str(path), "is a topology, and the network is there already", "give a scenario"))
    if TOPOLOGY in settings:
        raise InputError(Problem(f"--set {TOPOLOGY}", "the network is there already", "leave it out"))
    parameters = Parameters(settings)
    values = _declare(scenario, parameters)
    parameters.check()
    texts = {name: parameter.value for name, parameter in parameters.declared.items()}
    plan = replace(found, parameters=texts)
    try:
        _check_scenario(scenario, plan, values)
    except (LookupError, StopIteration, ValueError) as error:
        what = f"looks for what is not there ({type(error).__name__}: {error}): links, routers or hosts of a topology"
        raise InputError(Problem(path.name, what, "run it on its topology")) from error
    return Loaded(path, path, scenario, Model(name=plan.topology), parameters, values, plan)


def _check_scenario(scenario: Scenario | None, plan: Plan, values: Mapping[str, object]) -> None:
    """Tell what a scenario itself holds against a plan and its parameters' values."""
    if scenario is None or scenario.check_function is None:
        return
    if problems := [*scenario.check_function(plan, values)]:
        raise InputError(problems)


def topology_file(scenario: Scenario, path: Path, settings: Mapping[str, str]) -> Path:
    """The file of the topology that a scenario is run on: its own, or the one that the user set."""
    if TOPOLOGY not in settings:
        return find_file(scenario.topology, beside=path.parent)
    try:
        return find_file(settings[TOPOLOGY], beside=path.parent)
    except InputError as error:
        raise InputError(Problem(f"--set {TOPOLOGY}", each.what, each.hint) for each in error.problems) from error


def read_study(name: str) -> tuple[Path, Study] | None:
    """The study that a file declares, and where the file is; ``None``: it is something else, or there is none."""
    path = find_file(name)
    if path.suffix in YAML:
        return None
    study = getattr(_module(path), "study", None)
    return (path, study) if isinstance(study, Study) else None


def _executable(text: str) -> str:
    """A program's file. Raises :class:`UnitError`."""
    if text != MACHINES and not (Path(text).is_absolute() and Path(text).is_file() and os.access(text, os.X_OK)):
        raise UnitError(f"{text!r} is no program: name a file that can be started, from / on")
    return text


def _check(model: Model, parameters: Parameters) -> None:
    """Tell problems of single values, unknown parameters and the whole topology all at once."""
    problems: list[Problem] = []
    try:
        parameters.check()
    except InputError as error:
        problems += error.problems
    problems += validate(model)
    if problems:
        raise InputError(problems)


def lab_id(topology: str) -> str:
    """The id of a lab that was given none: eight hex digits from the topology's name."""
    return hashlib.blake2b(topology.encode(), digest_size=4).hexdigest()


def _module(path: Path) -> ModuleType:
    """Run a Python file as a module. No bytecode is written: a run must not depend on an earlier one."""
    module = ModuleType(f"testbed_file_{path.stem.replace('-', '_')}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except InputError:
        raise
    except Exception as error:
        raise InputError(_raised(path, error)) from error
    return module


def _raised(path: Path, error: Exception) -> Problem:
    """Where in the user's file an exception came from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line, code = (frames[-1].lineno, frames[-1].line) if frames else (None, "")
    if isinstance(error, SyntaxError) and error.filename == str(path):
        line, code = error.lineno, (error.text or "").strip()
    return Problem(f"{path}, line {line}" if line else str(path), f"{type(error).__name__}: {_said(error)}", code or "")


def _said(error: Exception) -> str:
    """What an exception says, without the place, which is told already."""
    return error.msg if isinstance(error, SyntaxError) else str(error)


def _scenario(module: ModuleType, path: Path) -> Scenario | None:
    scenario = getattr(module, "scenario", None)
    if isinstance(scenario, Scenario):
        return scenario
    if not callable(getattr(module, "topology", None)):
        what = "neither a topology nor a scenario"
        hint = "define `def topology(t: Topology) -> None` or `scenario = Scenario(...)`"
        raise InputError(Problem(str(path), what, hint))
    return None


def _declare(scenario: Scenario, parameters: Parameters) -> dict[str, object]:
    values: dict[str, object] = {}
    for each in scenario.parameters:
        values[each.name] = parameters.declare(each.name, each.kind, each.default, each.help, choices=each.choices)
        parameters.imply(each.sets.get(str(values[each.name]), {}))
    return values


def _topology(path: Path, module: ModuleType | None, parameters: Parameters) -> Topology:
    """The topology that a file declares."""
    if path.suffix in YAML:
        from testbed.yaml_topology import read_yaml  # late: Python topologies need neither PyYAML nor pydantic

        return read_yaml(path, parameters)
    module = module or _module(path)
    function = getattr(module, "topology", None)
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
