from testbed import Topology


def topology(t: Topology) -> None:
    small = t.lan("small", "10.1.0.0/28")
    small.hosts("s-", 6)
    zones = t.vpc("zones", "10.2.0.0/24")
    zones.host("z-a", zone="a")
    zones.host("z-b", zone="b")
    tight = t.lan("tight", "10.3.0.0/16")
    tight.subnet("narrow", "10.3.1.0/30", cidr6="fd00:0:3:1::/127")
    tight.host("t-1", subnet="narrow")
