"""The plugin's options, and what is wrong with them."""

from __future__ import annotations

import pytest

WALL_LIMIT_S = 600.0


def add(parser: pytest.Parser) -> None:
    """Declare them."""
    group = parser.getgroup("testbed", "networks under test")
    seeds = group.addoption
    seeds("--testbed-seed", type=_seed, default=1, metavar="N", help="Seed of every lab. Default: 1.")
    seeds(
        "--testbed-seeds", type=_count, default=None, metavar="N",
        help="Run each test of a lab with the seeds 1 to N, and tell how its measurements are distributed.",
    )  # fmt: skip
    seeds("--testbed-kernel", choices=("guest", "host"), help="Kernel of the labs. Default: guest, the testbed's own.")
    seeds("--testbed-clock", choices=("virtual", "real"), help="Clock of the labs. Default: virtual in the guest.")
    seeds(
        "--testbed-out", metavar="DIR", default=None,
        help="Keep every lab's run directory there. Default: runs/, and only those of tests that did not pass.",
    )  # fmt: skip
    seeds(
        "--testbed-wall-limit", type=float, default=WALL_LIMIT_S, metavar="S",
        help="End a lab that takes longer, as UNKNOWN. Default: 600.",
    )  # fmt: skip


def check(config: pytest.Config) -> None:
    """Raise :class:`pytest.UsageError` for what contradicts itself."""
    if config.getoption("testbed_kernel") == "host" and config.getoption("testbed_clock") == "virtual":
        raise pytest.UsageError("--testbed-clock virtual: only the guest kernel has a virtual clock")


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
