"""Claims about gate 2 in a real kernel: what is asked is measured as delivered, and what is not delivered is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from testbed import Duration, Rate, Ratio, Topology
from testbed.check.receipt import judge_receipt, problems
from testbed.model import FourState, GilbertElliott, Slot
from testbed.net.apply import Network
from testbed.run.calibrate import calibrate
from tests.guest.networks import made, two_sites

NETWORK = two_sites
RATES = ("128 kbit/s", "1 Mbit/s", "10 Mbit/s", "100 Mbit/s", "1 Gbit/s", "2.5 Gbit/s", "10 Gbit/s")


def _percent(text: str) -> Ratio:
    return Ratio.parse(f"{text} %")


def _every_setting(t: Topology) -> None:
    site = t.vpc("site", "10.0.0.0/16")
    site.host("near", zone="a", delay="3 ms")
    site.host("lossy", zone="a", delay="8 ms", jitter="1 ms", loss="1 %")
    a, b = site.router("ra", asn=64512), t.lan("lan", "192.168.0.0/16").router("rb", asn=65000)
    for number, rate in enumerate(RATES):
        t.link(f"shaped{number}", a, b, rate=rate, delay="5 ms")
        t.link(f"policed{number}", a, b, rate=rate, policed=True, delay="1 ms")
    t.link("jumbo", a, b, rate="10 Gbit/s", mtu=9000)
    t.link("normal", a, b, delay="20 ms", jitter="2 ms")
    t.link("uniform", a, b, delay="20 ms", jitter="2 ms", distribution="uniform")
    t.link("pareto", a, b, delay="20 ms", jitter="5 ms", distribution="pareto", rate="100 Mbit/s")
    t.link("free", a, b, delay="200 ms", jitter="10 ms", ordered=False, loss="0.5 %")
    t.link("loss", a, b, loss="1 %", delay="5 ms", rate="1 Gbit/s", policed=True)
    t.link("correlated", a, b, loss="1 %", loss_correlation="25 %", delay="5 ms")
    t.link("heavy", a, b, loss="50 %", delay="5 ms", rate="1 Gbit/s")
    t.link("light", a, b, loss="0.01 %", delay="5 ms")
    t.link("gilbert", a, b, loss=GilbertElliott(p=_percent("1"), r=_percent("25")), rate="50 Mbit/s")
    states = FourState(p13=_percent("2"), p31=_percent("30"), p32=_percent("20"), p23=_percent("40"), p14=_percent("1"))
    t.link("four", a, b, loss=states)
    t.link("duplicate", a, b, duplicate="2 %", delay="5 ms", loss="2 %")
    t.link("corrupt", a, b, corrupt="2 %", delay="5 ms")
    t.link("reorder", a, b, reorder="10 %", delay="15 ms", reorder_gap=5)
    ten = Duration.parse("10 ms")
    t.link("slots", a, b, delay="15 ms", slot=Slot(min=ten, max=ten, packets=8), rate="10 Mbit/s")
    t.link(
        "mix", a, b, delay="15 ms", jitter="1 ms", loss="1 %", duplicate="1 %", corrupt="1 %", reorder="5 %",
        rate="100 Mbit/s",
    )  # fmt: skip


def _found(network: Network, scratch: Path) -> list[str]:
    raw = calibrate(network, scratch, lambda text: None)
    return problems(judge_receipt(raw, network.plan, "virtual"))


def check_every_setting_is_delivered_as_asked(network: Network, scratch: Path) -> None:
    """Every impairment, and rates from 128 kbit/s to 10 Gbit/s, shaped and policed: the receipt finds no fault."""
    whole = made(_every_setting)
    found = _found(whole, scratch)
    whole.close()
    assert not found, "\n".join(found)


def check_a_link_that_delivers_something_else_is_found(network: Network, scratch: Path) -> None:
    """Each setting changed behind the plan's back is named, in its direction alone."""
    link = network.plan.link("wan")
    planned = link.a_to_b
    for changed, word in (
        (replace(planned, delay=Duration.parse("10.02 ms")), "delay"),
        (replace(planned, jitter=Duration.parse("1 ms")), "jitter"),
        (replace(planned, loss=_percent("1")), "loss"),
        (replace(planned, duplicate=_percent("1")), "duplicates"),
        (replace(planned, corrupt=_percent("1")), "corruption"),
        (replace(planned, loss=_percent("100")), "could not be measured"),
    ):
        network.impair("wan", "a_to_b", changed)
        found = _found(network, scratch)
        assert any(word in problem for problem in found), (word, found)
        assert all(problem.startswith("link wan, a_to_b: ") for problem in found), found
    network.impair("wan", "a_to_b", planned)
    for rate in ("97 Mbit/s", "103 Mbit/s", "1 Mbit/s", "1 Gbit/s"):
        network.reshape("wan", "b_to_a", Rate.parse(rate))
        found = _found(network, scratch)
        assert any(problem.startswith("link wan, b_to_a: rate ") for problem in found), (rate, found)
        assert all(problem.startswith("link wan, b_to_a: ") for problem in found), found


def check_calibration_leaves_the_network_as_it_was(network: Network, scratch: Path) -> None:
    """Afterwards a second calibration finds the same delay, rate and MTU: nothing is left in queues."""
    first, second = (calibrate(network, scratch, lambda text: None)["links"] for _ in range(2))
    for before, after in zip(first, second, strict=True):
        assert abs(before["delay_ns"]["median"] - after["delay_ns"]["median"]) < 1000
        assert abs(before["rate_bit_s"] - after["rate_bit_s"]) < 0.001 * before["rate_bit_s"]
        assert before["mtu"] == after["mtu"] == 1500
