"""How one end in a cluster reaches an end in another, before anything is measured there. Leaves events."""

from __future__ import annotations

from testbed.probe.attempts import largest, open_tcp
from testbed.run.lab import Lab


def ask(lab: Lab, source: str, target: str, port: int) -> None:
    """Open a TCP connection, and find the largest packet: events ``source``, and ``path.mtu`` where there is a way.

    Args:
        lab: that is up.
        source: name for probes of who asks.
        target: of who is asked.
        port: of the target.
    """
    near, far = lab.probe.place(source), lab.probe.place(target)
    spaces = lab.network.namespaces
    try:
        seen = open_tcp(spaces, near, far, port)
    except OSError as error:
        lab.note("source", source=source, target=target, to=far.known_as, seen="", error=error.errno)
        return
    lab.note("source", source=source, target=target, to=far.known_as, seen=seen, error=0)
    most = max(cable.mtu for cable in lab.plan.cables)
    lab.note("path.mtu", source=source, target=target, family=4, mtu=largest(spaces, near, far, port, most))
