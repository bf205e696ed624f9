"""Claims about the fault of stores."""

from __future__ import annotations

from typing import Any, cast

import pytest

from testbed.daemons.stores import Stores
from testbed.errors import InputError
from testbed.fault import kinds
from testbed.fault.kind import World
from testbed.load import load
from tests.conftest import ROOT


def stores(*settings: str) -> Stores:
    plan = load(str(ROOT / "topologies/storage.py"), dict(word.split("=") for word in settings), "lab").plan
    return Stores(plan, cast(Any, None), ROOT, 1)


def make(world: Stores | None, target: str) -> object:
    return kinds.make(World(cast(Any, None), cast(Any, None), world), "stall", target, None, {})


def test_a_volume_and_the_share_on_it_can_stall() -> None:
    for target in ("disk", "share"):
        assert make(stores("share.disk=gp3"), target)
        assert stores("share.disk=gp3").stallable(target) == "disk"


@pytest.mark.parametrize(("target", "words"), [("share", "does not stall"), ("shore", "did you mean 'share'")])
def test_what_cannot_stall_is_refused(target: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make(stores(), target)


def test_a_lab_without_stores_says_so() -> None:
    with pytest.raises(InputError, match="no stores"):
        make(None, "disk")
