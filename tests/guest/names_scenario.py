"""Names while one thing after the other is broken, each asked for when no cache has it any more."""

from testbed import Lab, Scenario
from testbed.run.names import lookup

scenario = Scenario(topology="names_topology.py", question="", hypothesis="", refuted_by="")
KEPT = "2 s"
FAULTS = (("kill", "b-dns/dnsmasq"), ("freeze", "b-dns/dnsmasq"), ("silent", "ab"), ("carrier", "ab"))


def look(lab: Lab, what: str, source: str, target: str) -> None:
    """Note what comes of one name in both families."""
    for family in (4, 6):
        lab.sleep(KEPT)
        found = lookup(lab, lab.plan.node(source), lab.plan.node(target), 6 if family == 6 else 4)
        assert found is not None
        said = " ".join(word for word in (found.reason, found.where, found.detail) if word)
        lab.note("looked", what=what, source=source, target=target, family=family, said=said)


@scenario.run
def run(lab: Lab) -> None:
    """Nothing is broken, then each fault, then probes."""
    for source, target in (("a", "b"), ("b", "a"), ("a", "c"), ("c", "a"), ("a", "a-dns")):
        look(lab, "nothing", source, target)
    for kind, target in FAULTS:
        with lab.fault.start(kind, target):
            look(lab, kind, "a", "b")
            look(lab, kind, "a", "a")
        lab.wait_converged(f"routes after {kind}")
    with lab.fault.start("kill", "b-dns/dnsmasq"):
        look(lab, "kill", "b", "a")
    lab.sleep(KEPT)
    probe = lab.probe
    with probe.dns("a", "b", "300 ms"), probe.dns("a", "b", "300 ms", family=6, protocol="tcp", name="tcp"):
        lab.sleep("3 s")
    with lab.fault.start("kill", "a-dns/dnsmasq"), probe.dns("a", "b", "300 ms", name="closed"):
        lab.sleep("1 s")
