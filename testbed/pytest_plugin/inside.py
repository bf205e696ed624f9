"""First process of a lab whose tests pytest runs: be a pytest, and bring the lab up when the tests are known.

What it needs is imported late: pyroute2 reads /proc when imported, which the guest has only after its first steps.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from testbed.boot import init

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.job import Job
    from testbed.run.engine import Play


def around(job: Job, run: Callable[[Play], None]) -> None:
    """Collect, run the job, and in it the tests."""
    from testbed.pytest_plugin.player import run_tests

    init.Channel.keep()
    if job.told["terminal"]:
        _take_terminal(job)
    run_tests(job, run)


def _take_terminal(job: Job) -> None:
    """Let standard input and output be those of the user, for a debugger."""
    from testbed.lab.inside import guest_line

    line = guest_line() if job.kernel == "guest" else int(sys.argv[2])
    for standard in range(3):
        os.dup2(line, standard)


if __name__ == "__main__":
    init.enter(around)
