"""Claims about measured values: units are needed, and what is not known is not said."""

from __future__ import annotations

import pytest

from testbed.check.measured import Measured, measurement, of_fields
from testbed.errors import InputError, RunError
from testbed.units import Duration, Ratio

GAP = Measured("gap", Duration.parse("866 ms"))
OPEN = Measured("gap", Duration.parse("866 ms"), at_least=True)


def test_it_compares_with_text_that_has_a_unit_and_with_its_own_kind() -> None:
    gap = GAP
    assert gap < "1s" and gap <= "866 ms" and gap > "0.5 s" and gap >= "866ms" and gap == "0.866 s" and gap != "1 s"
    assert gap < Duration.parse("1 s") and gap <= Measured("other", Duration.parse("1 s"))
    assert gap > "0", "plain zero is the same in every unit"


@pytest.mark.parametrize("bound", [1, 0, 1.5, "1", "1 Mbit/s", "5 %", None, Ratio.parse("5 %")])
def test_a_bare_number_and_another_unit_are_refused(bound: object) -> None:
    gap = GAP
    with pytest.raises(InputError, match=r"gap: .*duration"):
        bool(gap < bound)
    with pytest.raises(InputError):
        bool(gap == bound)


def test_of_what_was_still_going_on_only_what_the_least_decides_is_said() -> None:
    gap = OPEN
    assert not gap < "500 ms" and gap > "500 ms" and gap >= "866 ms" and gap != "1 ms" and not gap <= "1 ms"
    assert not gap < "866 ms"


@pytest.mark.parametrize(
    "compare", ["OPEN < '1 s'", "OPEN <= '866 ms'", "OPEN > '1 s'", "OPEN == '866 ms'", "GAP < OPEN"]
)
def test_any_other_comparison_with_it_is_unknown(compare: str) -> None:
    with pytest.raises(RunError, match="not known"):
        eval(compare, {"OPEN": OPEN, "GAP": GAP})


def test_people_read_three_decimals_and_the_record_has_all() -> None:
    exact = Measured("gap", Duration(866_043_392))
    assert (str(exact), repr(OPEN), str(Measured("none", Duration(0)))) == ("866.043 ms", "at least 866 ms", "0 ms")
    assert str(Measured("hour", Duration.parse("2 h"))) == "7200 s"
    for each in (exact, OPEN, Measured("lost", Ratio.parse("0.5 %"))):
        back = of_fields(each.fields())
        assert (back.name, back.quantity, back.at_least) == (each.name, each.quantity, each.at_least)


def test_a_measurement_of_ones_own_has_a_unit() -> None:
    assert measurement("took", "5 ms").quantity == Duration.parse("5 ms")
    assert measurement("took", GAP).name == "took"
    for bare in ("5", "quick"):
        with pytest.raises(InputError, match="no quantity"):
            measurement("took", bare)
