"""First process of a lab that is kept up, in the guest or in namespaces of the host: bring it up, then serve.

The agent is imported late: pyroute2 reads /proc when it is imported, which the guest has only after its first steps.
"""

from __future__ import annotations

import os
import sys
import tty
from functools import partial
from typing import TYPE_CHECKING

from testbed.boot import init
from testbed.lab.protocol import CONSOLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.job import Job
    from testbed.run.engine import Play
    from testbed.run.lab import Lab


def serve(lab: Lab, line: int | None = None) -> None:
    """What is done with the lab once it is up."""
    from testbed.lab.agent import Agent

    Agent(lab, guest_line() if line is None else line).serve()


def guest_line() -> int:
    """The console that leads to the supervisor, raw: otherwise the kernel would echo and edit what comes."""
    line = os.open(CONSOLE, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    tty.setraw(line)
    return line


def keep_up(job: Job, run: Callable[[Play], None]) -> None:
    """Bring the lab up, and serve; on the host by the line whose number the supervisor gave."""
    run(partial(serve, line=None if job.kernel == "guest" else int(sys.argv[2])))


if __name__ == "__main__":
    init.enter(keep_up)
