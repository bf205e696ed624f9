from testbed import Topology


def topology(t: Topology) -> None:
    aws = t.vpc("aws", "10.0.0.0/16")
    private, public = aws.subnet("private"), aws.subnet("public")
    aws.router("vgw-a", asn=64513)
    t.lan("dc", "192.168.0.0/16").router("cgw", asn=65000)
    other = t.vpc("other", "10.1.0.0/16")
    other.router("vgw", asn=64512)
    t.nat_gateway("cgw", aws, subnet=public, serves=[private])
    t.nat_gateway("itself", aws, subnet=public, serves=[public, "privat"])
    t.nat_gateway("nobody", aws, subnet=public, serves=[], to=[])
    t.nat_gateway("again", aws, subnet=public, serves=[private], idle="350 ms", connections=70000)
    t.nat_gateway("where", other, subnet="public", serves=[private], to=["other", "dcc", "fd00::/8"], idel="5 s")
