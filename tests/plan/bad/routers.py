from testbed import Topology


def topology(t: Topology) -> None:
    dc = t.lan("dc", "192.168.0.0/16")
    dc.router("zero", asn=0)
    dc = t.lan("lab", "172.16.0.0/16")
    dc.router("trans", asn=23456, ecmp=0)
    dc = t.lan("big", "172.17.0.0/16")
    dc.router("large", asn=2**32)
    dc = t.lan("sub", "10.0.0.0/8")
    for number in range(11):
        dc.subnet(f"sub-{number}")
    dc.router("thirteen-char", asn=65001)
    dc = t.lan("many", "172.18.0.0/16")
    dc.router("wide", asn=65002, ecmp=17)
