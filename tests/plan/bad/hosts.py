from testbed import Topology


def topology(t: Topology) -> None:
    aws = t.vpc("aws", "10.0.0.0/16")
    aws.subnet("web", zone="a")
    aws.host("lost", subnet="wbe")
    aws.host("nowhere", zone="c")
    aws.host("unsaid")
    aws.host("slow", zone="a", rate="1 kbit/s")
    aws.host("odd", zone="a", delay="1 ms", jitter="10 ms")
    aws.host("torn", subnet="web", zone="b")
