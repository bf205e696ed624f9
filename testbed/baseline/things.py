"""A plan as lines that a baseline keeps: what the network consists of, and how each thing of it is set. Pure.

Structure is what there is: nodes, links, tunnels, shares and so on, each with its place and addresses; another one is
another network, and a baseline of this one says nothing about it. Numbers are what a thing is set to:
timers, rates, losses, options. Where they drift, a baseline is there to say what that does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from testbed.numbers import listed
from testbed.plan.plan import Plan
from testbed.units import Quantity

PLACE = frozenset(
    {"name", "kind", "role", "site", "zone", "address", "address6", "node", "interface", "a", "b", "client", "server",
     "host", "local", "peer", "local_as", "peer_as", "asn", "vpn", "addresses"}
)  # fmt: skip
"""Fields that say where a thing is, and not how it is set."""
DERIVED = frozenset(
    {"index", "port", "port_index", "mac", "bridge", "trunk", "secret", "number", "outer_a", "outer_b", "router_id",
     "packets_in_flight", "limit_bytes", "burst_bytes", "shaper", "sessions"}
)  # fmt: skip
"""Fields that follow from the others, or name what only the lab sees."""
WORDS = {
    "nodes": "node", "cables": "cable", "links": "link", "access": "access link", "tunnels": "tunnel",
    "blocks_icmp": "blocks ICMP:", "routing": "routing of", "shares": "share", "volumes": "volume", "guards": "guard",
    "nats": "NAT gateway", "mappings": "mapping", "resolvers": "resolver",
}  # fmt: skip
"""The parts of a plan that are kept, and what one of them is called; others are its name, or follow from these."""
STRUCTURE = frozenset({"nodes", "links", "tunnels", "shares", "volumes", "nats", "mappings", "resolvers"})
"""The parts of which another one makes another network."""


def structure(plan: Plan) -> tuple[str, ...]:
    """One line for each thing that there is."""
    return tuple(
        f"{name}: {_line(_leaves(thing, place=True))}" for part, name, thing in _things(plan) if part in STRUCTURE
    )


def numbers(plan: Plan) -> dict[str, str]:
    """How each thing is set; what is empty, off or as it is by default is left out."""
    found = {name: _line(_leaves(thing, place=False)) for _, name, thing in _things(plan)}
    return {name: line for name, line in found.items() if line}


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """A line for each way in which things are set otherwise: their names, and the fields with both values."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys((*before, *now)):
        old, new = _fields(before.get(name, "")), _fields(now.get(name, ""))
        if parts := [
            f"{each} {old.get(each, 'default')} -> {new.get(each, 'default')}"
            for each in dict.fromkeys((*old, *new))
            if old.get(each) != new.get(each)
        ]:
            found.setdefault(", ".join(parts), []).append(name)
    yield from (f"{listed(names)}: {how}" for how, names in found.items())


def _fields(line: str) -> dict[str, str]:
    return dict(each.split("=", 1) for each in line.split(", ")) if line else {}


def _line(leaves: Iterator[tuple[str, str]]) -> str:
    return ", ".join(f"{name}={text}" for name, text in leaves)


def _things(plan: Plan) -> Iterator[tuple[str, str, object]]:
    """Everything in a plan that has a name: the part it is in, a name that nothing else has, and itself."""
    used: dict[str, int] = {}
    for part, word in WORDS.items():
        for thing in getattr(plan, part):
            named = [(f"{word} {_name(thing)}", thing)]
            if part == "routing":
                named += [(f"session {session.name} of {thing.node}", session) for session in thing.sessions]
            for name, each in named:
                used[name] = used.get(name, 0) + 1
                yield part, (name if used[name] == 1 else f"{name} ({used[name]})"), each


def _name(thing: object) -> str:
    parts = [str(getattr(thing, field)) for field in ("name", "node", "interface") if getattr(thing, field, "")]
    return " ".join(parts) or str(thing)


def _leaves(thing: object, *, place: bool) -> Iterator[tuple[str, str]]:
    """Those that say where it is, or all others."""
    return ((name, text) for name, text in _flat(thing, "") if (name.split(".")[0] in PLACE) is place)


def _flat(value: object, prefix: str) -> Iterator[tuple[str, str]]:
    """Every leaf below a value by its dotted name; a list is one leaf."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            inner = getattr(value, field.name)
            if field.name not in DERIVED and inner != field.default:
                yield from _flat(inner, f"{prefix}.{field.name}".lstrip("."))
    elif isinstance(value, tuple | list):
        if value:
            yield prefix, " + ".join(_text(each) for each in value)
    elif value not in (None, "", 0, False) and prefix:
        yield prefix, _text(value)


def _text(value: object) -> str:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return "(" + " ".join(f"{name} {text}" for name, text in _flat(value, "")) + ")"
    if isinstance(value, tuple | list):
        return "/".join(map(_text, value))
    text = str(value) if isinstance(value, Quantity) or not isinstance(value, bool) else "yes"
    return text.replace(", ", " ").replace("=", " ")
