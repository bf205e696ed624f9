"""Three sites, each with a link to both others, and a host in each: for what is stretched over three places."""

from testbed import Duration, Rate, Ratio, Topology

SITES = ("one", "two", "three")


def topology(t: Topology) -> None:
    """The links' numbers; the third site may be farther away."""
    delay = t.param("link.delay", Duration, "5 ms", "one-way delay between the sites one and two")
    far = t.param("far.delay", Duration, "5 ms", "one-way delay to the third site, from both")
    loss = t.param("link.loss", Ratio, "0 %", "packets lost on each link, each direction")
    rate = t.param("link.rate", Rate, "1 Gbit/s", "rate of each link")

    routers = []
    for number, name in enumerate(SITES, start=1):
        site = t.lan(name, f"192.168.{16 * number}.0/20")
        site.host(f"member-{number}")
        routers.append(site.router(f"gw-{number}", asn=65000 + number))
    for a, b in ((0, 1), (0, 2), (1, 2)):
        t.link(
            f"link-{a + 1}{b + 1}", routers[a], routers[b], rate=rate, delay=delay if b == 1 else far, loss=loss,
            bgp=t.bgp(hold="900 s"),
        )  # fmt: skip
