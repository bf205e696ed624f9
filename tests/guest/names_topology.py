"""Three sites with resolvers. The second is seen as another range; the third has no rule for the others' names."""

from testbed import Topology


def topology(t: Topology) -> None:
    """Links from the first site to both others."""
    routers = []
    for number, name in enumerate(("a", "b", "c"), start=1):
        seen_as = "100.64.16.0/20" if name == "b" else ""
        site = t.lan(f"site-{name}", f"192.168.{16 * number}.0/20", seen_as=seen_as)
        site.host(name)
        others = {"a": ["site-b", "site-c"], "b": ["site-a"], "c": []}[name]
        site.resolver(site.host(f"{name}-dns"), domain=f"{name}.example", ttl="1 s", forwards_to=others)
        routers.append(site.router(f"gw-{name}", asn=65000 + number))
    for name, router in zip(("ab", "ac"), routers[1:], strict=True):
        t.link(name, routers[0], router, delay="2 ms", bgp=t.bgp(hold="900 s"))
