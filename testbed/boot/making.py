"""A job that makes what others start from: a guest of its own, and what kept it from its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.boot import guest
from testbed.boot.means import Means
from testbed.history import History
from testbed.job import Job


@dataclass(frozen=True)
class Maker:
    """Does such jobs, each in a guest with these means and on this CPU."""

    means: Means
    cpu: int | None
    wall_limit_s: float
    on_message: Callable[[dict[str, Any]], None]

    def __call__(self, job: Job) -> str:
        """Do one, and say what kept it from its end; empty: nothing."""
        ended = guest.run(self.means.kernel, job, self.means.memory, self.cpu, self.wall_limit_s, self.on_message)
        failed = next(History(Path(job.record)).of("run.failed"), None)
        return ended.problem() or (f"{failed.fields['where']}: {failed.fields['what']}" if failed else "")
