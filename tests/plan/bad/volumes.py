"""Volumes that cannot be."""

from testbed import Topology


def topology(t: Topology) -> None:
    lan = t.lan("office", "192.168.0.0/16")
    lan.router("gw", asn=65000)
    lan.host("a")
    lan.host("b")
    t.volume("one", "c", "gp4", size="1000 B")
    t.volume("two", "a", "gp3", iops=99_999, credits="1 GiB")
    t.volume("three", "a", "nbd", server="a", iops=3000)
    t.volume("four", "a", "nbd", size="1 GiB")
    t.nfs("four", "a", "b", on="two")
