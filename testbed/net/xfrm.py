"""The kernel's IPsec: what a gateway that starts again does not have any more."""

from __future__ import annotations

import os
import socket
import struct

from pyroute2.netlink import NLM_F_ACK, NLM_F_REQUEST

from testbed.net.netlink import NLMSG_ERROR, NetlinkError, split

XFRM_MSG_FLUSHSA, XFRM_MSG_FLUSHPOLICY = 0x1C, 0x1D
"""``include/uapi/linux/xfrm.h``."""
_HEADER = struct.Struct("=IHHII")
_ANSWER_MAX = 1 << 12


def flush() -> None:
    """Remove every state and policy of the namespace that this thread is in."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_XFRM) as channel:
        channel.bind((0, 0))
        # The one byte of struct xfrm_usersa_flush is the protocol, 0 for all; policies take none.
        for kind, body in ((XFRM_MSG_FLUSHSA, bytes(4)), (XFRM_MSG_FLUSHPOLICY, b"")):
            channel.send(_HEADER.pack(_HEADER.size + len(body), kind, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
            for answer, _, _, said in split(channel.recv(_ANSWER_MAX)):
                code = -struct.unpack_from("=i", said)[0] if answer == NLMSG_ERROR else 0
                if code:
                    raise NetlinkError(code, f"flush IPsec: {os.strerror(code)}")
