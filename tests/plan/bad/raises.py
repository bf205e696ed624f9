from testbed import Topology


def topology(t: Topology) -> None:
    t.param("delay", str, "5 ms", "a delay")
    sites = {}
    t.vpc("aws", sites["aws"])
