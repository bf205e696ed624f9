"""Claims about quantities: exact, with a unit, and printed so that they parse back."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from testbed.units import Duration, Quantity, Rate, Ratio, Size, UnitError

KINDS: tuple[type[Quantity], ...] = (Duration, Rate, Size, Ratio)
kinds = st.sampled_from(KINDS)


@st.composite
def quantities(draw: st.DrawFn) -> Quantity:
    kind = draw(kinds)
    return kind(draw(st.integers(kind.smallest, kind.largest if kind.largest is not None else 10**24)))


@given(quantities())
def test_what_is_printed_parses_back_to_the_same_value(value: Quantity) -> None:
    assert type(value).parse(str(value)) == value
    assert eval(repr(value), {k.__name__: k.parse for k in KINDS}) == value


@given(kind=kinds, data=st.data(), whole=st.integers(0, 10**6), digits=st.text("0123456789", max_size=9))
def test_a_number_is_read_exactly_or_refused_and_never_rounded(
    kind: type[Quantity], data: st.DataObject, whole: int, digits: str
) -> None:
    unit = data.draw(st.sampled_from(sorted(kind.units)))
    text = f"{whole}.{digits} {unit}" if digits else f"{whole} {unit}"
    exact = Fraction(text.split()[0]) * kind.units[unit]
    allowed = exact.denominator == 1 and kind.smallest <= exact <= (kind.largest or exact)
    try:
        assert kind.parse(text) == exact
        assert allowed
    except UnitError:
        assert not allowed


@given(kind=kinds, number=st.integers() | st.floats() | st.booleans() | st.none() | st.integers().map(str))
def test_a_bare_number_is_refused(kind: type[Quantity], number: object) -> None:
    assume(number != "0")
    with pytest.raises(UnitError, match="it takes a number and a unit"):
        kind.parse(number)


@pytest.mark.parametrize("kind", KINDS)
def test_plain_zero_needs_no_unit_where_zero_is_a_value(kind: type[Quantity]) -> None:
    if kind is Rate:
        with pytest.raises(UnitError):
            kind.parse("0")
    else:
        assert kind.parse("0") == 0


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_unit_is_told_with_every_known_one(kind: type[Quantity]) -> None:
    with pytest.raises(UnitError) as caught:
        kind.parse("5 parsecs")
    assert all(unit in str(caught.value) for unit in kind.units)


@pytest.mark.parametrize(("kind", "text"), [(Duration, "5 Mbit/s"), (Rate, "5 ms"), (Ratio, "5 B"), (Size, "5 %")])
def test_a_unit_of_another_kind_is_refused(kind: type[Quantity], text: str) -> None:
    with pytest.raises(UnitError, match=f"has no unit of a {kind.kind}"):
        kind.parse(text)


@pytest.mark.parametrize(
    ("kind", "text", "printed"),
    [
        (Duration, "20ms", "20 ms"), (Duration, "0 s", "0 ms"), (Duration, "90 s", "90 s"), (Duration, "60 s", "1 min"),
        (Duration, "28800 s", "8 h"), (Duration, "1.4465 ms", "1446.5 us"), (Duration, "0.3 s", "300 ms"),
        (Duration, " 1 us ", "1 us"), (Rate, "1250 Mbit/s", "1.25 Gbit/s"), (Rate, "1 bit/s", "1 bit/s"),
        (Ratio, "0.5 %", "0.5 %"), (Ratio, "5000 ppm", "0.5 %"), (Ratio, "1 ppb", "1 ppb"), (Ratio, "0 ppm", "0 %"),
        (Ratio, "100 %", "100 %"), (Size, "1536 KiB", "1.5 MiB"), (Size, "0 MB", "0 B"), (Size, "2000 kB", "2 MB"),
    ],
)  # fmt: skip
def test_a_value_has_one_spelling_in_a_unit_that_reads_well(kind: type[Quantity], text: str, printed: str) -> None:
    assert str(kind.parse(text)) == printed


@pytest.mark.parametrize(("kind", "text"), [(Ratio, "100.0000001 %"), (Rate, "0 bit/s"), (Duration, "-1 ns")])
def test_what_is_out_of_range_is_refused(kind: type[Quantity], text: str) -> None:
    with pytest.raises(UnitError, match="out of range"):
        kind.parse(text)


def test_a_value_of_the_right_kind_is_left_alone_and_of_another_refused() -> None:
    value = Duration.parse("5 ms")
    assert Duration.parse(value) is value
    with pytest.raises(UnitError):
        Rate.parse(value)


def test_units_load_without_pydantic() -> None:
    code = "import sys, testbed.units; sys.exit('pydantic' in sys.modules or 'pydantic_core' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
