"""What a client, the supervisor of a lab and the agent in it say to each other: JSON objects, one a line.

The same lines go over two byte streams: a Unix socket between client and supervisor, and between supervisor and agent a
console of the guest or a socket pair. On the second one each message carries the ``id`` of the client that it is
from or for.

A client sends one request, ``{"op": ...}``:

===========  ==============================================  ====================================================
op           fields                                          answers
===========  ==============================================  ====================================================
``attach``                                                   ``progress`` ..., then ``up`` or ``error``
``down``                                                     ``result``, when everything is gone
``status``                                                   ``result``: ``status``
``fault``    ``fault``, ``target``, ``direction``,           ``result``: ``fault``
             ``options``
``heal``     ``number``, or none for all                     ``result``: ``healed``
``exec``     ``node``, ``argv``, ``cwd``, ``env``, ``tty``   ``started``, ``data`` ..., ``took`` ..., ``exit``
``kubectl``  ``cluster``, or none for the only one, and      the same
             as ``exec`` but for ``node``
``connect``  ``cluster``                                     ``data`` ..., ``took`` ..., ``eof``
===========  ==============================================  ====================================================

Any answer may be ``error`` instead, with ``exit`` and ``problems``. While a program runs, its client may send ``stdin``
(``data``, or ``eof``), ``took``, ``resize`` (``rows``, ``columns``) and ``signal`` (``number``). Bytes travel as
base64. Nobody sends more than :data:`WINDOW` bytes that the other side has not said to have taken (``took``), so a
program whose output nobody reads stops, as it would in a pipe, and holds up no other. In the same way the agent says
how much of the line it has ``read``, to nobody's ``id`` 0. With ``up`` it gives the ``kubeconfigs`` of its clusters.

``connect`` is what the supervisor asks for when it is the client itself: for a TCP connection that came in at a port of
this machine and leads to an API server in the lab. What the client says is ``stdin`` there, as to a program.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any, NoReturn

from testbed.errors import InputError, MachineError, Problem, RunError, TestbedError

Message = dict[str, Any]

CONSOLE = "/dev/tty1"
"""The guest's end of the line, see :data:`testbed.boot.guest.LINE`."""
LINE_MAX = 1 << 24
"""Longest line in bytes; arbitrary, and above what any message needs: the status of ten thousand nodes is some MB."""
CHUNK = 1 << 15
"""Bytes of a program's output in one message; arbitrary."""
LINE_WINDOW = 2048
"""Bytes to the agent that it has not said to have read (``read``). A console of the guest must never hold the 3,968
bytes at which its line discipline asks for a pause: it would not hear of what comes after (``line_throttle`` in
``arch/um/drivers/line.c`` of Linux 7.2 lets go of the descriptor; ``line_unthrottle`` does not take it up again)."""
WINDOW = 1 << 18
"""Bytes under way in one direction of a stream; arbitrary: more than the line carries while both ends wake up."""


class ProtocolError(Exception):
    """The other side said something that is not of this protocol."""


def encode(message: Message) -> bytes:
    """One line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The message of one line. Raises :class:`ProtocolError`."""
    try:
        message = json.loads(line)
    except ValueError as error:
        raise ProtocolError(f"no JSON: {line[:80]!r} ({error})") from None
    if not isinstance(message, dict):
        raise ProtocolError(f"no JSON object: {line[:80]!r}")
    return message


class Decoder:
    """Cuts a byte stream into messages, however it was torn apart on its way."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take in what was read, and give the messages that are complete. Raises :class:`ProtocolError`."""
        self._rest += data
        *lines, rest = self._rest.split(b"\n")
        self._rest = bytearray(rest)
        if len(self._rest) > LINE_MAX:
            raise ProtocolError(f"a line of more than {LINE_MAX} bytes: {bytes(self._rest[:80])!r}")
        for line in lines:
            yield decode(bytes(line))


def pack(data: bytes) -> str:
    """Bytes, as text."""
    return base64.b64encode(data).decode()


def unpack(text: str) -> bytes:
    """Bytes from text. Raises :class:`ProtocolError`."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ProtocolError(f"no base64: {text[:80]!r} ({error})") from None


def error_message(error: TestbedError) -> Message:
    """An answer that says what is wrong."""
    return {"kind": "error", "exit": int(error.exit), "problems": [vars(problem) for problem in error.problems]}


def raise_error(message: Message) -> NoReturn:
    """Raise the error that an answer carries."""
    kinds: dict[int, type[TestbedError]] = {int(kind.exit): kind for kind in (InputError, RunError, MachineError)}
    raise kinds.get(message["exit"], RunError)(Problem(**problem) for problem in message["problems"])
