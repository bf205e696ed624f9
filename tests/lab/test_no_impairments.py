"""Claims about labs whose links are as the kernel gives them, in the guest, which could do more."""

from __future__ import annotations

import json

import pytest

from tests.lab.user import SMALL, User

pytestmark = pytest.mark.guest
PLAIN = "--no-impairments"


def test_a_run_is_unknown_since_its_receipt_says_what_links_did_not_do(user: User) -> None:
    found = json.loads(user.run("run", SMALL, PLAIN, "--json", expect=3))
    assert found["verdict"] == "UNKNOWN"
    assert found["why"][0].startswith("the lab was brought up without impairments")
    assert any("link wan, a_to_b: delay" in why for why in found["why"]), found["why"]
    (reached,) = found["measurements"]
    assert reached["value"] == 4, "its hosts reach each other in both families"


def test_a_kept_lab_is_as_planned_but_for_that_and_its_links_cannot_be_changed(user: User) -> None:
    user.run("up", SMALL, PLAIN)
    try:
        assert user.status()["as_planned"]
        said = user.run("impair", "wan", "--delay", "80ms", expect=3)
        assert "without impairments" in said and PLAIN in said
        assert not user.status()["faults"], "what was refused is not on"
        user.run("fault", "carrier", "wan")
        assert len(user.status()["faults"]) == 1, "a carrier can be taken all the same"
        user.run("heal")
        assert not user.status()["faults"]
    finally:
        user.run("down")
