"""A Kubernetes whose control plane is in a VPC and whose nodes are on premises, with every rule that it needs.

eni-a, eni-b (control plane) --+                                    +-- node-1 (range of nodes)
services (AWS's endpoints)   --+ VPC, vgw -- dx (Direct Connect) -- cgw, firewall
coredns (a pod in the VPC)   --+                                    +-- pod-1, pod-2 (range of pods; CoreDNS on pod-2)

The network ACL of the control plane's subnets is stateless: answers have rules of their own. EKS user guide, Prepare
networking for hybrid nodes; its examples have these ranges, and pods' addresses are routed, not translated.
"""

from testbed import Duration, Topology, presets

VPC, NODES, PODS = "10.0.0.0/16", "10.80.0.0/16", "10.85.0.0/16"
OWN_PORTS = "32768-60999"
"""Where answers go: ip(7), ``ip_local_port_range``."""
RULES: dict[str, dict[str, str]] = {
    "cluster": {
        "api": f"in tcp 443 from {NODES}",
        "api-pods": f"in tcp 443 from {PODS}",
        "kubelet": f"out tcp 10250 to {NODES}",
        "webhook": f"out tcp 9443 to {PODS}",
    },
    "acl": {
        "api": f"in tcp 443 from {NODES}",
        "api-answers": f"out tcp {OWN_PORTS} to {NODES}",
        "api-pods": f"in tcp 443 from {PODS}",
        "api-pods-answers": f"out tcp {OWN_PORTS} to {PODS}",
        "kubelet": f"out tcp 10250 to {NODES}",
        "kubelet-answers": f"in tcp {OWN_PORTS} from {NODES}",
        "webhook": f"out tcp 9443 to {PODS}",
        "webhook-answers": f"in tcp {OWN_PORTS} from {PODS}",
    },
    "services": {"aws": f"in tcp 443 from {NODES}", "aws-pods": f"in tcp 443 from {PODS}"},
    "coredns": {
        "dns-out-udp": f"in udp 53 from {PODS}",
        "dns-out-tcp": f"in tcp 53 from {PODS}",
        "dns-in-udp": f"out udp 53 to {PODS}",
        "dns-in-tcp": f"out tcp 53 to {PODS}",
    },
    "fw-nodes": {"api": f"out tcp 443 to {VPC}", "kubelet": f"in tcp 10250 from {VPC}"},
    "fw-pods": {
        "api-pods": f"out tcp 443 to {VPC}",
        "webhook": f"in tcp 9443 from {VPC}",
        "dns-out-udp": f"out udp 53 to {VPC}",
        "dns-out-tcp": f"out tcp 53 to {VPC}",
        "dns-in-udp": f"in udp 53 from {VPC}",
        "dns-in-tcp": f"in tcp 53 from {VPC}",
    },
    "nodes": {"kubelet": f"in tcp 10250 from {VPC}", "out": "out any to any"},
    "pods": {
        "webhook": f"in tcp 9443 from {VPC}",
        "dns-udp": f"in udp 53 from {PODS}",
        "dns-tcp": f"in tcp 53 from {PODS}",
        "dns-in-udp": f"in udp 53 from {VPC}",
        "dns-in-tcp": f"in tcp 53 from {VPC}",
        "out": "out any to any",
    },
}
"""Guard to what a rule is for, to the rule."""
SHORT = {"api": "cluster.api", "kubelet": "nodes.kubelet", "webhook": "fw-pods.webhook", "dns": "fw-pods.dns-out-udp"}
"""Those that are forgotten most, by a short name."""
ALL = tuple(f"{guard}.{use}" for guard, rules in RULES.items() for use in rules if use != "out")


def topology(t: Topology) -> None:
    """All rules but one that may be forgotten."""
    delay = t.param("dx.delay", Duration, "10 ms", "one-way delay of Direct Connect")
    missing = t.param("missing", str, "nothing", "a rule that was forgotten, as GUARD.FLOW or by a short name",
                      choices=("nothing", *SHORT, *ALL))  # fmt: skip
    forgotten = SHORT.get(missing, missing)

    def rules(guard: str) -> list[str]:
        return [rule for use, rule in RULES[guard].items() if f"{guard}.{use}" != forgotten]

    eks = t.vpc("eks", VPC)
    enis = [eks.host(f"eni-{zone}", zone=zone) for zone in ("a", "b")]
    services, coredns = eks.host("services", zone="c"), eks.resolver(eks.host("coredns", zone="c"))
    dc = t.lan("dc", "10.80.0.0/12")
    for subnet, range_ in (("nodes", NODES), ("pods", PODS)):
        dc.subnet(subnet, range_)
    node = dc.host("node-1", subnet="nodes")
    pods = dc.hosts("pod-", 2, subnet="pods")
    dc.resolver(pods[1])
    vgw, cgw = eks.router("vgw", asn=64512), dc.router("cgw", asn=65000)
    t.direct_connect("dx", vgw, cgw, delay=delay, bgp=t.bgp(bfd=presets.DX_BFD_INTERVAL.value))

    t.security_group("cluster", enis, rules("cluster"))
    t.security_group("services", [services], rules("services"))
    t.security_group("coredns", [coredns], rules("coredns"))
    t.security_group("nodes", [node], rules("nodes"))
    t.security_group("pods", pods, rules("pods"))
    t.network_acl("acl", eks, rules("acl"), subnets=["eks-a", "eks-b"])
    t.firewall("fw-nodes", dc, rules("fw-nodes"), subnets=["nodes"])
    t.firewall("fw-pods", dc, rules("fw-pods"), subnets=["pods"])
