"""What routing daemons are told alike, whichever program it is."""

from testbed.plan.reach import SIBLING_HANDICAP as SIBLING_HANDICAP

CONNECT_DELAY_S, CONNECT_RETRY_S = 1, 5
"""Between attempts to open a BGP session. BIRD's own 5 s and 120 s and FRR's 120 s only make a lab come up later."""
OSPF_HELLO_S, OSPF_DEAD_S = 10, 40
"""RFC 2328, appendix C.3: sample values."""
