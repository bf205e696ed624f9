"""How the path between two hosts may fail: the table of failures, and which of them a design can have. Pure.

Each failure has a name for ``--set fault=``. What breaks follows from the plan (:mod:`testbed.check.cases`), and what
theory says of it from both (:mod:`testbed.check.forecasts`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from testbed.check import forecasts
from testbed.check.cases import Case, below, case
from testbed.check.forecasts import Forecast
from testbed.errors import Problem, known
from testbed.parameters import Parameter
from testbed.plan.plan import Direction, Plan
from testbed.units import Duration, Ratio


@dataclass(frozen=True)
class Failure:
    """One way to fail.

    Attributes:
        kind: of fault.
        words: for a table.
        target: what of a case it breaks.
        forecast: what theory says.
        options: of the fault.
    """

    kind: str
    words: str
    target: Callable[[Case], str]
    forecast: Callable[[Case], Forecast]
    direction: Direction | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def extra(self) -> Duration:
        """What it adds to the delay each way."""
        return Duration.parse(self.options.get("extra", "0 ms"))


def asked(plan: Plan, parameters: Mapping[str, Parameter], values: Mapping[str, object]) -> tuple[Failure, Case]:
    """The failure that a scenario's parameters ask for, and its case.

    Unless the user said how long it lasts, slow detections are given twice their time.
    """
    source, target = str(values["source"]), str(values["target"])
    outage, spacing = values["fault.for"], values["probe.interval"]
    assert isinstance(outage, Duration) and isinstance(spacing, Duration), "declared as such"
    found = case(plan, source, target, outage, spacing)
    if not parameters["fault.for"].changed:
        outage = Duration(max(outage, 2 * _slowest(found)))
    return FAILURES[str(values["fault"])], case(plan, source, target, outage, spacing)


def _slowest(found: Case) -> int:
    """What the detection in use takes at most, in ns; 0 where it is quick, or nobody is there to detect."""
    if found.session is not None:
        return 0 if found.session.bfd is not None else found.session.hold
    return found.dpd[0] + round(found.dpd[1].gives_up_s * 10**9) if found.dpd else 0


def problems(plan: Plan, source: str, target: str, failure: str) -> Iterator[Problem]:
    """Why these hosts of this design cannot see that failure."""
    hosts = [host.name for host in plan.hosts]
    if unknown := [name for name in (source, target) if name not in hosts]:
        for name in unknown:
            yield Problem(f"host {name}", "no such host", known(name, hosts))
        return
    if plan.node(source).site == plan.node(target).site:
        yield Problem(f"{source} and {target}", "are of one site", "name a host of each of two sites")
        return
    breaks, where = case(plan, source, target, Duration(0)), f"--set fault={failure}"
    if breaks.tunnel is None and breaks.link not in [link.name for link in plan.links]:
        what = f"its gateway, {breaks.way.near}, sends to another router of its site first"
        yield Problem(f"host {source}", what, "let the host at the other site be the source")
        return
    elsewhere = "another design, or another failure"
    if failure == "tunnel" and not plan.tunnels:
        yield Problem(where, "this design has no tunnel", elsewhere)
    if failure == "ike-gone" and "ipsec" not in {each.kind for each in plan.tunnels}:
        yield Problem(where, "this design has no IPsec tunnel", elsewhere)
    if failure == "bgp-killed" and breaks.session is None:
        yield Problem(where, f"no BGP runs over what carries the traffic, {breaks.link}", elsewhere)
    if FAILURES[failure].kind in ("carrier", "flap") and breaks.tunnel is not None:
        what = f"what carries the traffic, {breaks.link}, is a tunnel: it has no carrier of its own"
        yield Problem(where, what, "fault=tunnel, or break the link below it")


def _brownout(loss: str) -> Failure:
    forecast = forecasts.brownout(Ratio.parse(loss))
    return Failure("brownout", f"brown-out, {loss} loss", below, forecast, options={"loss": loss})


FAILURES: Mapping[str, Failure] = {
    "silent": Failure("silent", "silent loss", lambda case: case.link, forecasts.silent),
    "carrier": Failure("carrier", "carrier down", lambda case: case.link, forecasts.carrier),
    "one-way": Failure("silent", "one direction silent", lambda case: case.link, forecasts.one_way, "a_to_b"),
    "brownout-5": _brownout("5 %"),
    "brownout-20": _brownout("20 %"),
    "slow": Failure(
        "brownout", "brown-out, +80 ms", below,
        forecasts.nothing("a packet that is late by less than a timer is not missed"), options={"extra": "80 ms"},
    ),
    "flap": Failure("flap", "flapping, 10 s", lambda case: case.link, forecasts.flap, options={"period": "10 s"}),
    "bgp-killed": Failure(
        "kill", "BGP daemon killed", lambda case: f"{case.far}/{case.plan.routing_of(case.far).daemon}",
        forecasts.killed,
    ),
    "frozen": Failure("freeze", "router frozen", lambda case: case.far, forecasts.frozen),
    "ike-gone": Failure(
        "kill", "IKE peer gone", lambda case: f"{case.far}/charon",
        forecasts.nothing("the kernel goes on with the keys it has, until they are to be renewed"),
    ),
    "tunnel": Failure("silent", "one tunnel silent", forecasts.first_tunnel, forecasts.tunnel),
    "site-off": Failure("off", "whole site off", lambda case: case.plan.node(case.way.far).site, forecasts.site_off),
}  # fmt: skip
