"""Claims about ends of probes that an agent holds in another process, as in a pod, with nothing but Python there."""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO

import pytest

from testbed.check.connects import RESULTS
from testbed.errors import RunError
from testbed.probe import ping, tcp, tcp_stream, udp
from testbed.probe.agent import packed, unpacked
from testbed.probe.ends import End, Task
from testbed.probe.parcel import COMMAND, files, parcel
from testbed.probe.place import Place
from testbed.probe.remote import RemoteAgent
from testbed.units import Duration

HERE = Place("pod", "127.0.0.1")
INTERVAL = Duration.parse("10 ms")


@dataclass
class Pipe:
    """A line to an agent that is a child of ours, begun as it is in a pod."""

    argv: tuple[str, ...] = (sys.executable, *COMMAND[1:])
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        # What is executed in a pod leads a session of its own.
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}, start_new_session=True
        )

    def send(self, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def receive(self, within_s: float) -> bytes:
        assert self.process.stdout
        if not select.select([self.process.stdout], [], [], within_s)[0]:
            raise TimeoutError("nothing was said")
        line = self.process.stdout.readline()
        if not line:
            raise ConnectionResetError("it ended")
        return line

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


@dataclass(frozen=True)
class Pod:
    """Ends that one agent holds."""

    agent: RemoteAgent
    one_clock: bool = False

    def begin(self, node: str, name: str, task: Task) -> End:
        return self.agent.begin(name, task)

    def ahead_ns(self, node: str) -> int:
        return self.agent.clock.ahead_ns


@pytest.fixture
def pod() -> Iterator[Pod]:
    agent = RemoteAgent("pod", Pipe())
    yield Pod(agent)
    agent.close()


def test_every_probe_between_pods_measures_as_it_does_in_a_lab(pod: Pod) -> None:
    begun = time.time_ns()
    stream = udp.start(pod, "udp", HERE, HERE._replace(address="127.0.0.2"), INTERVAL, 45001, begun)
    asked = ping.start(pod, "ping", HERE, HERE, INTERVAL, 77, begun)
    opened = tcp.start(pod, "tcp", HERE, HERE, INTERVAL, 45002, begun)
    refused = tcp.start(pod, "refused", HERE, HERE, INTERVAL, 45003, begun, serve=False)
    kept = tcp_stream.start(pod, "stream", HERE, HERE, INTERVAL, 45004, begun)
    time.sleep(0.5)
    packets = stream.finish(0.1)
    took = time.time_ns() - begun
    assert len(packets) > 10
    assert all(0 < sent < back < took and reached is None for _, sent, reached, back in packets if back)
    assert [back for *_, back in packets].count(None) <= 1
    assert [row[2] is not None for row in asked.finish(0.1)].count(True) > 10
    assert {RESULTS[row[3]] for row in opened.finish()} == {"ok"}
    assert {RESULTS[row[3]] for row in refused.finish()} == {"refused"}
    looks = kept.finish()
    assert kept.ended is None
    assert looks[-1][1] >= 10_000


def test_the_clock_there_is_ours_to_within_what_asking_took(pod: Pod) -> None:
    assert abs(pod.agent.clock.ahead_ns) <= pod.agent.clock.within_ns


def test_what_goes_wrong_there_is_told_here(pod: Pod) -> None:
    with pytest.raises(RunError, match="Cannot assign requested address"):
        udp.start(pod, "udp", HERE._replace(address="192.0.2.1"), HERE, INTERVAL, 45005, 0)
    again = udp.start(pod, "udp", HERE, HERE._replace(address="127.0.0.2"), INTERVAL, 45005, 0)
    time.sleep(0.1)
    assert again.finish()


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as made:
        return made.connect_ex(("127.0.0.1", port)) == 0


def test_when_the_line_is_cut_all_that_was_begun_there_ends() -> None:
    pipe = Pipe()
    RemoteAgent("other", pipe).begin("server", tcp.Accepting("127.0.0.1", 45006))
    assert listens(45006)
    pipe.close()
    deadline = time.monotonic() + 10
    while listens(45006):
        assert time.monotonic() < deadline


def test_an_agent_that_dies_is_told_by_where_it_was() -> None:
    pipe = Pipe()
    agent = RemoteAgent("pod client", pipe)
    pipe.process.kill()
    pipe.process.wait()
    with pytest.raises(RunError, match="pod client: the connection with the probes there is lost"):
        agent.ask("hello")
    agent.close()


def test_a_python_that_is_too_old_is_told_with_its_version() -> None:
    old = f"import sys\nsys.version_info = (3, 9, 2)\n{COMMAND[-1]}"
    pipe = Pipe((sys.executable, "-I", "-S", "-c", old))
    with pytest.raises(RunError, match=r"its Python is 3\.9, and the probes need 3\.11"):
        RemoteAgent("pod", pipe)
    pipe.close()


def test_what_is_sent_is_small_and_the_same_each_time() -> None:
    size, _, data = parcel().partition(b"\n")
    with zipfile.ZipFile(BytesIO(data)) as archive:
        names = archive.namelist()
    assert int(size) == len(data) < 200_000
    assert {"testbed/__init__.py", "testbed/probe/agent.py", "testbed/probe/udp.py", "testbed/units.py"} <= set(names)
    assert not [name for name in names if name.startswith(("testbed/net/apply", "testbed/kubernetes", "testbed/run"))]
    assert parcel.__wrapped__() == parcel()


def test_what_is_for_types_alone_or_loaded_late_stays_behind() -> None:
    assert {file.name for file in files("testbed")} == {"__init__.py"}


def test_numbers_come_back_as_they_were() -> None:
    numbers = [0, -1, 2**62, 7]
    assert list(unpacked(packed(numbers))) == numbers
