"""Numbers as people read them, and the same wherever they are shown."""

from __future__ import annotations

from decimal import Decimal

DASH = "\N{EN DASH}"
SHORT = frozenset(
    {"bbr", "bfd", "bgp", "dns", "efs", "ike", "iops", "ip", "mss", "mtu", "nfs", "relp", "rtt", "tcp", "udp", "vpn"}
)
"""Words of measurements' names that are abbreviations."""
MIXED = {"ipv4": "IPv4", "ipv6": "IPv6"}
"""Those that are not capitals alone."""


def number(value: float | None, *, none: str = DASH) -> str:
    """Four significant digits, whole numbers in full, thousands apart; ``none`` for no number."""
    if value is None:
        return none
    if float(value).is_integer() and abs(value) < 10**15:
        return f"{int(value):,}"
    size = abs(value)
    if size >= 10**15 or size < 10**-9:
        return f"{value:.4g}"
    if size < 10**-4:
        return f"{Decimal(f'{value:.4g}'):f}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def quantity(value: float | None, unit: str, *, none: str = DASH) -> str:
    """A number and its unit."""
    text = number(value, none=none)
    return f"{text} {unit}".rstrip() if value is not None else text


def interval(low: float | None, high: float | None, *, none: str = "no bound") -> str:
    """Bounds in words, without unit: ``0.6 to 0.9``, ``at most 3``, ``exactly 1,500``."""
    if low is None and high is None:
        return none
    if low is None:
        return f"at most {number(high)}"
    if high is None:
        return f"at least {number(low)}"
    return f"exactly {number(low)}" if low == high else f"{number(low)} to {number(high)}"


def seconds(value: float) -> str:
    """A span of time with as many digits as its size deserves."""
    if 0 < abs(value) < 0.0009995:
        return f"{value * 10**6:.3g} us"
    if abs(value) < 0.0995:
        return f"{value * 1000:.3g} ms"
    if abs(value) < 9.995:
        return f"{value:.2f} s"
    if abs(value) < 600:
        return f"{value:.1f} s"
    return f"{value:,.0f} s"


def size(count: int) -> str:
    """Bytes of a file."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < 10**6 else f"{count / 10**6:.1f} MB"


def spoken(name: str) -> str:
    """A measurement's name as people write it: ``rtt_p50_before`` is ``RTT p50 before``."""
    return " ".join(map(_word, name.split("_")))


def titled(text: str, unit: str) -> str:
    """A name with its unit, for an axis or a table: ``longest gap, s``; where the unit is one of its words, alone."""
    return f"{text}, {unit}" if unit and unit not in text.lower().split() else text


def _word(word: str) -> str:
    if word in MIXED:
        return MIXED[word]
    if word in SHORT:
        return word.upper()
    return f"{word[:-1].upper()}s" if word.endswith("s") and word[:-1] in SHORT else word


def capital(text: str) -> str:
    """The same with a capital letter at its beginning; the rest stays as it is."""
    return text[:1].upper() + text[1:]


def percent(share: float) -> str:
    """A share as a whole number of per cent: ``95 %``."""
    return f"{100 * share:.0f} %"


def counted(count: int, one: str, many: str = "") -> str:
    """``1 packet``, ``2 packets``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
