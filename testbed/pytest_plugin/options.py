"""The plugin's options, and what is wrong with them."""

from __future__ import annotations

import pytest

WALL_LIMIT_S = 600.0
CAPABILITIES = ("guest", "host", "programs", "cluster")
"""What a machine may lack: the testbed's kernel, labs on its own, a program, the image of Kubernetes nodes."""
ALL = "all"


def add(parser: pytest.Parser) -> None:
    """Declare them."""
    group = parser.getgroup("testbed", "networks under test")
    option = group.addoption
    option("--testbed-seed", type=_seed, default=1, metavar="N", help="Seed of every lab. Default: 1.")
    option(
        "--testbed-seeds", type=_count, default=None, metavar="N",
        help="Run each test of a lab with the seeds 1 to N, and tell how its measurements are distributed.",
    )  # fmt: skip
    option("--testbed-kernel", choices=("guest", "host"), help="Kernel of the labs. Default: guest, the testbed's own.")
    option("--testbed-clock", choices=("virtual", "real"), help="Clock of the labs. Default: virtual in the guest.")
    option(
        "--testbed-out", metavar="DIR", default=None,
        help="Keep every lab's run directory there. Default: runs/, and only those of tests that did not pass.",
    )  # fmt: skip
    option(
        "--testbed-baseline", choices=("check", "record", "accept"), default="check",
        help="What lab.baseline.check does: hold values against their baseline, record it, or take a change over.",
    )  # fmt: skip
    option("--testbed-because", metavar="WHY", help="The reason for a change that is taken over.")
    option("--testbed-json", metavar="FILE", help="Write every result there, for machines.")
    option("--testbed-html", metavar="FILE", help="Write a page of all labs there.")
    option(
        "--testbed-require", metavar="NAME,...", default="",
        help="A test that lacks one of these is an error, not skipped: guest, host, programs, cluster, or all.",
    )  # fmt: skip
    option(
        "--testbed-wall-limit", type=float, default=WALL_LIMIT_S, metavar="S",
        help="End a lab that takes longer, as UNKNOWN. Default: 600.",
    )  # fmt: skip


def check(config: pytest.Config) -> None:
    """Raise :class:`pytest.UsageError` for what contradicts itself."""
    if config.getoption("testbed_kernel") == "host" and config.getoption("testbed_clock") == "virtual":
        raise pytest.UsageError("--testbed-clock virtual: only the guest kernel has a virtual clock")
    if config.getoption("testbed_clock") == "virtual" and (config.getoption("usepdb") or config.getoption("trace")):
        raise pytest.UsageError("--testbed-clock virtual: with a debugger time is yours, and a lab's clock is real")
    accepts, because = config.getoption("testbed_baseline") == "accept", config.getoption("testbed_because")
    if accepts != bool(because):
        raise pytest.UsageError("--testbed-baseline=accept needs --testbed-because, and it needs that")
    required = set(filter(None, config.getoption("testbed_require").split(",")))
    if unknown := required - {*CAPABILITIES, ALL}:
        known = ", ".join((*CAPABILITIES, ALL))
        raise pytest.UsageError(f"--testbed-require {','.join(sorted(unknown))}: no such capability; known: {known}")


def _seed(text: str) -> int:
    value = int(text)
    if not 0 <= value < 2**63:
        raise ValueError
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value
