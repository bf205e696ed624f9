"""Claims about plans as JSON: nothing is lost, and the committed schemas are those of the code."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from testbed.builder import Topology
from testbed.plan.compile import compile_plan
from testbed.plan.plan import Plan
from testbed.plan.schema import model_schema, plan_from_json, plan_json, plan_schema, schema_text
from tests.plan.shipped import SHIPPED, plan_of

DOCS = Path(__file__).parents[2] / "docs" / "schema"


def everything() -> Plan:
    """A plan with each union member and each optional part."""
    t = Topology("everything")
    a = t.vpc("aws", "10.0.0.0/16")
    b = t.lan("dc", "192.168.0.0/16", ospf=True)
    a.host("aws-1", zone="a", delay="1 ms", rate="1 Gbit/s")
    b.host("dc-1")
    vgw, cgw = a.router("vgw", asn=64512, ecmp=2), b.router("cgw", asn=65000, blocks_icmp=True)
    b.router("cgw-2", asn=65000)
    bgp = t.bgp(bfd="300 ms", med=(1, None), communities=((65000, 1),), prefix_limit=100)
    t.direct_connect("ge", vgw, cgw, hosted=True, loss=t.gilbert_elliott(p="1 %", r="30 %"), bgp=bgp)
    t.direct_connect("four", vgw, cgw, loss=t.four_state(p13="1 %", p31="99 %"), slot=t.slot(min="1 ms", max="2 ms"))
    t.link("table", vgw, cgw, delay="9 ms", jitter="1 ms", distribution="table", table=["1 ms", "2 ms", "4 ms"])
    inet = t.internet()
    t.attach(vgw, inet)
    t.attach(cgw, inet)
    t.vpn("vpn", vgw, cgw, routing="static")
    return compile_plan(t.build(), "lab", {"x": "5 ms"})


def kinds(value: Any) -> Any:
    """A value with the type of each part: a Duration that comes back as an int is equal, but not the same."""
    if is_dataclass(value):
        return type(value), [kinds(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, tuple | list):
        return type(value), [kinds(item) for item in value]
    return type(value), value


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_plan_comes_back_from_json_as_it_was(name: str) -> None:
    plan = plan_of(name)
    assert kinds(plan_from_json(plan_json(plan))) == kinds(plan)


def test_every_part_of_a_plan_comes_back_as_it_was() -> None:
    plan = everything()
    assert kinds(plan_from_json(plan_json(plan))) == kinds(plan)


@pytest.mark.parametrize("change", [("lab", 5), ("nodes", "none"), ("links", [{"name": "x"}])])
def test_what_is_no_plan_is_refused(change: tuple[str, object]) -> None:
    data = json.loads(plan_json(everything()))
    data[change[0]] = change[1]
    with pytest.raises(ValidationError):
        plan_from_json(json.dumps(data))


def test_a_quantity_out_of_range_is_refused() -> None:
    text = plan_json(everything())
    rate = '"rate": 1000000000'
    assert rate in text
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        plan_from_json(text.replace(rate, '"rate": 0'))


@pytest.mark.parametrize(("name", "schema"), [("plan", plan_schema), ("topology", model_schema)])
def test_the_committed_schema_is_current(name: str, schema: Any) -> None:
    """``python scripts/docs.py`` writes them."""
    assert (DOCS / f"{name}.json").read_text(encoding="utf-8") == schema_text(schema())


def test_the_schema_of_topologies_allows_references_and_no_null() -> None:
    text = schema_text(model_schema())
    assert '"null"' not in text
    assert r"\\$\\{[^}]+\\}" in text
