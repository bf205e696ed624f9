"""A connection with the agent in a pod: what ``kubectl exec`` has, a websocket through the API server."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from kubernetes import client
from kubernetes.client import ApiException
from kubernetes.stream import stream
from websocket import WebSocketException

from testbed.errors import Problem, RunError
from testbed.existing.access import FORBIDDEN, RIGHTS, words

STDOUT, STDERR, ERROR = 1, 2, 3
"""Channels. Source: k8s.io/apimachinery, pkg/util/remotecommand."""
FRAME = 1 << 15
"""Bytes sent at once; arbitrary."""
OPEN_S, LOOK_S = 30.0, 0.5
"""For a connection to come about, and how long one look at it lasts; arbitrary."""
NO_PROGRAM = "executable file not found"


class PodLine:
    """A program in a pod, with its standard streams."""

    def __init__(self, api: client.ApiClient, namespace: str, pod: str, argv: Sequence[str]) -> None:
        """Start the program. Raises :class:`RunError`."""
        self._pod = pod
        try:
            self._socket = stream(
                client.CoreV1Api(api).connect_get_namespaced_pod_exec, pod, namespace, command=list(argv), stdin=True,
                stdout=True, stderr=True, tty=False, binary=True, _preload_content=False,
                _request_timeout=OPEN_S,
            )  # fmt: skip
        except ApiException as error:
            if isinstance(error.__context__, KeyboardInterrupt):  # the client takes it for a failure of its own
                raise KeyboardInterrupt from error
            hint = RIGHTS if error.status == FORBIDDEN else ""
            raise RunError(Problem(f"pod {pod}", f"no program can be started in it: {words(error)}", hint)) from error
        self._read = b""
        self._complaints = b""

    def send(self, data: bytes) -> None:
        """Send. Raises :class:`OSError`."""
        try:
            for start in range(0, len(data), FRAME):
                self._socket.write_stdin(data[start : start + FRAME])
        except WebSocketException as error:
            raise ConnectionResetError(self._why(str(error))) from error

    def receive(self, within_s: float) -> bytes:
        """The next line. Raises :class:`OSError`."""
        deadline = time.monotonic() + within_s
        while b"\n" not in self._read:
            if time.monotonic() > deadline:
                raise TimeoutError(self._why(f"nothing came in {within_s:g} s"))
            if not self._look():
                raise ConnectionResetError(self._why("it was closed"))
        line, _, self._read = self._read.partition(b"\n")
        return line

    def rest(self, within_s: float) -> tuple[bytes, int]:
        """All that a program prints until it ends, and its exit status. Raises :class:`OSError`."""
        deadline = time.monotonic() + within_s
        while self._look():
            if time.monotonic() > deadline:
                raise TimeoutError(self._why(f"it still runs after {within_s:g} s"))
        return self._read, status(self._socket.read_channel(ERROR))

    @property
    def complaints(self) -> str:
        """What the program printed to stderr."""
        return self._complaints.decode(errors="replace").strip()

    def _look(self) -> bool:
        """Take in what is there. False: the connection is closed, and nothing is left."""
        try:
            self._socket.update(timeout=LOOK_S)
        except (WebSocketException, OSError):
            return False
        said = self._socket.read_channel(STDOUT)
        self._read += said
        self._complaints += self._socket.read_channel(STDERR)
        return bool(said) or self._socket.is_open()

    def _why(self, otherwise: str) -> str:
        said = self._socket.read_channel(ERROR).decode(errors="replace")
        if NO_PROGRAM in said or NO_PROGRAM in self.complaints:
            return "its image has no python3: name one that has with --image"
        return self.complaints or otherwise

    def close(self) -> None:
        """Hang up: the program's standard input ends."""
        self._socket.close()


def status(said: bytes) -> int:
    """A program's exit status, as the last message says it. Pure."""
    if not said:
        return 1
    told = json.loads(said)
    if told["status"] == "Success":
        return 0
    causes = told.get("details", {}).get("causes") or ()
    return next((int(one["message"]) for one in causes if one.get("reason") == "ExitCode"), 1)
