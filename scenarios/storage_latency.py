"""What storage across a link gives: NFS under fio's usual loads, beside round trips and Little's law.

The loads are those of dbench and kubestr (github.com/kastenhq/kubestr, pkg/fio/fio_jobs.go), with one job each, and two
of databases: one request at a time, and fsync after each write.
"""

from collections.abc import Iterator, Mapping, Sequence

from testbed import Duration, Lab, Measurement, Profile, Ratio, Result, Scenario, Size, some
from testbed.check import files, fio
from testbed.theory import storage, throughput
from testbed.theory.interval import Expectation
from testbed.theory.mtu import TCP_TIMESTAMPS, mss

LINK, SHARE = "wan", "share"
WITHIN = 0.02
"""What a rate may differ from theory; the requirement of the design."""
SERVED = "5 ms"
"""How long the store is measured without the network; arbitrary: a thousand requests."""
ROUNDS, LOSSES, ALONE_MOST = 150, 100, 10_000
"""A load lasts at least so many round trips; one at a time under loss until so many packets should be lost, or that
many operations are through; arbitrary."""
HEADERS = Size(300)
"""Of a READ or WRITE call and its reply, RPC and NFS together, no more; arbitrary. RFC 8881 gives some 200 bytes."""
NONE = Expectation(None, None, None, "ms", "no theory")
KIB, MIB = 2**10, 2**20

PROFILES = {
    "randread-qd1": Profile("randread", Size(4 * KIB)),
    "randwrite-qd1": Profile("randwrite", Size(4 * KIB)),
    "fsync": Profile("write", Size(4 * KIB), flush=True),
    "randread-qd4": Profile("randread", Size(4 * KIB), 4),
    "randwrite-qd4": Profile("randwrite", Size(4 * KIB), 4),
    "randread-qd64": Profile("randread", Size(4 * KIB), 64),
    "randwrite-qd64": Profile("randwrite", Size(4 * KIB), 64),
    "mixed-qd64": Profile("randrw", Size(4 * KIB), 64, read=75),
    "randread-128k-qd64": Profile("randread", Size(128 * KIB), 64),
    "randwrite-128k-qd64": Profile("randwrite", Size(128 * KIB), 64),
    "read-1m-qd16": Profile("read", Size(MIB), 16),
    "write-1m-qd16": Profile("write", Size(MIB), 16),
}

METADATA, FILES = "metadata", 300
REQUESTS = {
    "4.1": {"create": 3, "stat": 1, "unlink": 2},
    "4.2": {"create": 2, "stat": 1, "unlink": 2},
}
"""Round trips for a file, by version: OPEN and SETATTR (an exclusive create keeps its verifier in the attributes), and
in 4.1 CLOSE, which a client of 4.2 that is given a delegation has no need of; LOOKUP; LOOKUP and REMOVE. Source: RFC
8881, sections 18.2, 18.16 and 18.25; RFC 9754 (open or delegation); Linux fs/nfs/nfs4proc.c."""
OF_FOLDER = 4
"""Requests of a phase that are about the folder itself; arbitrary: its attributes and rights are asked for anew."""
QUANTILES = {0.5: "p50", 0.99: "p99", 0.999: "p99.9"}

scenario = Scenario(
    topology="../topologies/storage.py",
    question="How many operations a second, and how fast, does a share across a link give?",
    hypothesis="under way / (RTT + service time), as long as the link and TCP's window carry it",
    refuted_by="a rate more than 2 % away from that, or above what the link carries",
)
scenario.param("loads", some(*PROFILES, METADATA), "all", "what is asked of the share, with commas between")
scenario.param("duration", Duration, "1 s", "how long each load lasts, at least")
scenario.chart("iops", "Operations a second", {"": "iops_*"})
scenario.chart("times", "Time of an operation", {each: f"{each}_*" for each in QUANTILES.values()})
scenario.chart("throughput", "Throughput", {"": "throughput_*"})
scenario.chart("files", "Files a second", {"": "files_*"})


@scenario.run
def run(lab: Lab) -> None:
    """Each load on the share, and on its server."""
    rtt, loss = rtt_of(lab), loss_of(lab)
    lasts = Duration(max(lab.value("duration", Duration), ROUNDS * rtt))
    lab.note("tcp.window", bytes=lab.storage.tcp_window(SHARE))
    for name in lab.value("loads", tuple):
        if name == METADATA:
            lab.storage.files(SHARE, FILES, name=f"{METADATA}-served", behind=True)
            lab.storage.files(SHARE, FILES, name=METADATA)
            continue
        profile = PROFILES[name]
        lab.storage.fio(SHARE, profile, SERVED, name=f"{name}-served", behind=True)
        enough = lasts
        if loss and profile.depth == 1:
            rate = storage.lossy(rtt, Duration(0), loss, ROUNDS).expected or 1.0
            enough = Duration(max(lasts, round(min(LOSSES / (2 * loss), ALONE_MOST) / rate * 10**9)))
        lab.storage.fio(SHARE, profile, enough, name=name, ramp=Duration(3 * rtt))


def rtt_of(holder: Lab | Result) -> Duration:
    """Both delays of the link."""
    link = holder.plan.link(LINK)
    return Duration(link.a_to_b.delay + link.b_to_a.delay)


