from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

class Status(Enum):
    running = ...
    paused = ...

class TaskState:
    state: str

class WorkerState:
    tasks: dict[str, TaskState]

class Worker:
    name: object
    address: str
    local_directory: str
    status: Status
    state: WorkerState
    def get_current_task(self) -> str: ...

class Future:
    key: str
    status: str
    def result(self, timeout: float | None = None) -> object: ...
    def add_done_callback(self, fn: Callable[[Future], object]) -> None: ...

class Client:
    def __init__(
        self, address: str, *, timeout: float, set_as_default: bool = True, direct_to_workers: bool | None = None
    ) -> None: ...
    def submit(
        self, func: Callable[..., Any], *args: object, workers: Sequence[str], pure: bool, retries: int = 0
    ) -> Future: ...
    def nthreads(self) -> Mapping[str, int]: ...
    def cancel(self, futures: Sequence[Future]) -> None: ...
    def close(self, timeout: float) -> None: ...

def get_worker() -> Worker: ...
