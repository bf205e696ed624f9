"""Claims about what a plan needs of the machine."""

from __future__ import annotations

import pytest

from testbed.errors import Exit, MachineError
from testbed.load import load
from testbed.run.needs import check_kernel


@pytest.mark.parametrize(
    ("file", "stores"),
    [
        ("topologies/storage.py", {"share share"}),
        ("topologies/volumes.py", {f"volume {name}" for name in ("gp3", "io2", "st1", "stretched")}),
    ],
)
def test_the_machines_own_kernel_is_given_no_stores_and_each_is_named(file: str, stores: set[str]) -> None:
    plan = load(file, {}).plan
    check_kernel(plan, "guest")
    with pytest.raises(MachineError) as refused:
        check_kernel(plan, "host")
    assert {problem.where for problem in refused.value.problems} == stores
    assert all("--kernel guest" in problem.hint for problem in refused.value.problems)
    assert refused.value.exit is Exit.MACHINE


def test_a_plan_without_stores_may_be_had_in_either_kernel() -> None:
    check_kernel(load("topologies/hybrid.py", {}).plan, "host")
