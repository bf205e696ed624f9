"""How the path between two hosts may fail. Pure.

Each failure has a name for ``--set fault=``. What breaks follows from the plan: the link or tunnel that the near
gateway uses, the gateway at the other end, the far site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from testbed.check import forecasts
from testbed.check.cases import Case, case, far_router, first_tunnel
from testbed.check.forecasts import Forecast
from testbed.errors import Problem, known
from testbed.plan.plan import Direction, Plan
from testbed.units import Duration


@dataclass(frozen=True)
class Failure:
    """One way to fail.

    Attributes:
        kind: of fault.
        words: for a table.
        target: what of a case it breaks.
        forecast: what theory says.
        options: of the fault.
        silent: no carrier changes and no session is closed: only a timer can notice.
    """

    kind: str
    words: str
    target: Callable[[Case], str]
    forecast: Callable[[Case], Forecast]
    direction: Direction | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    silent: bool = True

    @property
    def extra(self) -> Duration:
        """What it adds to the delay each way."""
        return Duration.parse(self.options.get("extra", "0 ms"))


def asked(plan: Plan, values: Mapping[str, object], *, given: bool) -> tuple[Failure, Case]:
    """The failure that a scenario's parameters ask for, and its case. ``given``: the user said how long it lasts."""
    source, target, outage = str(values["source"]), str(values["target"]), values["fault.for"]
    assert isinstance(outage, Duration), "declared as one"
    session = case(plan, source, target, outage).session
    if session is not None and session.bfd is None and not given:
        outage = max(outage, Duration(2 * session.hold))
    return FAILURES[str(values["fault"])], case(plan, source, target, outage)


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
    breaks = case(plan, source, target, Duration(0))
    kinds = {each.kind for each in plan.tunnels}
    if failure == "tunnel" and not plan.tunnels:
        yield Problem("--set fault=tunnel", "this design has no tunnel", "another design, or another failure")
    if failure == "ike-gone" and "ipsec" not in kinds:
        yield Problem("--set fault=ike-gone", "this design has no IPsec tunnel", "another design, or another failure")
    carrier = breaks.link in [link.name for link in plan.links]
    if FAILURES[failure].kind in ("carrier", "flap", "brownout") and not carrier:
        what = f"what carries the traffic, {breaks.link}, is a tunnel: it has no carrier and no netem of its own"
        yield Problem(f"--set fault={failure}", what, "fault=tunnel, or break the link below it")


FAILURES: Mapping[str, Failure] = {
    "silent": Failure("silent", "silent loss", lambda case: case.link, forecasts.silent),
    "carrier": Failure("carrier", "carrier down", lambda case: case.link, forecasts.carrier, silent=False),
    "one-way": Failure("silent", "one direction silent", lambda case: case.link, forecasts.one_way, direction="a_to_b"),
    "brownout-5": Failure(
        "brownout", "brown-out, 5 % loss", lambda case: case.link, forecasts.brownout, options={"loss": "5 %"}
    ),
    "brownout-20": Failure(
        "brownout", "brown-out, 20 % loss", lambda case: case.link, forecasts.brownout, options={"loss": "20 %"}
    ),
    "slow": Failure(
        "brownout", "brown-out, +80 ms", lambda case: case.link,
        forecasts.nothing("a packet that is late by less than a timer is not missed"), options={"extra": "80 ms"},
    ),
    "flap": Failure(
        "flap", "flapping, 10 s", lambda case: case.link, forecasts.flap, options={"period": "10 s"}, silent=False
    ),
    "bgp-killed": Failure(
        "kill", "BGP daemon killed",
        lambda case: f"{far_router(case)}/{case.plan.routing_of(far_router(case)).daemon}", forecasts.killed,
        silent=False,
    ),
    "frozen": Failure("freeze", "router frozen", far_router, forecasts.frozen),
    "ike-gone": Failure(
        "kill", "IKE peer gone", lambda case: f"{far_router(case)}/charon",
        forecasts.nothing("the kernel goes on with the keys it has, until they are to be renewed"),
    ),
    "tunnel": Failure("silent", "one tunnel silent", first_tunnel, forecasts.tunnel),
    "site-off": Failure(
        "off", "whole site off", lambda case: case.plan.node(case.way.far).site, forecasts.off, silent=False
    ),
}  # fmt: skip
