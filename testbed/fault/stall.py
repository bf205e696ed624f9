"""Faults of stores: storage that stalls. Whoever asks it waits, and nothing on the network is any different."""

from __future__ import annotations

from testbed.errors import InputError, Problem
from testbed.fault.fault import Fault
from testbed.fault.kind import Kind, World


def _stall(world: World, target: str) -> Fault:
    stores = world.stores
    if stores is None:
        raise InputError(Problem(f"stall {target}", "this lab has no stores", "declare one: t.volume(...)"))
    stores.stallable(target)
    return Fault(target, acts=(lambda: stores.stall(target),))


KINDS = {"stall": Kind("STORE", "a volume, or the one a share is on, answers nothing until it is healed", _stall)}
