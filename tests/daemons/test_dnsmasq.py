"""Claims about what dnsmasq is told: its own names, and whom to ask for those of other sites."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from testbed.builder import Topology
from testbed.daemons.dnsmasq import CONFIG, Dnsmasq, render
from testbed.plan.compile import compile_plan
from testbed.plan.names import resolver_on
from tests.daemons.sample import check_golden, program
from tests.plan.shipped import plan_of

RESOLVERS = ("aws-dns", "dc-dns")


def config(node: str) -> str:
    plan = plan_of("names.py")
    return Dnsmasq(plan, resolver_on(plan, node)).configs()[CONFIG]


@pytest.mark.parametrize("node", RESOLVERS)
def test_the_configuration_is_the_golden_one(node: str) -> None:
    check_golden(f"dnsmasq/{node}.conf", config(node))


@pytest.mark.parametrize("node", RESOLVERS)
def test_dnsmasq_understands_it(node: str, tmp_path: Path) -> None:
    file = tmp_path / CONFIG
    file.write_text(config(node), encoding="utf-8")
    done = subprocess.run(
        [program("dnsmasq"), "--test", f"--conf-file={file}"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (0, "dnsmasq: syntax check OK.")


def test_it_asks_nobody_for_its_own_names_and_only_whom_it_may() -> None:
    lines = config("dc-dns").splitlines()
    assert "local=/dc.internal/" in lines and "no-resolv" in lines
    assert [line for line in lines if line.startswith("server=")] == ["server=/aws.internal/10.0.2.10"]


def test_answers_from_a_site_with_a_mapped_range_are_translated() -> None:
    t = Topology("mapped")
    for number, (name, seen_as) in enumerate((("one", ""), ("two", "100.64.0.0/16")), start=1):
        site = t.lan(name, f"10.{number}.0.0/16", seen_as=seen_as)
        site.resolver(site.host(f"{name}-1"))
        site.router(f"gw-{number}", asn=65000 + number)
    t.link("wan", "gw-1", "gw-2", bgp=t.bgp())
    plan = compile_plan(t.build(), "lab")
    lines = render(plan, resolver_on(plan, "one-1")).splitlines()
    assert "server=/two.internal/100.64.1.10" in lines and "alias=10.2.0.0,100.64.0.0,255.255.0.0" in lines
    assert not any(line.startswith("rev-server=10.2") for line in lines), "nobody there knows those addresses"
    assert "server=/one.internal/10.1.1.10" in render(plan, resolver_on(plan, "two-1"))
