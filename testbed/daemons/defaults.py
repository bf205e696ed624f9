"""What routing daemons are told alike, whichever program it is."""

CONNECT_DELAY_S, CONNECT_RETRY_S = 1, 5
"""Between attempts to open a BGP session. BIRD's own 5 s and 120 s and FRR's 120 s only make a lab come up later."""
OSPF_HELLO_S, OSPF_DEAD_S = 10, 40
"""RFC 2328, appendix C.3: sample values."""
SIBLING_HANDICAP = 50
"""How much less a static VPN route is worth to the other routers of its site, so that two routers that each have one do
not each prefer the other's; arbitrary, less than what lies between the presets for static and for BGP over VPN."""
