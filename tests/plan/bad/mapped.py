from testbed import Topology


def topology(t: Topology) -> None:
    t.lan("plain", "10.0.0.0/16").router("gw-plain", asn=65001)
    t.lan("alone", "10.0.0.0/16", seen_as="100.64.0.0/16").router("gw-alone", asn=65002)
    t.lan("size", "10.1.0.0/16", seen_as="100.65.0.0/24").router("gw-size", asn=65003)
    t.lan("taken", "10.2.0.0/16", seen_as="10.1.0.0/16").router("gw-taken", asn=65004)
    t.lan("same", "10.3.0.0/16", seen_as="100.64.0.0/16").router("gw-same", asn=65005)
    t.lan("links", "10.4.0.0/16", seen_as="169.254.0.0/16").router("gw-links", asn=65006)
    t.lan("six", "10.5.0.0/16", seen_as="fd00:9::/48").router("gw-six", asn=65007)
    t.lan("none", "10.6.0.0/16", seen_as="100.70.0.0/16").host("h-none")
    both = t.lan("both", "10.7.0.0/16", seen_as="100.71.0.0/16")
    both.host("h-both")
    both.router("gw-1", asn=65008)
    both.router("gw-2", asn=65008)
    t.nfs("across", "h-both", "h-none")
