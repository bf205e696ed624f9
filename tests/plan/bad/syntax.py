from testbed import Topology


def topology(t: Topology) -> None:
    t.vpc('aws', '10.0.0.0/16'
