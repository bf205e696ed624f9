"""Three designs between a VPC and a data centre, each losing one connection: which is better, and by how much?

`testbed compare` of the folder that this leaves gives the page for an architect.
"""

from testbed import Study

study = Study(
    scenario="path_loss.py",
    question="Which design loses least when one of its connections goes silent?",
    hypothesis="Direct Connect with BFD is back within a second; a VPN takes up to its BGP hold time",
    refuted_by="a flow that is gone for longer than the design's detection allows",
    seeds=10,
    show=("longest_gap", "flows_hit", "typical_gap", "rtt_p50_before"),
)
study.axis(
    "design",
    {
        "Direct Connect + VPN": {"topology": "../topologies/hybrid.py", "path": "dx"},
        "two VPNs (ECMP)": {"topology": "../topologies/two_vpns.py", "path": "vpn-a"},
        "two Direct Connects": {"topology": "../topologies/two_connections.py", "path": "dx-near"},
    },
)
