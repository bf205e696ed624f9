"""Claims about faults: they compose, in any order of healing, and nothing is left when the last one is healed."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed import Topology
from testbed.errors import InputError
from testbed.fault.faults import Fault, Faults
from testbed.fault.programs import Programs
from testbed.history import Recorder
from testbed.model import Impairment
from testbed.plan.compile import compile_plan
from testbed.plan.plan import DIRECTIONS, Direction, Plan
from testbed.units import Duration, Rate, Ratio

MS = 10**6


def _plan() -> Plan:
    t = Topology("t")
    a, b = t.vpc("one", "10.0.0.0/16").router("ra", asn=64512), t.lan("two", "192.168.0.0/16").router("rb", asn=65000)
    inet = t.internet("inet")
    t.link("x", a, b, delay="5 ms", rate="1 Gbit/s")
    t.attach(a, inet)
    t.attach(b, inet)
    t.parameters.check()
    return compile_plan(t.build(), "lab")


PLAN = _plan()


class FakeNetwork:
    """Remembers what it was set to."""

    def __init__(self) -> None:
        self.plan = PLAN
        self.dark: set[str] = set()
        ways = list(itertools.product((link.name for link in PLAN.links), DIRECTIONS))
        self.impairments = {way: PLAN.link(way[0]).impairment(way[1]) for way in ways}
        self.rates: dict[tuple[str, Direction], Rate | None] = {way: PLAN.link(way[0]).rate for way in ways}

    def state(self) -> object:
        """All that a fault may change."""
        return dict(self.impairments), dict(self.rates), set(self.dark)

    def impair(self, name: str, direction: Direction, impairment: Impairment) -> None:
        """As the network's."""
        self.impairments[name, direction] = impairment

    def rate(self, name: str, direction: Direction) -> Rate | None:
        """As the network's."""
        return self.rates[name, direction]

    def reshape(self, name: str, direction: Direction, rate: Rate | None) -> None:
        """As the network's."""
        self.rates[name, direction] = rate

    def carrier(self, name: str, *, up: bool) -> None:
        """As the network's."""
        (self.dark.discard if up else self.dark.add)(name)


class FakeWaiter:
    """Time passes when it is told to."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.due: list[tuple[int, Callable[[], None]]] = []

    def at(self, monotonic_ns: int, act: Callable[[], None]) -> None:
        """As the waiter's."""
        self.due.append((monotonic_ns, act))

    def pass_until(self, now_ns: int) -> Iterator[int]:
        """Call all that is due until an instant, and say when each was."""
        while ready := sorted((entry for entry in self.due if entry[0] <= now_ns), key=lambda entry: entry[0]):
            self.due.remove(ready[0])
            self.now_ns = ready[0][0]
            ready[0][1]()
            yield self.now_ns


class FakeProgram:
    """A program that notes the signals it gets."""

    def __init__(self, name: str) -> None:
        self.name, self.running, self.expected_to_end = name, True, False
        self.process = SimpleNamespace(pid=name, wait=lambda: None)


