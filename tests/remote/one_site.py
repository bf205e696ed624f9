"""One site with two hosts."""

from testbed import Topology


def topology(t: Topology) -> None:
    """No link, no routing, no daemon."""
    t.lan("office", "192.168.0.0/16").hosts("host-", 2)