def loss_of(holder: Lab | Result) -> float:
    """Share of packets that the link loses each way."""
    loss = holder.plan.link(LINK).a_to_b.loss
    assert isinstance(loss, Ratio)  # what the topology sets
    return loss.fraction


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """Rate, quantiles and Little's law of each load."""
    for name in result.value("loads", tuple):
        if name == METADATA:
            yield from metadata(result)
            continue
        profile = PROFILES[name]
        parts = [fio.found(result.history, name, way) for way in fio.ways(profile.pattern)]
        known = [part for part in parts if part is not None]
        iops = sum(part.iops for part in known) if len(known) == len(parts) else None
        yield Measurement.against(
            f"iops_{name}", iops, expected(result, name, profile, sum(part.requests for part in known)), better="higher"
        )
        if not iops:
            continue
        yield Measurement(f"throughput_{name}", iops * profile.block / MIB, "MiB/s", better="higher")
        if not profile.flush:
            mean = sum(part.mean_s * part.iops for part in known) / iops
            requests, slowest = sum(part.requests for part in known), max(part.slowest_s for part in known)
            between, _ = served(result, name)
            little = storage.latency(profile.depth, iops, slowest, requests / iops, between).scaled(1000, "ms")
            yield Measurement.against(f"mean_{name}", 1000 * mean, little, better="lower")
        for label, quantiles in times(result, name, known).items():
            for quantile, seconds in quantiles.items():
                theory = median(result, name) if quantile == "p50" else NONE
                yield Measurement.against(f"{quantile}_{label}", 1000 * seconds, theory, better="lower")


def times(result: Result, name: str, known: Sequence[fio.Found]) -> dict[str, Mapping[str, float]]:
    """Quantiles of the time of an operation, by the load's name, and by the way where that does not say it all."""
    flush, sync = PROFILES[name].flush, result.plan.share(SHARE).sync
    if flush and not sync:  # a write ends in the page cache, so it is the fsync that takes time
        return {name: fio.flushes_s(result.history, name)}
    plain = len(known) == 1 and not flush
    return {name if plain else f"{part.way}_{name}": part.quantiles_s for part in known}


def metadata(result: Result) -> Iterator[Measurement]:
    """Files a second in each phase, by the requests that the client's kernel counted for each, one after the other."""
    rtt = rtt_of(result)
    for phase, requests in REQUESTS[result.plan.share(SHARE).version].items():
        found, local = (files.found(result.history, name, phase) for name in (METADATA, f"{METADATA}-served"))
        if found is None or local is None:
            yield Measurement(f"files_{phase}", None, "1/s")
            continue
        service = Duration(round(1e9 / local.files_s + (found.requests - requests) * rtt))
        asked = storage.operations(rtt, service, trips=requests).within(WITHIN)
        yield Measurement.against(
            f"files_{phase}", found.files_s, storage.at_most(asked) if loss_of(result) else asked, better="higher"
        )
        usual = Expectation(
            requests, requests, requests + OF_FOLDER / FILES, "", "nfs4_do_open, nfs4_proc_lookup and _remove"
        )
        yield Measurement.against(f"requests_{phase}", found.requests, usual)
        for share, quantile in QUANTILES.items():
            yield Measurement(f"{quantile}_{phase}", 1000 * found.quantile(share), "ms", better="lower")


def expected(result: Result, name: str, profile: Profile, requests: int) -> Expectation:
    """Operations a second: round trips and service time; at most what the link and TCP's window carry."""
    link = result.plan.link(LINK)
    size = Size(profile.block + HEADERS)
    burst = Size(link.shaper.burst_bytes if link.shaper else 0)
    rtt = rtt_of(result)
    # The link is a place where requests wait for each other, as the server is.
    service = Duration(served(result, name)[1] + storage.wire(size, link.rate, burst))
    asked = storage.operations(rtt, service, depth=profile.depth)
    asked = asked.within(WITHIN) if profile.depth == 1 else storage.counted(asked, ROUNDS)
    if loss := loss_of(result):
        if profile.depth > 1 or not requests:
            return storage.at_most(asked)
        many = -(-size // (mss(link.mtu) - TCP_TIMESTAMPS))
        return storage.lossy(rtt, service, loss, requests, (1, many) if "read" in profile.pattern else (many, 1))
    window = result.history.first("tcp.window")
    assert window is not None and link.rate is not None  # the topology always sets one
    most = [throughput.tcp_goodput(link.rate, link.mtu)]
    connections = result.plan.share(SHARE).nconnect
    most.append(throughput.window_limit(connections * window.fields["bytes"], rtt))
    return storage.shared(asked, *(storage.carried((each.expected or 0.0) / 8, profile.block) for each in most))


def median(result: Result, name: str) -> Expectation:
    """Of the time of an operation in ms: one at a time, where nothing is lost, all take the same."""
    if PROFILES[name].depth > 1 or loss_of(result):
        return NONE
    rate = expected(result, name, PROFILES[name], 0).expected
    if rate is None:
        return NONE
    told = Expectation(1000 / rate, None, None, "ms", "RTT + service time; fio's histogram is 1.6 % coarse")
    return told.within(WITHIN + fio.COARSE)


def served(result: Result, name: str) -> tuple[float, Duration]:
    """Without the network: what fio takes between two requests, in s, and what a request takes with that."""
    parts = [fio.found(result.history, f"{name}-served", way) for way in ("read", "write")]
    known = [part for part in parts if part is not None]
    iops = sum(part.iops for part in known)
    if not iops:
        return 0.0, Duration(0)
    mean = sum(part.mean_s * part.iops for part in known) / iops
    return max(0.0, PROFILES[name].depth / iops - mean), Duration(round(1e9 / iops))
