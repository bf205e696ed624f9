"""A file server across a link, for storage: a client in the cloud mounts what a data centre serves.

app -- VPC cloud, gw-cloud ==== wan ==== gw-office, LAN office -- files
"""

from testbed import Duration, Rate, Ratio, Size, Topology, presets


def topology(t: Topology) -> None:
    """The link's numbers, and how the share is mounted."""
    delay = t.param("wan.delay", Duration, "5 ms", "one-way delay")
    loss = t.param("wan.loss", Ratio, "0 %", "packets lost, each direction")
    rate = t.param("wan.rate", Rate, "1 Gbit/s", "rate of the link, IP packets and Ethernet headers")
    kind = t.param(
        "share.mount", str, "nfs", "mounted as NFS 4.2, or as AWS tells to mount EFS", choices=("nfs", "efs")
    )
    lost = t.param("share.lost", str, "hard", "a server that is silent", choices=("hard", "soft", "softerr"))
    timeo = t.param("share.timeo", Duration, "60 s", "how long a request may go unanswered")
    retrans = t.param("share.retrans", int, "2", "how many more of these until it has failed")
    rsize = t.param("share.rsize", Size, "1 MiB", "most that one READ carries")
    wsize = t.param("share.wsize", Size, "1 MiB", "most that one WRITE carries")
    nconnect = t.param("share.nconnect", int, "1", "TCP connections")
    sync = t.param("share.sync", str, "async", "whether write(2) waits for the server", choices=("async", "sync"))

    disk = t.param("share.disk", str, "memory", "what the server keeps it on", choices=("memory", "gp3", "io2", "st1"))
    hold = t.param("wan.hold", Duration, "900 s", "BGP's hold time: long, so that routes outlive an outage")

    cloud = t.vpc("cloud", "10.0.0.0/16", mtu=presets.DX_MTU.value)
    cloud.host("app", zone="a")
    left = cloud.router("gw-cloud", asn=64512)
    office = t.lan("office", "192.168.0.0/16")
    office.host("files")
    right = office.router("gw-office", asn=65000)
    t.link("wan", left, right, rate=rate, delay=delay, loss=loss, bgp=t.bgp(hold=hold))
    if disk != "memory":
        t.volume("disk", "files", disk)
    t.nfs(
        "share", "app", "files", kind=kind, lost=lost, timeo=timeo, retrans=retrans, rsize=rsize, wsize=wsize,
        nconnect=nconnect, sync=sync == "sync", on="disk" if disk != "memory" else "",
    )  # fmt: skip
