"""Docker in the lab's kernel: its own daemon, its data on the run's own disk, and one network, for management only."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from testbed.clock import Waiter
from testbed.clusters import MANAGEMENT_RANGE
from testbed.daemons.process import Program
from testbed.errors import Problem, RunError
from testbed.history import Recorder
from testbed.kernel.programs import ENVIRONMENT
from testbed.kubernetes.disk import IMAGE
from testbed.kubernetes.joining import Joining
from testbed.kubernetes.kind_config import CPUINFO
from testbed.net import messages
from testbed.net.apply import Network
from testbed.net.namespace import Namespaces
from testbed.net.netlink import Netlink
from testbed.plan.names import resolv_conf
from testbed.units import Duration

SCRATCH = Path("/run/engine")
"""Its files, where they are for every lab: containers that are kept were told of some. /run is the lab's own."""
DATA = SCRATCH / "data"
"""The disk. Not Docker's usual place: on the host's kernel that may be somebody else's."""
NETWORK = "kind"
"""kind's own name for it; what is there already it takes."""
BRIDGE = "management"
FOLDER = "cluster"
"""Of the record: what Docker, kind and the nodes said."""
CPU_MHZ = "cpu MHz\t\t: 1000.000"
"""kubelet refuses a machine that does not say how fast its CPU is, and the guest's kernel does not; arbitrary."""
UP_WITHIN, STOP_WITHIN_S = Duration.parse("60 s"), 60.0
"""Arbitrary, on the lab's clock."""


class Engine:
    """Docker, from start to stop."""

    def __init__(self, network: Network, waiter: Waiter, recorder: Recorder) -> None:
        self._waiter = waiter
        self._network = network
        self.scratch = SCRATCH
        self.folder = recorder.record / FOLDER
        self.cpuinfo, self.resolvers = self.scratch / "cpuinfo", self.scratch / "resolvers"
        self.environment: Mapping[str, str] = {
            # On one CPU more threads of Go only wait for each other; see the programs' shim.
            **ENVIRONMENT, "GOMAXPROCS": "1", "HOME": str(self.scratch), "TMPDIR": str(self.scratch),
            "DOCKER_HOST": f"unix://{self.scratch}/docker.sock", "KUBECONFIG": str(self.scratch / "kubeconfig"),
        }  # fmt: skip
        self._undo = contextlib.ExitStack()
        self._dockerd: Program | None = None
        self._calls = 0

    @property
    def kubeconfig(self) -> Path:
        """Where kind writes how the API server is reached from here."""
        return Path(self.environment["KUBECONFIG"])

    @property
    def namespaces(self) -> Namespaces:
        """Of the lab, where nodes live."""
        return self._network.namespaces

    def start(self, disk: Path) -> None:
        """Mount what Docker needs, start it, and make its network. ``disk``: folder with the disk of Docker's data."""
        self.scratch.mkdir(parents=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        loopback = Netlink()
        loopback.send([messages.set_up(messages.LOOPBACK_INDEX, "lo")])  # where the API server is reached
        loopback.close()
        text = Path(CPUINFO).read_text(encoding="ascii")
        self.cpuinfo.write_text(with_speed(text), encoding="ascii")
        self._write_resolvers()
        DATA.mkdir()
        self.run("mount-disk", "mount", "-o", "loop,noatime", str(disk / IMAGE), str(DATA))
        self._undo.callback(self.run, "unmount-disk", "umount", str(DATA))
        joining = Joining(self._network, self._waiter, self.scratch)
        self._undo.callback(joining.close)
        self._start_dockerd(joining)
        if not self.run("networks", "docker", "network", "ls", "--quiet", "--filter", f"name=^{NETWORK}$").strip():
            self.run(
                "network", "docker", "network", "create", "--subnet", MANAGEMENT_RANGE,
                "--opt", f"com.docker.network.bridge.name={BRIDGE}",
                "--opt", "com.docker.network.bridge.enable_icc=false", NETWORK,
            )  # fmt: skip

    def _write_resolvers(self) -> None:
        self.resolvers.mkdir()
        for cluster in self._network.plan.clusters:
            for node in cluster.nodes:
                if node.asks:
                    text = resolv_conf(self._network.plan, node.name)
                    (self.resolvers / node.name).write_text(text, encoding="utf-8")

    def _start_dockerd(self, joining: Joining) -> None:
        settings = self.scratch / "daemon.json"
        settings.write_text("{}", encoding="ascii")  # those in /etc/docker are for the machine's own, if it has one
        argv = [
            "dockerd", "--config-file", str(settings), "--data-root", str(DATA), "--exec-root",
            str(self.scratch / "exec"), "--pidfile", str(self.scratch / "docker.pid"), "--host",
            self.environment["DOCKER_HOST"], "--bridge", "none", "--userland-proxy=false", "--storage-driver",
            "overlay2", "--add-runtime", f"testbed={joining.runtime}", "--default-runtime", "testbed",
        ]  # fmt: skip
        log = self.folder / "dockerd.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=dict(self.environment),
                start_new_session=True,
            )  # fmt: skip
        program = self._dockerd = Program("the lab", "dockerd", argv, process, log)
        self._undo.callback(program.stop, STOP_WITHIN_S)
        self._waiter.watch_program(program)
        self._waiter.until(self._answers, "Docker to answer", UP_WITHIN)

    def _answers(self) -> bool:
        """Whether Docker listens: it does before all else is done, and answers when it is."""
        with socket.socket(socket.AF_UNIX) as to:
            return to.connect_ex(self.environment["DOCKER_HOST"].removeprefix("unix://")) == 0

    def run(self, name: str, *argv: str, within: str = "60 s") -> str:
        """Run a program to its end, beside the lab's own work, and return what it printed to stdout.

        Both its outputs are in the record, as ``cluster/NUMBER-NAME.log``.

        Raises:
            RunError: it failed, or took too long.
        """
        self._calls += 1
        log = self.folder / f"{self._calls:02}-{name}.log"
        out = log.with_suffix(".out")
        with out.open("wb") as stdout, log.open("wb") as stderr:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=dict(self.environment)
            )
        try:
            self._waiter.end_of(process, f"end of {name}", Duration.parse(within))
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        printed = out.read_text(encoding="utf-8", errors="replace")
        out.unlink()
        words = log.read_text(encoding="utf-8", errors="replace")
        log.write_text(f"$ {' '.join(argv)}\n{words}{printed}", encoding="utf-8")
        if process.returncode:
            tail = "\n".join((words + printed).splitlines()[-15:])
            what = f"ended with status {process.returncode}"
            raise RunError(Problem(" ".join(argv[:3]), what, f"its words: {log.name}\n{tail}"))
        return printed

    def stop(self) -> None:
        """Stop Docker and let go of its disk, which is whole then."""
        self._undo.close()

    def kill(self) -> None:
        """End Docker at once; what is on its disk is not needed any more."""
        self._undo.pop_all()
        if self._dockerd is not None:
            self._dockerd.expected_to_end = True
            self._dockerd.process.kill()


def with_speed(cpuinfo: str) -> str:
    """``/proc/cpuinfo`` with a line that says how fast each CPU is, where there is none. Pure."""
    if "cpu MHz" in cpuinfo:
        return cpuinfo
    blocks = [block for block in cpuinfo.split("\n\n") if block.strip()]
    return "".join(f"{block.rstrip()}\n{CPU_MHZ}\n\n" for block in blocks)
