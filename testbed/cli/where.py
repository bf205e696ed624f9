"""What ``--on`` means."""

from __future__ import annotations

import importlib.util

from testbed.boot import pool
from testbed.boot.machines import Here, Machines
from testbed.cli.common import LOCAL
from testbed.errors import InputError, MachineError, Problem
from testbed.job import Kernel

SCHEMES = {"dask://": "tcp://", "dask+tls://": "tls://"}
"""What Dask calls them; certificates are those of Dask's own configuration."""


def machines(on: str, jobs: int | None, kernel: Kernel) -> Machines:
    """The machines that are meant.

    Raises:
        InputError: the words mean nothing, or the host's kernel is to be used elsewhere.
        MachineError: Dask is not installed.
    """
    if on == LOCAL:
        return Here(jobs or pool.workers(), kernel)
    scheme, separator, host = on.partition("://")
    address = SCHEMES.get(f"{scheme}{separator}")
    if address is None or not host:
        raise InputError(Problem(f"--on {on}", "is no place that is known", "local, or dask://HOST:PORT"))
    if kernel == "host":
        hint = "--kernel guest, or --on local"
        raise InputError(Problem(f"--on {on} --kernel host", "workers use the testbed's own kernel alone", hint))
    if importlib.util.find_spec("distributed") is None:
        hint = "pip install 'testbed[dask]'"
        raise MachineError(Problem(f"--on {on}", "Dask distributed is not installed on this machine", hint))
    from testbed.remote.dask import Dask

    return Dask(on, f"{address}{host}", jobs)
