"""Claims about YAML topologies: each key does what the builder's keyword does, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from testbed import Calico, Flannel, Taint
from testbed.builder import SiteHandle, Topology
from testbed.load import load
from testbed.model import Model
from testbed.parameters import Parameters
from testbed.yaml_topology import read_yaml

SITES = """
sites:
  aws: {kind: vpc, cidr: 10.0.0.0/16, hosts: {aws-1: {zone: a}}, routers: {vgw: {asn: 64512}}}
  dc: {kind: lan, cidr: 192.168.0.0/16, hosts: {dc-1: {}}, routers: {cgw: {asn: 65000}}}
"""


def sites(t: Topology) -> None:
    """The same by hand."""
    aws = t.vpc("aws", "10.0.0.0/16")
    aws.host("aws-1", zone="a")
    aws.router("vgw", asn=64512)
    dc = t.lan("dc", "192.168.0.0/16")
    dc.host("dc-1")
    dc.router("cgw", asn=65000)


def read(tmp_path: Path, text: str, **settings: str) -> Model:
    """What a file declares."""
    path = tmp_path / "t.yaml"
    path.write_text(text, encoding="utf-8")
    parameters = Parameters({name.replace("_", "."): value for name, value in settings.items()})
    topology = read_yaml(path, parameters)
    parameters.check()
    return topology.build()


def built(declare: Callable[[Topology], object]) -> Model:
    """What the builder makes."""
    t = Topology("t")
    sites(t)
    declare(t)
    assert t.parameters.problems == []
    return t.build()


CASES: dict[str, tuple[str, Callable[[Topology], object]]] = {
    "link": ("x: {between: [vgw, cgw]}", lambda t: t.link("x", "vgw", "cgw")),
    "impaired": (
        "x: {between: [vgw, cgw], delay: 5 ms, jitter: 1 ms, distribution: pareto, loss: 1 %, ordered: no}",
        lambda t: t.link(
            "x", "vgw", "cgw", delay="5 ms", jitter="1 ms", distribution="pareto", loss="1 %", ordered=False
        ),
    ),
    "directions": (
        "x: {between: [vgw, cgw], delay: 5 ms, b_to_a: {delay: 6 ms, reorder: 1 %, reorder_gap: 3}}",
        lambda t: t.link(
            "x", "vgw", "cgw", delay="5 ms", b_to_a=t.impairment(delay="6 ms", reorder="1 %", reorder_gap=3)
        ),
    ),
    "gilbert-elliott": (
        "x: {between: [vgw, cgw], loss: {p: 1 %, r: 30 %}}",
        lambda t: t.link("x", "vgw", "cgw", loss=t.gilbert_elliott(p="1 %", r="30 %")),
    ),
    "four-state": (
        "x: {between: [vgw, cgw], loss: {p13: 1 %, p31: 90 %}}",
        lambda t: t.link("x", "vgw", "cgw", loss=t.four_state(p13="1 %", p31="90 %")),
    ),
    "slot": (
        "x: {between: [vgw, cgw], slot: {min: 1 ms, max: 2 ms, packets: 5, bytes: 9 kB}}",
        lambda t: t.link("x", "vgw", "cgw", slot=t.slot(min="1 ms", max="2 ms", packets=5, bytes="9 kB")),
    ),
    "table": (
        "x: {between: [vgw, cgw], delay: 9 ms, jitter: 1 ms, distribution: table, table: [1 ms, 2 ms]}",
        lambda t: t.link(
            "x", "vgw", "cgw", delay="9 ms", jitter="1 ms", distribution="table", table=["1 ms", "2 ms"]
        ),
    ),
    "rates": (
        "x: {between: [vgw, cgw], rate: 1 Gbit/s, policed: yes, queue: 20 ms, mtu: 8500}",
        lambda t: t.link("x", "vgw", "cgw", rate="1 Gbit/s", policed=True, queue="20 ms", mtu=8500),
    ),
    "direct connect": (
        "x: {kind: direct-connect, between: [vgw, cgw], policed: yes}",
        lambda t: t.direct_connect("x", "vgw", "cgw", hosted=True),
    ),
    "unlimited": (
        "x: {kind: direct-connect, between: [vgw, cgw], rate: off}",
        lambda t: t.direct_connect("x", "vgw", "cgw", rate=None),
    ),
    "bgp": (
        "x: {between: [vgw, cgw], bgp: {hold: 30 s, bfd: 300 ms, bfd_multiplier: 5, local_pref: 7, med: [1, off],"
        " prepend: [0, 2], communities: [[1, 2], [3, 4]], prefix_limit: 9}}",
        lambda t: t.link(
            "x", "vgw", "cgw",
            bgp=t.bgp(
                hold="30 s", bfd="300 ms", bfd_multiplier=5, local_pref=7, med=(1, None), prepend=(0, 2),
                communities=((1, 2), (3, 4)), prefix_limit=9,
            ),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_link_in_yaml_is_the_builders(name: str, tmp_path: Path) -> None:
    text, declare = CASES[name]
    assert read(tmp_path, f"{SITES}links:\n  {text}\n") == built(declare)


def test_a_vpn_in_yaml_is_the_builders(tmp_path: Path) -> None:
    text = SITES + (
        "internet: [inet]\n"
        "vpns:\n"
        "  usual: {between: [vgw, cgw]}\n"
        "  odd: {between: [vgw, cgw], kind: wireguard, tunnels: 1, routing: static, suite: aes256gcm16, mtu: 1300,\n"
        "        nat_traversal: yes, clamp_mss: no, dpd: 40 s, ike_lifetime: 1 h, child_lifetime: 30 min,\n"
        "        rate: off, packets_per_s: off}\n"
    )

    def declare(t: Topology) -> None:
        t.internet("inet")
        t.vpn("usual", "vgw", "cgw")
        t.vpn(
            "odd", "vgw", "cgw", kind="wireguard", tunnels=1, routing="static", suite="aes256gcm16", mtu=1300,
            nat_traversal=True, clamp_mss=False, dpd="40 s", ike_lifetime="1 h", child_lifetime="30 min", rate=None,
            packets_per_s=None,
        )  # fmt: skip

    assert read(tmp_path, text) == built(declare)


def test_sites_in_yaml_are_the_builders(tmp_path: Path) -> None:
    text = (
        "about: sites\n"
        "sites:\n"
        "  web:\n"
        "    kind: lan\n"
        "    cidr: 10.1.0.0/16\n"
        "    cidr6: fd01::/48\n"
        "    mtu: 9000\n"
        "    ospf: yes\n"
        "    subnets: {front: {cidr: 10.1.5.0/24, zone: a}, back: {}}\n"
        "    hosts:\n"
        "      f-: {count: 2, zone: a, rate: 1 Gbit/s, delay: 1 ms}\n"
        "      b: {subnet: back}\n"
        "    routers:\n"
        "      gw: {asn: 65000, daemon: frr, ecmp: 4, blocks_icmp: yes, transits: yes}\n"
        "transit_gateways: {tgw: {asn: 64512}}\n"
    )
    t = Topology("t")
    t.about = "sites"
    web = t.lan("web", "10.1.0.0/16", cidr6="fd01::/48", mtu=9000, ospf=True)
    web.subnet("front", "10.1.5.0/24", zone="a")
    web.subnet("back")
    web.hosts("f-", 2, zone="a", rate="1 Gbit/s", delay="1 ms")
    web.host("b", subnet="back")
    web.router("gw", asn=65000, daemon="frr", ecmp=4, blocks_icmp=True, transits=True)
    t.transit_gateway("tgw", asn=64512)
    assert read(tmp_path, text) == t.build()


def test_guards_in_yaml_are_the_builders(tmp_path: Path) -> None:
    text = SITES + (
        "security_groups:\n"
        "  app: {hosts: [aws-1, dc-1], rules: [in tcp 443 from dc, out any to any]}\n"
        "network_acls:\n"
        "  some: {site: aws, subnets: [aws-a], rules: [deny in udp 1-1023 from any, in any from any]}\n"
        "firewalls:\n"
        "  whole: {site: dc, rules: []}\n"
    )

    def declare(t: Topology) -> None:
        t.security_group("app", ["aws-1", "dc-1"], ["in tcp 443 from dc", "out any to any"])
        aws, dc = (SiteHandle(t, name) for name in ("aws", "dc"))
        t.network_acl("some", aws, ["deny in udp 1-1023 from any", "in any from any"], subnets=["aws-a"])
        t.firewall("whole", dc, [])

    assert read(tmp_path, text) == built(declare)


def test_address_translation_in_yaml_is_the_builders(tmp_path: Path) -> None:
    text = (
        "sites:\n"
        "  aws: {kind: vpc, cidr: 10.0.0.0/16, seen_as: 100.64.0.0/16, subnets: {private: {}, public: {}}}\n"
        "  dc: {kind: lan, cidr: 10.0.0.0/16, seen_as: 100.65.0.0/16}\n"
        "nat_gateways:\n"
        "  usual: {site: aws, subnet: public, serves: [private]}\n"
        "  odd: {site: aws, subnet: public, serves: [private], to: [dc, 172.16.0.0/12], idle: 1 min, connections: 5}\n"
    )
    t = Topology("t")
    aws = t.vpc("aws", "10.0.0.0/16", seen_as="100.64.0.0/16")
    private, public = aws.subnet("private"), aws.subnet("public")
    t.lan("dc", "10.0.0.0/16", seen_as="100.65.0.0/16")
    t.nat_gateway("usual", aws, subnet=public, serves=[private])
    t.nat_gateway(
        "odd", aws, subnet=public, serves=[private], to=["dc", "172.16.0.0/12"], idle="60 s", connections=5
    )  # fmt: skip
    assert read(tmp_path, text) == t.build()


def test_clusters_in_yaml_are_the_builders(tmp_path: Path) -> None:
    text = SITES + (
        "clusters:\n"
        "  usual: {control_plane: aws}\n"
        "  odd:\n"
        "    version: 1.33\n"
        "    control_plane: dc\n"
        "    workers: {aws: 2, dc: 1}\n"
        "    cni: {name: calico, mode: bgp, mtu: 1400, asn: 64513, reflectors: 1, wireguard: yes,\n"
        "          dataplane: nftables}\n"
        "    taints: {dc: {key: where, value: here, effect: NoSchedule}}\n"
        "    pods: 10.245.0.0/16\n"
        "    services: 10.97.0.0/16\n"
        "    prefix: o-\n"
        "  flat: {control_plane: dc, prefix: f-, cni: {name: flannel, mode: host-gw, mtu: off, dataplane: nftables}}\n"
    )

    def declare(t: Topology) -> None:
        aws, dc = (SiteHandle(t, name) for name in ("aws", "dc"))
        t.cluster("usual", control_plane=aws, workers={})
        cni = Calico(mode="bgp", mtu=1400, asn=64513, reflectors=1, wireguard=True, dataplane="nftables")
        t.cluster(
            "odd", version="1.33", control_plane=dc, workers={aws: 2, dc: 1}, cni=cni, pods="10.245.0.0/16",
            taints={dc: Taint(key="where", value="here", effect="NoSchedule")}, services="10.97.0.0/16", prefix="o-",
        )  # fmt: skip
        t.cluster("flat", control_plane=dc, workers={}, prefix="f-", cni=Flannel(mode="host-gw", dataplane="nftables"))

    assert read(tmp_path, text) == built(declare)


def test_a_number_of_yaml_may_be_off(tmp_path: Path) -> None:
    text = SITES.replace("\nsites", "params: {mtu: {kind: number, optional: yes, default: off, help: m}}\nsites")
    text += 'clusters: {prod: {control_plane: aws, cni: {name: calico, mtu: "${mtu}"}}}\n'
    assert [read(tmp_path, text, **given).clusters[0].cni.mtu for given in ({}, {"mtu": "1400"})] == [None, 1400]


def test_references_stand_for_values_in_their_one_spelling_and_inside_words(tmp_path: Path) -> None:
    text = (
        "params:\n"
        "  net.delay: {kind: duration, default: 5ms, help: delay}\n"
        "  count: {kind: number, default: 3, help: hosts}\n"
        "  name: {kind: text, default: dc, help: name}\n"
        "sites:\n"
        "  dc:\n"
        "    kind: lan\n"
        "    cidr: 10.${count}.0.0/16\n"
        "    hosts:\n"
        "      h-:\n"
        "        count: ${count}\n"
        "        delay: ${net.delay}\n"
    )
    found = read(tmp_path, text, net_delay="0.007 s")
    assert [host.name for host in found.hosts] == ["h-1", "h-2", "h-3"]
    assert str(found.hosts[0].a_to_b and found.hosts[0].a_to_b.delay) == "7 ms"
    assert found.sites[0].cidr == "10.3.0.0/16"


def test_no_word_is_taken_for_something_else(tmp_path: Path) -> None:
    """YAML 1.1 reads these as a flag, a number and a time."""
    text = (
        "params:\n"
        "  a: {kind: text, default: no, help: a}\n"
        "  b: {kind: text, default: 1e3, help: b}\n"
        "  c: {kind: text, default: 12:30:00, help: c}\n"
    )
    path = tmp_path / "t.yaml"
    path.write_text(text, encoding="utf-8")
    assert load(str(path), {}).plan.parameters == {"a": "no", "b": "1e3", "c": "12:30:00"}


def test_a_site_may_have_a_resolver(tmp_path: Path) -> None:
    resolver = "resolver: {host: dc-1, domain: corp.example, ttl: 5 min, forwards_to: [aws]}"
    text = SITES.replace("hosts: {dc-1: {}}", f"hosts: {{dc-1: {{}}}}, {resolver}")
    text = text.replace("hosts: {aws-1: {zone: a}}", "hosts: {aws-1: {zone: a}}, resolver: {host: aws-1}")
    t = Topology("t")
    aws = t.vpc("aws", "10.0.0.0/16")
    aws.resolver(aws.host("aws-1", zone="a"))
    aws.router("vgw", asn=64512)
    dc = t.lan("dc", "192.168.0.0/16")
    dc.resolver(dc.host("dc-1"), domain="corp.example", ttl="5 min", forwards_to=["aws"])
    dc.router("cgw", asn=65000)
    assert read(tmp_path, text) == t.build()
