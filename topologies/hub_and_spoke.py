"""Hub and spoke: a transit gateway in the cloud, and sites that reach each other only through it.

hub-1 -- VPC hub, tgw --+-- dx-1 -- gw-1 -- LAN site-1 -- h1-1
                        +-- dx-2 -- gw-2 -- LAN site-2 -- h2-1
                        +-- dx-3 -- gw-3 -- LAN site-3 -- h3-1
"""

from testbed import Duration, Rate, Topology, presets


def topology(t: Topology) -> None:
    """A transit gateway announces what it learns, so that spokes know each other."""
    spokes = t.param("spokes", int, "3", "how many sites hang on the hub")
    hosts = t.param("hosts", int, "1", "how many hosts each site has")
    delay = t.param("dx.delay", Duration, "5 ms", "one-way delay from the hub to the first site")
    step = t.param("dx.step", Duration, "5 ms", "how much more it is to each further site")
    rate = t.param("dx.rate", Rate, "1 Gbit/s", "port speed of each site's connection")
    daemon = t.param("routing.daemon", str, "bird", "routing daemon of all gateways", choices=("bird", "frr"))

    hub = t.vpc("hub", "10.0.0.0/16", mtu=presets.TGW_MTU.value)
    hub.hosts("hub-", hosts, zone="a")
    tgw = hub.router("tgw", kind="transit-gateway", asn=64512, daemon=daemon)

    for number in range(1, spokes + 1):
        site = t.lan(f"site-{number}", f"10.{number}.0.0/16")
        site.hosts(f"h{number}-", hosts)
        gateway = site.router(f"gw-{number}", asn=65000 + number, daemon=daemon)
        there = Duration(delay + (number - 1) * step)
        t.direct_connect(f"dx-{number}", tgw, gateway, rate=rate, delay=there, bgp=t.bgp(bfd="300 ms"))
