"""Claims about many attempts at once, on this machine's loopback."""

from __future__ import annotations

import contextlib
import errno
import socket
from types import SimpleNamespace
from typing import Any, cast

from testbed.net.namespace import Namespaces
from testbed.probe.place import Place
from testbed.probe.survey import Try, survey

SPACES = cast(Namespaces, SimpleNamespace(inside=lambda name: contextlib.nullcontext()))
HERE, THERE = Place("here", "127.0.0.1"), Place("there", "127.0.0.2")


def free_port() -> int:
    with socket.socket() as one:
        one.bind((THERE.address, 0))
        port: int = one.getsockname()[1]
        return port


def test_all_that_gets_through_is_found_at_once() -> None:
    port = free_port()
    tries: list[Any] = [Try(a, b, sort, port) for a, b in ((HERE, THERE), (THERE, HERE)) for sort in ("tcp", "udp")]
    assert survey(SPACES, tries * 10) == [0] * 40


def test_what_is_refused_and_what_is_silent_are_told_apart() -> None:
    port = free_port()
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind((THERE.address, port))
        asked = Try(HERE, THERE, "udp", port, served=True)
        refused = Try(HERE, Place("there", "127.0.0.3"), "udp", port, served=True)
        assert survey(SPACES, [asked, refused], wait_s=0.3) == [errno.ETIMEDOUT, errno.ECONNREFUSED]


def test_a_lost_packet_is_sent_again() -> None:
    port = free_port()
    with socket.socket(type=socket.SOCK_DGRAM) as deaf:
        deaf.bind((THERE.address, port))
        survey(SPACES, [Try(HERE, THERE, "udp", port, payload=b"one", served=True)], wait_s=1.2)
        deaf.setblocking(False)
        assert [deaf.recv(9), deaf.recv(9)] == [b"one", b"one"]


def test_what_is_sent_to_another_address_arrives_where_somebody_listens() -> None:
    port = free_port()
    service = Place("there", THERE.address, seen_as=THERE.address)
    assert survey(SPACES, [Try(HERE, service, "tcp", port)]) == [0]
