"""A VPC whose hosts go to the data centre through a NAT gateway: nobody there sees them, or can begin a connection.

app-1, app-2 (private) -- nat (public) -- vgw -- dx (Direct Connect, 5 ms) -- cgw -- db
"""

from testbed import Duration, Topology, presets


def topology(t: Topology) -> None:
    """A NAT gateway with AWS's idle timeout and limit, both to be changed."""
    idle = t.param("nat.idle", Duration, str(presets.NAT_IDLE.value), "after which it forgets a silent connection")
    most = t.param("nat.connections", int, str(presets.NAT_CONNECTIONS.value), "at once to one address, port, protocol")
    delay = t.param("dx.delay", Duration, "5 ms", "one-way delay of Direct Connect")

    aws = t.vpc("aws", "10.0.0.0/16")
    private, public = aws.subnet("private"), aws.subnet("public")
    aws.hosts("app-", 2, subnet=private)
    vgw = aws.router("vgw", asn=64512)
    t.nat_gateway("nat", aws, subnet=public, serves=[private], idle=idle, connections=most)

    dc = t.lan("dc", "192.168.0.0/16")
    dc.host("db")
    cgw = dc.router("cgw", asn=65000)

    t.direct_connect("dx", vgw, cgw, delay=delay)
