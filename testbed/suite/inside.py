"""Where the lab is: one check of a suite in YAML, carried out.

What it needs is imported late: pyroute2 reads /proc when imported, which the guest has only after its first steps.
"""

from __future__ import annotations

import sys
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


def main() -> None:
    """Entry: as the guest's init, or as ``host JOB``. The kernel gives its init words of its own."""
    if sys.argv[1:2] != ["host"]:
        init.main(around)
    else:
        from testbed.boot import host

        host.main(sys.argv[-1], around)


if __name__ == "__main__":
    main()
