"""Compare the kernel options that were asked for with those that the kernel's own tools kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from testbed.errors import Problem

UNSET = "n"
_LINE = re.compile(r"(?:(?P<set>CONFIG_\w+)=(?P<value>.*))|(?:# (?P<unset>CONFIG_\w+) is not set)")


def parse(text: str) -> dict[str, str]:
    """Options by name. One that is "not set" has the value ``n``; the last word on an option counts."""
    options = {}
    for line in text.splitlines():
        if match := _LINE.fullmatch(line.strip()):
            options[match["set"] or match["unset"]] = match["value"] if match["set"] else UNSET
    return options


def dropped(asked: Mapping[str, str], kept: Mapping[str, str], version: str) -> list[Problem]:
    """One problem for each option that did not survive. What the kernel does not mention is not set."""
    return [
        Problem(
            f"kernel option {name}",
            f"asked for {value}, and Linux {version} has {kept.get(name, UNSET)}",
            "renamed, or without an option that it depends on: see its Kconfig, and mend testbed/kernel/uml.config",
        )
        for name, value in asked.items()
        if kept.get(name, UNSET) != value
    ]
