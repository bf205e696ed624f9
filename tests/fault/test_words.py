"""Claims about faults in words: every field has its text, and what cannot be read is named, all at once."""

from __future__ import annotations

from dataclasses import fields

import pytest

from testbed.cli import labs
from testbed.errors import InputError
from testbed.fault import words
from testbed.fault.kinds import KINDS
from testbed.model import FourState, GilbertElliott, Impairment, Slot
from testbed.units import Duration, Ratio, Size

HALF = Ratio.parse("50 %")


def test_every_field_of_an_impairment_can_be_given() -> None:
    assert set(words.IMPAIRMENT) == {field.name for field in fields(Impairment)}


def test_every_option_of_the_command_line_can_be_read() -> None:
    named = {name.replace("-", "_") for name, _, _ in labs.IMPAIRMENTS}
    assert named == {*words.IMPAIRMENT, *words.RATE}
    assert {name for name, _, _ in labs.OPTIONS} == {
        option for name, kind in KINDS.items() for option in kind.options if name != "impaired"
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("50%", HALF),
        ("gilbert:50%,50 %", GilbertElliott(p=HALF, r=HALF)),
        ("gilbert:50%,50%,50%,0%", GilbertElliott(p=HALF, r=HALF, loss_bad=HALF, loss_good=Ratio(0))),
        ("states:50%", FourState(p13=HALF)),
        ("states:50%,50%,50%,50%,50%", FourState(p13=HALF, p31=HALF, p32=HALF, p23=HALF, p14=HALF)),
    ],
)
def test_losses_with_and_without_memory_are_read(text: str, value: object) -> None:
    assert words.loss(text) == value


def test_slots_and_tables_are_read() -> None:
    ten, twenty = Duration.parse("10 ms"), Duration.parse("20 ms")
    assert words.slot("10ms,20ms") == Slot(min=ten, max=twenty)
    assert words.slot("10ms,20ms,5,1500B") == Slot(min=ten, max=twenty, packets=5, bytes=Size(1500))
    assert words.table("10 ms\n20 ms\n") == words.table("10ms,20ms") == (ten, twenty)


def test_all_that_cannot_be_read_is_told_at_once() -> None:
    given = {
        "delay": "20", "loss": "gilbert:1%", "ordered": "perhaps", "reorder_gap": "two", "slot": "1ms", "nosuch": "1",
        "distribution": "flat",
    }  # fmt: skip
    with pytest.raises(InputError) as raised:
        words.read("link dx", given, words.IMPAIRMENT)
    assert [problem.where for problem in raised.value.problems] == [f"link dx, {name}" for name in given]
