"""Faults of links and tunnels: silent, dark, degraded, flapping, and sites cut off from each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from testbed.errors import InputError, Problem, known
from testbed.fault import words
from testbed.fault.fault import Fault
from testbed.fault.kind import Kind, World
from testbed.model import Impairment
from testbed.net.blackholes import Blackhole, Way
from testbed.plan.plan import DIRECTIONS, Direction, PlannedTunnel
from testbed.units import Duration, Ratio

PERIOD, DUTY = Duration(10 * 10**9), Ratio(500_000_000)
"""Of a flap that is given none: down for 5 s, up for 5 s; arbitrary."""
WAYS: Mapping[Direction, Way] = {"a_to_b": "from", "b_to_a": "to"}
"""What a direction of a tunnel is to side a's address."""
PHASE_MIN = Duration(10**6)
"""Shortest time up or down: less is less than the kernel's timers promise; arbitrary."""


def silence(impairment: Impairment) -> Impairment:
    """Every packet vanishes; the carrier stays."""
    return replace(impairment, loss=Ratio(Ratio.largest or 0), loss_correlation=Ratio(0))


def worse(impairment: Impairment, loss: Ratio, extra: Duration) -> Impairment:
    """What is left of a link that loses a share of the packets that it would have delivered, and delays the others."""
    if loss and isinstance(impairment.loss, Ratio):
        kept = (1 - impairment.loss.fraction) * (1 - loss.fraction)
        impairment = replace(impairment, loss=Ratio(round((1 - kept) * (Ratio.largest or 0))))
    elif loss:  # one with a memory: netem knows one loss model at a time
        impairment = replace(impairment, loss=loss, loss_correlation=Ratio(0))
    return replace(impairment, delay=Duration(impairment.delay + extra))


def _link(world: World, target: str) -> Fault:
    return Fault(target, links=(world.link(target).name,))


def _link_or_tunnel(world: World, target: str) -> Fault:
    """A link; or a tunnel, or all tunnels of a VPN, whose packets are told by side a's address."""
    plan = world.network.plan
    tunnels = [tunnel for tunnel in plan.tunnels if target in (tunnel.name, tunnel.vpn)]
    if tunnels:
        underway = [node.name for node in plan.nodes if node.kind == "internet"]
        return Fault(target, holes=frozenset(hole for tunnel in tunnels for hole in _holes(tunnel, underway)))
    links = [link.name for link in (*plan.links, *plan.access)]
    if target not in links:
        names = [*links, *(name for tunnel in plan.tunnels for name in (tunnel.name, tunnel.vpn))]
        raise InputError(Problem(f"link {target}", "no such link or tunnel", known(target, names)))
    return _link(world, target)


def _holes(tunnel: PlannedTunnel, underway: list[str]) -> list[Blackhole]:
    return [Blackhole(node, way, tunnel.outer_a) for node in underway for way in WAYS.values()]


def _silent(fault: Fault, _: Mapping[str, Any]) -> None:
    fault.change = silence
    ways = {WAYS[direction] for direction in fault.directions}
    fault.holes = frozenset(hole for hole in fault.holes if hole.way in ways)


def _dark(world: World, target: str) -> Fault:
    link = world.link(target)
    return Fault(target, links=(link.name,), ports=frozenset({link.a.port_index, link.b.port_index} - {0}))


def _impaired(fault: Fault, values: Mapping[str, Any]) -> None:
    if not values:
        raise InputError(Problem(f"link {fault.target}", "nothing to change was given", "for example a delay of 20 ms"))
    fields = {name: value for name, value in values.items() if name != "rate"}
    fault.rate = values.get("rate")
    if "loss" in fields and "loss_correlation" not in fields:
        fields["loss_correlation"] = Ratio(0)  # it belongs to the loss that is replaced
    fault.change = lambda before: replace(before, **fields)


def _brownout(fault: Fault, values: Mapping[str, Any]) -> None:
    loss, extra = values.get("loss", Ratio(0)), values.get("extra", Duration(0))
    if not loss and not extra:
        raise InputError(Problem(f"brownout of {fault.target}", "neither loss nor extra was given", "such as loss 5 %"))
    fault.change = lambda before: worse(before, loss, extra)


def _flap(fault: Fault, values: Mapping[str, Any]) -> None:
    period, duty = values.get("period", PERIOD), values.get("duty", DUTY)
    both = fault.directions == DIRECTIONS
    by = values.get("by", "carrier" if both else "silent")
    down = Duration(round(period * duty.fraction))
    where = f"flap of {fault.target}"
    if min(down, period - down) < PHASE_MIN:
        what = f"down for {down} of {period}"
        raise InputError(Problem(where, what, f"up and down take at least {PHASE_MIN} each"))
    if by == "carrier" and not both:
        raise InputError(Problem(where, "a carrier has no direction", "by=silent has one"))
    if by == "silent":
        fault.change, fault.ports = silence, frozenset()
    fault.phases = down, Duration(period - down)
    fault.options = {"period": str(period), "duty": str(duty), "by": by}


def _partition(world: World, target: str) -> Fault:
    plan = world.network.plan
    site = {node.name: node.site for node in plan.nodes}
    links = {link.name: (site[link.a.node], site[link.b.node]) for link in plan.links}
    names = target.split(",")
    there = {*site.values(), *links} - {""}
    if unknown := [name for name in names if name not in there]:
        what = "neither a site nor a link"
        raise InputError(Problem(f"partition {name}", what, known(name, there)) for name in unknown)
    cut = tuple(link for link, ends in links.items() if link in names or len({e in names for e in ends}) == 2)
    if not cut:
        raise InputError(Problem(f"partition {target}", "no link leads out of it", "name fewer sites, or a link"))
    return Fault(target, links=cut)


KINDS = {
    "silent": Kind(
        "LINK|TUNNEL|VPN [DIRECTION]", "packets vanish, the carrier stays", _link_or_tunnel, _silent, directed=True
    ),
    "carrier": Kind("LINK", "both ends lose their carrier", _dark),
    "impaired": Kind(
        "LINK [DIRECTION]", "another delay, loss, rate, ...: what testbed impair does", _link, _impaired,
        {**words.IMPAIRMENT, **words.RATE}, directed=True,
    ),
    "brownout": Kind(
        "LINK [DIRECTION]", "more loss, more delay than before: --loss, --extra", _link, _brownout, words.BROWNOUT,
        directed=True,
    ),
    "flap": Kind(
        "LINK [DIRECTION]", "down and up again and again: --period, --duty, --by", _dark, _flap, words.FLAP,
        directed=True,
    ),
    "partition": Kind("NAME[,NAME...]", "sites cut off from all others, or links cut", _partition, _silent),
}  # fmt: skip
