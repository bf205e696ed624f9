"""Every probe of a lab at once, over the reference topology with nothing broken."""

from testbed import Lab, Scenario
from testbed.probe.capture import Match

scenario = Scenario(topology="../../topologies/hybrid.py", question="", hypothesis="", refuted_by="")


@scenario.run
def run(lab: Lab) -> None:
    """Five seconds of everything, then iperf3 alone."""
    probe = lab.probe
    with (
        probe.udp("aws-a", "dc-1", "10 ms"),
        probe.udp("aws-b", "dc-2", "10 ms", family=6),
        probe.ping("aws-a", "dc-1"),
        probe.tcp("aws-a", "dc-1", "500 ms"),
        probe.tcp_stream("aws-a", "dc-1"),
        probe.trace("aws-a", "dc-1"),
        probe.capture("cgw", "dx", match=Match("icmp")),
        probe.capture_link("dx", "a_to_b", match=Match("icmp")),
    ):
        lab.sleep("5 s")
    found = probe.iperf("aws-a", "dc-1", "2 s")
    lab.note("iperf", bit_s=found.received_bit_s)
