"""From tasks to what a worker can do without this machine's files: they go along, in one parcel for all tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from testbed.boot import private
from testbed.boot.identity import key
from testbed.boot.pool import Task
from testbed.errors import InputError, Problem
from testbed.kernel.recipe import BINARY, MANIFEST
from testbed.load import TOPOLOGY, load
from testbed.remote import parcel


@dataclass(frozen=True)
class Order:
    """A task whose files lie in a parcel: ``task.file`` and ``task.topology`` are names in it.

    Attributes:
        files: the parcel's SHA-256.
        kernel: that of the guest kernel.
    """

    task: Task
    files: str
    kernel: str


def orders(tasks: Sequence[Task], kernel: str) -> tuple[list[Order], bytes]:
    """An order for each task, and the parcel with every scenario and topology.

    Args:
        tasks: at least one.
        kernel: SHA-256 of the guest kernel that they are to be done with.

    Raises:
        InputError: a file needs others, which workers would not have.
    """
    names: dict[str, str] = {}
    for task in tasks:
        for file in filter(None, (task.file, task.topology)):
            names.setdefault(file, f"{len(names)}/{Path(file).name}")
    sent = parcel.pack_files({name: Path(file).read_bytes() for file, name in names.items()})
    sha = parcel.name(sent)
    found = [Order(_portable(task, names), sha, kernel) for task in tasks]
    _alone(tasks, found, sent)
    return found, sent


def _portable(task: Task, names: dict[str, str]) -> Task:
    """The task without a path of this machine."""
    settings = {name: value for name, value in task.settings.items() if name != TOPOLOGY}
    topology = names[task.topology] if task.topology else ""
    return replace(task, file=names[task.file], topology=topology, settings=settings, directory="")


def kernel_parcel(kernel: Path) -> bytes:
    """A guest kernel, and where it came from if that is known: runs name it by that."""
    manifest = kernel.with_name(MANIFEST)
    files = {BINARY: kernel.read_bytes(), **({MANIFEST: manifest.read_bytes()} if manifest.exists() else {})}
    return parcel.pack_files(files)


def placed(order: Order, files: Path, directory: Path) -> Task:
    """The task with the paths that its files have in the parcel's folder on some machine."""
    task = order.task
    settings = task.settings | ({TOPOLOGY: str(files / task.topology)} if task.topology else {})
    return replace(task, file=str(files / task.file), settings=settings, directory=str(directory))


def _alone(tasks: Sequence[Task], found: Sequence[Order], sent: bytes) -> None:
    """What workers get is tried here first: each topology once, in a folder with nothing else."""
    firsts = {task.topology: (task, order) for task, order in zip(reversed(tasks), reversed(found), strict=True)}
    problems: list[Problem] = []
    with private.folder() as scratch:
        folder = scratch / "files"
        parcel.unpack(sent, folder)
        for task, order in firsts.values():
            if words := _differs(task, placed(order, folder, Path())):
                hint = "keep what it needs in the one file, or choose --on local"
                file = task.topology or task.file
                problems.append(Problem(file, f"is another one without the files beside it: {words}", hint))
    if problems:
        raise InputError(problems)


def _differs(task: Task, copy: Task) -> str:
    """How a task's copy is not the same run; empty: it is."""
    wanted = key(load(task.file, task.settings))
    try:
        return "" if key(load(copy.file, copy.settings)) == wanted else "its plan is not the same"
    except InputError as error:
        return "; ".join(f"{each.where}: {each.what}" for each in error.problems)
