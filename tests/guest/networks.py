"""Networks without daemons to try things on, and how checks are run: ``python -m tests.guest.networks MODULE [WORD]``.

A check is a function ``check_...(network, scratch)`` in a module with ``NETWORK``, which declares its topology. It
needs a kernel with virtual time, CAP_NET_ADMIN and CAP_SYS_ADMIN. Each check gets a network of its own.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from testbed import Topology
from testbed.net import messages
from testbed.net.apply import Network
from testbed.plan.compile import compile_plan
from testbed.probe.pace import quiet

SEED = 7
SETTLE_S = 2.0
"""After this the kernel's link watch has come round, and every interface sends."""


def made(declare: Callable[[Topology], None], seed: int = SEED) -> Network:
    """An applied network."""
    topology = Topology("check")
    declare(topology)
    topology.parameters.check()
    network = Network(compile_plan(topology.build(), "check"), seed)
    network.apply()
    return network


def two_sites(t: Topology) -> None:
    """Host ``a`` -- router ``ra`` -- link ``wan`` (10 ms, 100 Mbit/s) -- router ``rb`` -- host ``b``."""
    first = t.vpc("first", "10.0.0.0/16", mtu=1500)
    first.host("a", zone="a")
    ra = first.router("ra", asn=64512)
    second = t.lan("second", "192.168.0.0/16")
    second.host("b")
    rb = second.router("rb", asn=65000)
    t.link("wan", ra, rb, delay="10 ms", rate="100 Mbit/s")


def join(network: Network) -> None:
    """Give the routers of :func:`two_sites` static routes to each other's site."""
    link = network.plan.link("wan")
    for here, there, prefixes in (
        ("ra", link.b, ("192.168.0.0/16", "fd00:0:2::/48")), ("rb", link.a, ("10.0.0.0/16", "fd00:0:1::/48")),
    ):  # fmt: skip
        for prefix, via in zip(prefixes, (there.address, there.address6), strict=True):
            network.channel(here).send([messages.route(here, prefix, via=via)])


def main() -> int:
    """Run the checks of a module whose names hold one of the words; return how many failed."""
    module = importlib.import_module(f"tests.guest.{sys.argv[1]}")
    failed = 0
    quiet()
    for name, check in vars(module).items():
        if not name.startswith("check_") or (sys.argv[2:] and not any(word in name for word in sys.argv[2:])):
            continue
        print(name.removeprefix("check_").replace("_", " "), flush=True)
        network = made(module.NETWORK)
        time.sleep(SETTLE_S)
        with tempfile.TemporaryDirectory() as scratch:
            try:
                check(network, Path(scratch))
            except Exception:
                failed += 1
                traceback.print_exc(file=sys.stdout)
        network.close()
    print(f"{failed} failed", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
