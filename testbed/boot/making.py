"""A job that makes what others start from: a kernel of its own, or namespaces, and what kept it from its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.boot import guest, host
from testbed.boot.guest import GuestRun
from testbed.boot.means import Means
from testbed.history import History
from testbed.job import Job

Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Maker:
    """Does such jobs. ``run``: one, to its end."""

    run: Callable[[Job], GuestRun]

    def __call__(self, job: Job) -> str:
        """Do one, and say what kept it from its end; empty: nothing."""
        ended = self.run(job)
        failed = next(History(Path(job.record)).of("run.failed"), None)
        return ended.problem() or (f"{failed.fields['where']}: {failed.fields['what']}" if failed else "")


def in_guests(means: Means, cpu: int | None, wall_limit_s: float, on_message: Tell) -> Maker:
    """Each in a guest with these means and on this CPU."""
    return Maker(lambda job: guest.run(means.kernel, job, means.memory, cpu, wall_limit_s, on_message))


def on_the_host(wall_limit_s: float, on_message: Tell) -> Maker:
    """Each on the host's kernel."""
    return Maker(lambda job: host.run(job, wall_limit_s, on_message))
