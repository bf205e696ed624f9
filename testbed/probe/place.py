"""Where a probe begins or ends: a node, its own address, and the one by which the other end reaches it."""

from __future__ import annotations

import socket
from typing import NamedTuple


class Place(NamedTuple):
    """A node and its address.

    ``seen_as``: the address that others know it by, where somebody translates. ``port``: the only one it has; 0: any.
    """

    node: str
    address: str
    seen_as: str = ""
    port: int = 0

    @property
    def known_as(self) -> str:
        """What is put into a packet to it."""
        return self.seen_as or self.address

    @property
    def family(self) -> socket.AddressFamily:
        """Of the address."""
        return family(self.address)


def family(address: str) -> socket.AddressFamily:
    """Of an address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET
