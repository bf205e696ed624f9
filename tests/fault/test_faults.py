"""Claims about faults: they compose, in any order of healing, and nothing is left when the last one is healed."""

from __future__ import annotations

import itertools
import json
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
from testbed.fault.fault import Fault
from testbed.fault.faults import Faults
from testbed.fault.programs import Programs
from testbed.history import Recorder
from testbed.model import Impairment
from testbed.net.blackholes import Blackhole
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
    t.vpn("v", a, b)
    t.parameters.check()
    return compile_plan(t.build(), "lab")


PLAN = _plan()


class FakeNetwork:
    """Remembers what it was set to."""

    def __init__(self) -> None:
        self.plan = PLAN
        self.unplugged: frozenset[int] = frozenset()
        self.lost: frozenset[Blackhole] = frozenset()
        ways = list(itertools.product((link.name for link in PLAN.links), DIRECTIONS))
        self.impairments = {way: PLAN.link(way[0]).impairment(way[1]) for way in ways}
        self.rates: dict[tuple[str, Direction], Rate | None] = {way: PLAN.link(way[0]).rate for way in ways}

    def state(self) -> object:
        """All that a fault may change."""
        return dict(self.impairments), dict(self.rates), self.unplugged, self.lost

    def impair(self, name: str, direction: Direction, impairment: Impairment) -> None:
        """As the network's."""
        self.impairments[name, direction] = impairment

    def unbroken(self, name: str, direction: Direction) -> tuple[Impairment, Rate | None]:
        """As the network's."""
        return PLAN.link(name).impairment(direction), PLAN.link(name).rate

    def rate(self, name: str, direction: Direction) -> Rate | None:
        """As the network's."""
        return self.rates[name, direction]

    def reshape(self, name: str, direction: Direction, rate: Rate | None) -> None:
        """As the network's."""
        self.rates[name, direction] = rate

    @property
    def dark(self) -> frozenset[str]:
        """As the network's."""
        return frozenset(link.name for link in PLAN.links if {link.a.port_index, link.b.port_index} & self.unplugged)

    def unplug(self, ports: frozenset[int]) -> None:
        """As the network's."""
        self.unplugged = ports

    def lose(self, holes: frozenset[Blackhole]) -> None:
        """As the network's."""
        self.lost = holes


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
        self.programs = Programs(cast(Any, self.daemons), lambda daemon: self.restarted.append(daemon.name))
        self.faults = Faults(cast(Any, self.network), self.recorder, cast(Any, self.waiter), self.programs)


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
        ("flap", "x", "a_to_b", {}), ("partition", "x,inet-ra", None, {}), ("silent", "v-1", None, {}),
        ("silent", "v", "b_to_a", {}), ("brownout", "x", None, {"loss": "5 %", "extra": "80 ms"}),
        ("off", "ra", None, {}), ("off", "two", None, {}),
    ]
)  # fmt: skip


@given(st.lists(ANY, max_size=6), st.randoms(use_true_random=False))
def test_healed_in_any_order_nothing_is_left(kinds: list[Any], order: Any) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as record:
        world = World(Path(record))
        for daemon in world.daemons:
            for program in daemon.programs.values():
                program.running = False  # no signal is sent
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


def test_a_brownout_makes_worse_what_is_there(world: World) -> None:
    first = world.faults.begin("brownout", "x", "a_to_b", loss="20 %")
    world.faults.begin("brownout", "x", loss="50 %", extra="80 ms")
    there, back = world.network.impairments["x", "a_to_b"], world.network.impairments["x", "b_to_a"]
    assert there.loss == Ratio.parse("60 %"), "half of the 80 % that are left"
    assert back.loss == Ratio.parse("50 %")
    assert there.delay == back.delay == Duration.parse("85 ms")
    world.faults.heal(first)
    assert world.network.impairments["x", "a_to_b"].loss == Ratio.parse("50 %")


def test_a_tunnel_that_is_silent_loses_what_its_own_address_sends_or_gets(world: World) -> None:
    one, other = (tunnel.outer_a for tunnel in PLAN.tunnels)
    fault = world.faults.begin("silent", "v-1")
    assert world.network.lost == {Blackhole("inet", "from", one), Blackhole("inet", "to", one)}
    world.faults.begin("silent", "v", "b_to_a")
    world.faults.heal(fault)
    assert world.network.lost == {Blackhole("inet", "to", one), Blackhole("inet", "to", other)}
    assert not world.network.dark


def test_a_node_without_power_has_no_cable_with_carrier_and_its_daemons_are_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.killpg", lambda pid, number: None)
    fault = world.faults.begin("off", "one")
    assert world.network.dark == {"x", "inet-ra"}
    assert world.daemons[0].programs["bird"].expected_to_end
    carrier = world.faults.begin("carrier", "x")
    world.faults.heal(fault)
    assert world.restarted == ["bird"]
    assert world.network.dark == {"x"}, "the other fault is still on"
    world.faults.heal(carrier)
    assert not world.network.unplugged


def test_healing_is_stamped_when_it_begins_and_all_of_it_is_done(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.killpg", lambda pid, number: None)
    fault = world.faults.begin("off", "one")
    clock = iter(range(1000, 2000))
    monkeypatch.setattr(world.recorder, "now_ns", lambda: next(clock))
    restart = world.restarted.append

    def slow(daemon: object) -> None:
        next(clock)
        restart("slow")
        raise RuntimeError("it does not start")

    monkeypatch.setattr(world.programs, "_restart", slow)
    with pytest.raises(RuntimeError):
        world.faults.heal(fault)
    healed = [json.loads(line) for line in (world.recorder.record / "events.jsonl").read_text().splitlines()][-1]
    assert (healed["kind"], healed["t_ns"]) == ("fault.heal", 1000)
    assert not world.network.unplugged, "the cables are back although a daemon is not"


def test_everything_wrong_is_told_at_once(world: World) -> None:
    with pytest.raises(InputError) as raised:
        world.faults.begin("carrier", "nosuch", "a_to_b", loss="1 %")
    assert len(raised.value.problems) == 3


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
        ("freeze", "nosuch", None, {}, "no such node or daemon"),
        ("off", "nosuch", None, {}, "neither a node nor a site"),
        ("brownout", "x", None, {}, "neither loss nor extra"),
        ("brownout", "x", None, {"loss": "5"}, "not a"),
        ("silent", "v-3", None, {}, "no such link or tunnel"),
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
