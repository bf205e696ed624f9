"""Resolvers that cannot be."""

from testbed import Topology


def topology(t: Topology) -> None:
    one, two, three = t.vpc("one", "10.1.0.0/16"), t.lan("two", "10.2.0.0/16"), t.lan("three", "10.3.0.0/16")
    for number, site in enumerate((one, two, three), start=1):
        site.host(f"h-{number}")
    one.router("gw", asn=64512)
    one.resolver("gw", ttl="1500 ms", forwards_to=["tow", "three", "one"])
    two.resolver("h-1", domain="One_.internal", ttl="0 s", colour="red")
    two.resolver("h-2", domain="one.internal", ttl="5 minuts")
    for number, name in ((4, "four"), (5, "five")):
        site = t.lan(name, "192.168.0.0/16", seen_as=f"100.{60 + number}.0.0/16")
        site.router(f"gw-{number}", asn=65000 + number)
        site.resolver(site.host(f"h-{number}"), forwards_to=[])
