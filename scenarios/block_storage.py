"""What volumes give: fio against each class's documented limits, and a volume stretched across a link."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from testbed import Duration, Lab, Measurement, Profile, Result, Scenario, Size, some
from testbed.check import fio
from testbed.stores import Volume
from testbed.theory import storage, volumes
from testbed.theory.interval import Expectation

T = TypeVar("T")
LINK, STRETCHED = "wan", "stretched"
WITHIN = 0.02
"""What a rate may differ from a documented limit; the requirement of the design."""
EARNED = Duration.parse("10 s")
"""How long st1 is measured after a burst: what it earns between two loads is then less than a hundredth; arbitrary."""
KIB, MIB = 2**10, 2**20
ROUNDS = 100
"""A load on the stretched volume lasts so many round trips; arbitrary."""

LIMITS = {
    "gp3-4k": ("gp3", Profile("randread", Size(4 * KIB), 64)),
    "gp3-mixed": ("gp3", Profile("randrw", Size(4 * KIB), 64, read=75)),
    "gp3-128k": ("gp3", Profile("randread", Size(128 * KIB), 64)),
    "io2-16k": ("io2", Profile("randwrite", Size(16 * KIB), 64)),
    "st1-1m": ("st1", Profile("read", Size(MIB), 16)),
}
SERIAL = {
    "gp3-qd1": ("gp3", Profile("randread", Size(4 * KIB))),
    "io2-qd1": ("io2", Profile("randwrite", Size(4 * KIB))),
}
ACROSS = {"stretched-read": Profile("randread", Size(4 * KIB)), "stretched-write": Profile("randwrite", Size(4 * KIB))}

scenario = Scenario(
    topology="../topologies/volumes.py",
    question="Does each volume give what is documented, and what does one across a link?",
    hypothesis="the documented limit, in requests or bytes a second; across a link 1 / RTT for each request under way",
    refuted_by="a rate more than 2 % away from that",
)
scenario.param("loads", some(*LIMITS, *SERIAL, *ACROSS), "all", "what is asked of the volumes, with commas between")
scenario.param("duration", Duration, "2 s", "how long each load lasts")
scenario.param("burst", Duration, "0 s", "how long st1 is read first, uncounted: its credits may run out")
scenario.chart("iops", "Requests a second", {"": "iops_*"})
scenario.chart("times", "Time of a request", {each: f"{each}_*" for each in fio.QUANTILES.values()})


@scenario.run
def run(lab: Lab) -> None:
    """Each load, one after the other."""
    lasts = lab.value("duration", Duration)
    for name, (store, profile) in asked(lab, LIMITS | SERIAL):
        long = lasts
        if store == "st1" and lab.value("burst", Duration):
            lab.storage.fio(store, profile, lab.value("burst", Duration), name="st1-burst")
            long = Duration(max(lasts, EARNED))
        lab.storage.fio(store, profile, long, name=name)
    rtt = rtt_of(lab)
    for name, profile in asked(lab, ACROSS):
        lab.storage.fio(STRETCHED, profile, Duration(max(lasts, ROUNDS * rtt)), name=name, ramp=Duration(3 * rtt))


def asked(holder: Lab | Result, among: Mapping[str, T]) -> list[tuple[str, T]]:
    """The loads that were asked for, in the order of the file."""
    names = holder.value("loads", tuple)
    return [(name, load) for name, load in among.items() if name in names]


def rtt_of(where: Lab | Result) -> Duration:
    """Both delays of the link."""
    link = where.plan.link(LINK)
    return Duration(link.a_to_b.delay + link.b_to_a.delay)


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """Rates beside limits, times beside the class's band, and the stretched volume beside the RTT."""
    for name, (store, profile) in asked(result, LIMITS):
        parts = [fio.found(result.history, name, way) for way in fio.ways(profile.pattern)]
        known = [part for part in parts if part is not None]
        iops = sum(part.iops for part in known) if len(known) == len(parts) else None
        yield Measurement.against(f"iops_{name}", iops, limit(result, store, profile).within(WITHIN), better="higher")
        mib_s = sum(part.byte_s for part in known) / MIB
        yield Measurement(f"throughput_{name}", mib_s, "MiB/s", better="higher")
        yield from quantiles(name, known)
    for name, (store, profile) in asked(result, SERIAL):
        part = fio.found(result.history, name, fio.ways(profile.pattern)[0])
        volume = result.plan.volume(store)
        expected = volumes.one_at_a_time(volume.kind, have(volume), part.requests if part else 1).scaled(1000, "ms")
        yield Measurement.against(f"mean_{name}", 1000 * part.mean_s if part else None, expected, better="lower")
        yield from quantiles(name, [part] if part else [])
    link = result.plan.link(LINK)
    for name, profile in asked(result, ACROSS):
        part = fio.found(result.history, name, fio.ways(profile.pattern)[0])
        expected = storage.operations(rtt_of(result), volumes.ASKING).within(WITHIN)
        expected = storage.at_most(expected) if link.a_to_b.loss else expected
        yield Measurement.against(f"iops_{name}", part.iops if part else None, expected, better="higher")
        yield from quantiles(name, [part] if part else [])


def quantiles(name: str, parts: list[fio.Found]) -> Iterator[Measurement]:
    """Of each way."""
    for part in parts:
        for quantile, seconds in part.quantiles_s.items():
            yield Measurement(f"{quantile}_{part.way}_{name}", 1000 * seconds, "ms", better="lower")


def have(volume: Volume) -> volumes.Limits:
    """Its class's limits for its size and what was provisioned."""
    return volumes.limits(volume.kind, volume.size, volume.iops, volume.credits)


def limit(result: Result, store: str, profile: Profile) -> Expectation:
    """What the volume's class documents; st1's base rate once its credits are gone."""
    volume = result.plan.volume(store)
    limits = have(volume)
    gone = limits.credits_max > 0 and result.value("burst", Duration).seconds > volumes.burst_lasts(limits)
    return volumes.saturated(volume.kind, limits, profile.block, limits.base_s if gone else None)
