from testbed import Topology


def topology(t: Topology) -> None:
    t.lan("bits", "10.1.2.3/16")
    t.lan("words", "ten dot zero")
    t.lan("family", "fd00:9::/48", cidr6="10.9.0.0/16")
    t.lan("multicast", "224.0.0.0/8")
    t.lan("all", "0.0.0.0/0")
    t.lan("tunnels", "169.254.0.0/24")
    t.lan("first", "10.3.0.0/16")
    t.lan("second", "10.3.128.0/17")
    site = t.lan("subnets", "10.4.0.0/16")
    site.subnet("a", "10.4.1.0/24")
    site.subnet("b", "10.4.1.128/25")
    site.subnet("c", "10.5.0.0/24")
    site.subnet("d", "10.4.1.300/24")
    site.subnet("a", "10.4.9.0/24", cidr6="10.4.10.0/24")
