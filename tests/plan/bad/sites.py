from testbed import Topology


def topology(t: Topology) -> None:
    aws = t.vpc("aws", "10.0.0.0/16", mtu=100)
    aws.host("aws-1", zone="a")
    aws.router("vgw-1", asn=64512)
    aws.router("vgw-2", asn=64513)
    bare = t.lan("bare", "10.1.0.0/16", mtu=70000)
    bare.router("b-1", asn=65000)
    bare.router("b-2", asn=65000)
    crowd = t.lan("crowd", "10.2.0.0/16")
    crowd.host("c")
    for number in range(10):
        crowd.router(f"c-{number}", asn=65001)
