"""Claims about what a bad topology is told: everything at once, each with where, what and a hint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from testbed.builder import Topology
from testbed.errors import Exit, InputError
from testbed.load import load
from testbed.model import Model
from testbed.plan.validate import validate
from tests.daemons.sample import check_golden

BAD = Path(__file__).parent / "bad"
FILES = sorted(path for path in BAD.iterdir() if path.suffix in (".py", ".yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_bad_file_is_told_everything_that_is_wrong_with_it(path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(str(path), {})
    # Where the checkout is must not matter.
    told = str(caught.value).replace(str(BAD), "BAD").replace(str(BAD.parents[2]), "ROOT")
    check_golden(f"errors/{path.name}.txt", f"{told}\n")
    assert caught.value.exit is Exit.INPUT


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_problem_has_a_place_and_a_hint_and_is_told_once(path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(str(path), {})
    problems = caught.value.problems
    assert len(set(problems)) == len(problems)
    assert all(problem.where and problem.what for problem in problems)
    # An import that fails and the like has nothing more to say than Python has.
    assert all(problem.hint for problem in problems)


def two_sites() -> Topology:
    """Two sites without a link."""
    t = Topology("two")
    for name, cidr, asn in (("aws", "10.0.0.0/16", 64512), ("dc", "192.168.0.0/16", 65000)):
        site = t.lan(name, cidr)
        site.host(f"{name}-1")
        site.router(f"{name}-gw", asn=asn)
    return t


def model(t: Topology) -> Model:
    """What was built, without problems of single values."""
    assert t.parameters.problems == []
    return t.build()


def test_sites_that_nothing_joins_are_allowed() -> None:
    assert validate(model(two_sites())) == []


def test_hosts_in_a_site_without_a_router_are_allowed() -> None:
    t = Topology("island")
    t.lan("island", "10.0.0.0/16").hosts("i-", 3)
    assert validate(model(t)) == []


def test_two_links_between_the_same_routers_are_allowed() -> None:
    t = two_sites()
    t.direct_connect("dx-1", "aws-gw", "dc-gw")
    t.direct_connect("dx-2", "aws-gw", "dc-gw")
    assert validate(model(t)) == []


def test_an_empty_topology_is_allowed() -> None:
    assert validate(Model(name="empty")) == []


def test_a_transit_gateway_needs_no_site() -> None:
    t = two_sites()
    hub = t.transit_gateway("tgw", asn=64000)
    t.direct_connect("dx-1", hub, "aws-gw")
    t.direct_connect("dx-2", hub, "dc-gw")
    assert validate(model(t)) == []


def test_any_other_router_needs_one() -> None:
    t = two_sites()
    t.transit_gateway("tgw", asn=64000)
    built = model(t)
    homeless = tuple(replace(router, kind="customer-gateway", site="") for router in built.routers)
    assert {problem.where for problem in validate(replace(built, routers=homeless))} == {
        f"router {router.name}" for router in homeless
    }


def test_the_same_subnet_name_in_two_sites_is_no_mix_up() -> None:
    t = Topology("same")
    for name, cidr in (("one", "10.1.0.0/16"), ("two", "10.2.0.0/16")):
        site = t.lan(name, cidr)
        site.subnet("web")
        site.hosts(f"{name}-", 2, subnet="web")
    assert validate(model(t)) == []
