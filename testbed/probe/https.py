"""One HTTP request, over TLS or without, and what came of it: answer, TLS version and certificate.

The socket lives in the namespace of who asks, so what it sends goes through the lab as that host's does.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

from testbed.net.namespace import Namespaces

WAIT_S = 10.0
"""Arbitrary: many round trips of any plan."""
VERSIONS: Mapping[str, ssl.TLSVersion] = {
    "1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What is asked; ``body`` is JSON where there is one."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True)
class Answer:
    """What came of it. ``status`` 0: no answer, and ``error`` says why. ``certificate``: PEM, of who answered."""

    status: int = 0
    body: str = ""
    version: str = ""
    certificate: str = ""
    error: str = ""


def believing(version: str = "") -> ssl.SSLContext:
    """A client that takes every certificate; ``version``: speaks this one alone, however weak its ciphers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the old ones are asked to see them refused
            context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


def checking(authority: str) -> ssl.SSLContext:
    """A client that takes certificates of one authority (PEM) for the name that it asked for, and no others."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority)
    return context


def ask(
    spaces: Namespaces, node: str, address: str, port: int, request: Request, tls: ssl.SSLContext | None = None, *,
    name: str = "",
) -> Answer:  # fmt: skip
    """Ask once.

    Args:
        spaces: of the lab.
        node: who asks.
        address: whom.
        port: where.
        request: what.
        tls: ``None``: in clear text.
        name: that its certificate must be for, if not the address.
    """
    version = certificate = ""
    with spaces.inside(node):
        plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with plain:
        plain.settimeout(WAIT_S)
        try:
            plain.connect((address, port))
            talk = plain if tls is None else tls.wrap_socket(plain, server_hostname=name or address)
            if isinstance(talk, ssl.SSLSocket):
                version = talk.version() or ""
                certificate = ssl.DER_cert_to_PEM_cert(talk.getpeercert(binary_form=True) or b"")
            with talk:
                return _asked(talk, f"{address}:{port}", request, version, certificate)
        except (OSError, http.client.HTTPException) as error:
            return Answer(version=version, certificate=certificate, error=f"{type(error).__name__}: {error}")


def _asked(talk: socket.socket, host: str, request: Request, version: str, certificate: str) -> Answer:
    connection = http.client.HTTPConnection(host)
    connection.sock = talk
    connection.request(request.method, request.path, request.body or None, dict(request.headers))
    answer = connection.getresponse()
    return Answer(answer.status, answer.read().decode("utf-8", "replace"), version, certificate)
