"""A host with a volume of each class, and one whose volume is stretched across a link.

app: gp3, io2, st1 -- VPC cloud, gw-cloud ==== wan ==== gw-office, LAN office -- files: nbd
"""

from testbed import Duration, Rate, Ratio, Size, Topology, optional, presets


def topology(t: Topology) -> None:
    """Volumes, and the link's numbers."""
    delay = t.param("wan.delay", Duration, "5 ms", "one-way delay")
    loss = t.param("wan.loss", Ratio, "0 %", "packets lost, each direction")
    rate = t.param("wan.rate", Rate, "10 Gbit/s", "rate of the link, IP packets and Ethernet headers")
    gp3 = t.param("gp3.iops", int, "3000", "as provisioned")
    io2 = t.param("io2.iops", int, "16000", "as provisioned")
    st1 = t.param("st1.size", Size, "1024 GiB", "of the volume: its rates grow with it")
    credits = t.param("st1.credits", optional(Size), "off", "what it may still burst at the start, or off: all it can")

    cloud = t.vpc("cloud", "10.0.0.0/16", mtu=presets.DX_MTU.value)
    cloud.host("app", zone="a")
    left = cloud.router("gw-cloud", asn=64512)
    office = t.lan("office", "192.168.0.0/16")
    office.host("files")
    right = office.router("gw-office", asn=65000)
    t.link("wan", left, right, rate=rate, delay=delay, loss=loss, bgp=t.bgp(hold="900 s"))
    t.volume("gp3", "app", "gp3", iops=gp3)
    t.volume("io2", "app", "io2", iops=io2)
    t.volume("st1", "app", "st1", size=st1, credits=credits)
    t.volume("stretched", "app", "nbd", server="files", size="256 MiB")
