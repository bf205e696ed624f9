"""Shares that cannot be."""

from testbed import Topology


def topology(t: Topology) -> None:
    lan = t.lan("office", "192.168.0.0/16")
    lan.router("gw", asn=65000)
    lan.host("a")
    lan.host("b")
    t.nfs("one", "a", "a", timeo="10 us", retrans=-1, nconnect=17)
    t.nfs("two", "a", "gw", rsize="1000 B", wsize="2 MiB", size="1 B", version="3", lost="never", colour="red",
          others=["c"])
    t.nfs("three", "a", "b", kind="efs", nconnect=4, version="4.2")
    t.nfs("three", "b", "a", kind="afs")
