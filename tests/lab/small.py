"""Two sites and a link: the smallest lab with a route to lose."""

from testbed import Duration, Topology


def topology(t: Topology) -> None:
    """A host on each side."""
    delay = t.param("delay", Duration, "5 ms", "one-way delay")
    one, two = t.vpc("one", "10.0.0.0/16"), t.lan("two", "192.168.0.0/16")
    one.host("near", zone="a")
    two.host("far")
    t.link(
        "wan", one.router("left", asn=64512), two.router("right", asn=65000), delay=delay, bgp=t.bgp(bfd="300 ms")
    )  # fmt: skip