class World:
    """Faults, and what they act on."""

    def __init__(self, record: Path) -> None:
        self.network, self.waiter = FakeNetwork(), FakeWaiter()
        self.recorder = Recorder(record)
        self.restarted: list[str] = []
        self.daemons = [
            SimpleNamespace(node="ra", name="bird", programs={"bird": FakeProgram("bird")}),
            SimpleNamespace(node="rb", name="frr", programs={n: FakeProgram(n) for n in ("zebra", "bgpd")}),
        ]
        programs = Programs(cast(Any, self.daemons), lambda daemon: self.restarted.append(daemon.name))
        self.faults = Faults(cast(Any, self.network), self.recorder, cast(Any, self.waiter), programs)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A network with nothing broken."""
    made = World(tmp_path)
    monkeypatch.setattr("testbed.fault.faults.time.monotonic_ns", lambda: made.waiter.now_ns)
    return made


ANY = st.sampled_from(
    [
        ("silent", "x", None, {}), ("silent", "x", "a_to_b", {}), ("carrier", "x", None, {}),
        ("impaired", "x", "b_to_a", {"delay": "30 ms", "rate": "1 Mbit/s"}), ("impaired", "x", None, {"loss": "1 %"}),
        ("impaired", "inet-ra", None, {"rate": "5 Mbit/s"}), ("partition", "two", None, {}), ("flap", "x", None, {}),
        ("flap", "x", "a_to_b", {}), ("partition", "x,inet-ra", None, {}),
    ]
)  # fmt: skip


@given(st.lists(ANY, max_size=6), st.randoms(use_true_random=False))
def test_healed_in_any_order_nothing_is_left(kinds: list[Any], order: Any) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as record:
        world = World(Path(record))
        before = world.network.state()
        begun = [world.faults.begin(kind, target, way, **options) for kind, target, way, options in kinds]
        order.shuffle(begun)
        for fault in begun:
            world.faults.heal(fault)
    assert world.network.state() == before
    assert not world.faults.active


def test_faults_of_one_link_compose_in_the_order_in_which_they_began(world: World) -> None:
    network, faults = world.network, world.faults
    slow = faults.begin("impaired", "x", "a_to_b", delay="30 ms", loss="1 %")
    dead = faults.begin("silent", "x")
    assert network.impairments["x", "a_to_b"].delay == Duration.parse("30 ms")
    assert network.impairments["x", "a_to_b"].loss == network.impairments["x", "b_to_a"].loss == Ratio.parse("100 %")
    faults.heal(dead)
    assert network.impairments["x", "a_to_b"].loss == Ratio.parse("1 %")
    assert network.impairments["x", "b_to_a"] == PLAN.link("x").b_to_a
    faults.heal(slow)
    assert network.impairments["x", "a_to_b"] == PLAN.link("x").a_to_b


def test_a_carrier_taken_twice_is_back_when_both_are_healed(world: World) -> None:
    first, second = world.faults.begin("carrier", "x"), world.faults.begin("carrier", "x")
    world.faults.heal(first)
    assert world.network.dark == {"x"}
    world.faults.heal(second)
    assert not world.network.dark


def test_a_flap_is_down_for_its_share_of_each_period_and_does_not_drift(world: World) -> None:
    fault = world.faults.begin("flap", "x", period="100 ms", duty="20 %")
    phases = [(0, fault.on)]
    for instant in world.waiter.pass_until(250 * MS):
        phases.append((instant // MS, fault.on))
        assert ("x" in world.network.dark) == fault.on
    assert phases == [(0, True), (20, False), (100, True), (120, False), (200, True), (220, False)]
    world.faults.heal(fault)
    assert list(world.waiter.pass_until(1000 * MS)) == [300 * MS], "the turn that was due finds it healed"
    assert not world.network.dark


def test_a_partition_cuts_exactly_the_links_that_lead_out(world: World) -> None:
    assert world.faults.begin("partition", "two").links == ("x", "inet-rb")
    assert world.faults.begin("partition", "one,two").links == ("inet-ra", "inet-rb")
    assert world.faults.begin("partition", "x").links == ("x",)


def test_killed_daemons_are_started_again_and_frozen_ones_go_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[object, signal.Signals]] = []
    monkeypatch.setattr("os.killpg", lambda pid, number: sent.append((pid, number)))
    with world.faults.start("kill", "ra"):
        assert world.daemons[0].programs["bird"].expected_to_end
    with world.faults.start("freeze", "rb/bgpd"):
        pass
    assert sent == [("bird", signal.SIGKILL), ("bgpd", signal.SIGSTOP), ("bgpd", signal.SIGCONT)]
    assert world.restarted == ["bird"]


@pytest.mark.parametrize(
    ("kind", "target", "way", "options", "words"),
    [
        ("nosuch", "x", None, {}, "no such kind"),
        ("silent", "nosuch", None, {}, "no such link"),
        ("silent", "x", None, {"delay": "1 ms"}, "no such option"),
        ("carrier", "x", "a_to_b", {}, "has no direction"),
        ("impaired", "x", None, {}, "nothing to change"),
        ("flap", "x", None, {"duty": "100 %"}, "up and down take at least"),
        ("flap", "x", "a_to_b", {"by": "carrier"}, "a carrier has no direction"),
        ("partition", "two,nosuch", None, {}, "neither a site nor a link"),
        ("kill", "ra/nosuch", None, {}, "no such daemon"),
        ("freeze", "inet", None, {}, "no such daemon"),
    ],
)
def test_what_cannot_begin_is_refused_and_leaves_nothing(
    world: World, kind: str, target: str, way: Direction | None, options: dict[str, str], words: str
) -> None:
    before = world.network.state()
    with pytest.raises(InputError, match=words):
        world.faults.begin(kind, target, way, **options)
    assert world.network.state() == before
    assert not world.faults.active


def test_a_fault_that_the_kernel_refuses_is_taken_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, direction: Direction, impairment: Impairment) -> None:
        if impairment.jitter:
            raise InputError([])
        FakeNetwork.impair(world.network, name, direction, impairment)

    monkeypatch.setattr(world.network, "impair", refuse)
    before = world.network.state()
    with pytest.raises(InputError):
        world.faults.begin("impaired", "x", jitter="1 ms", rate="1 Mbit/s")
    assert world.network.state() == before
    assert not world.faults.active


def test_a_fault_is_found_by_its_number(world: World) -> None:
    fault: Fault = world.faults.begin("silent", "x")
    assert world.faults.numbered(1) is fault
    with pytest.raises(InputError, match="no such fault is on"):
        world.faults.numbered(2)
