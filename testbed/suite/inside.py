"""Where the lab is: one check of a suite in YAML, carried out.

What it needs is imported late: pyroute2 reads /proc when imported, which the guest has only after its first steps.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from testbed.boot import init

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.job import Job
    from testbed.run.engine import Play


def around(job: Job, run: Callable[[Play], None]) -> None:
    """Read the check, bring the lab up, and play it."""
    from testbed.suite.model import CheckModel
    from testbed.suite.player import play

    run(partial(play, name=job.told["name"], check=CheckModel.model_validate(job.told["check"])))


if __name__ == "__main__":
    init.enter(around)
