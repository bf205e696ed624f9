"""Claims about the supervisor between a client and an agent: here a small program that plays the agent's part."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed.errors import RunError
from testbed.lab import state
from testbed.lab.client import Connection, short
from testbed.lab.protocol import LINE_WINDOW, Message
from testbed.lab.state import LabFolder
from testbed.lab.supervisor import supervise

AGENT = """
import json, os, sys
line = int(sys.argv[1])
def tell(**message): os.write(line, json.dumps(message).encode() + b"\\n")
def read():
    rest = b""
    while data := os.read(line, 65536):
        longest = max(longest, len(data)) if "longest" in vars() else len(data)
        tell(id=0, kind="read", bytes=len(data))
        *lines, rest = (rest + data).split(b"\\n")
        for one in lines:
            yield json.loads(one), longest
print('@testbed {"kind": "booted"}', flush=True)
"""
UP = 'tell(id=0, kind="up", text="up")\n'
ECHO = 'for message, longest in read(): tell(id=message["id"], kind="result", got=message, longest=longest)\n'
CRASH = 'print(\'@testbed {"kind": "crash", "text": "Traceback\\\\nValueError: seven"}\', flush=True)\n'


class Fake:
    """A lab whose agent is a program of our own."""

    def __init__(self, lab: LabFolder, code: str) -> None:
        self.lab = lab
        self._listener = socket.socket(socket.AF_UNIX)
        with short(lab.path) as folder:
            self._listener.bind(f"{folder}/{state.SOCKET}")
        self._listener.listen()
        self._line, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, "-c", AGENT + code, str(theirs.fileno())], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, pass_fds=(theirs.fileno(),), start_new_session=True,
        )  # fmt: skip
        theirs.close()

    def serve_while(self, client: Callable[[], None]) -> None:
        """Supervise in this thread, which gets the signals, while a client does its part in another."""
        failed: list[BaseException] = []

        def run() -> None:
            try:
                client()
            except BaseException as error:  # told in the test's own thread
                failed.append(error)
                self.process.kill()

        thread = threading.Thread(target=run)
        thread.start()
        asyncio.run(supervise(self.lab, self._listener, self._line, self.process))
        thread.join(10)
        assert not thread.is_alive()
        if failed:
            raise failed[0]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabFolder:
    """A lab's folder, deeper than a socket's path may be."""
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    claimed, lock = state.claim("fake")
    os.close(lock)
    (claimed.path / state.RECORD).mkdir()
    return claimed


def wait_up(lab: LabFolder) -> None:
    """Wait as ``up`` does."""
    with Connection(lab) as connection:
        connection.send({"op": "attach"})
        while not any(message["kind"] == "up" for message in connection.read()):
            pass


def ask(lab: LabFolder, message: Message) -> Message:
    """One request on a connection of its own."""
    with Connection(lab) as connection:
        return connection.ask(message)


def test_each_client_gets_its_own_answers_and_the_line_is_never_overfull(lab: LabFolder) -> None:
    def client() -> None:
        wait_up(lab)
        with Connection(lab) as first, Connection(lab) as second:
            first.send({"op": "a", "text": "x" * 100_000})
            second.send({"op": "b"})
            (one,), (other,) = first.read(), second.read()
        assert one["got"]["op"] == "a" and len(one["got"]["text"]) == 100_000
        assert other["got"]["op"] == "b"
        assert max(one["longest"], other["longest"]) <= LINE_WINDOW
        assert ask(lab, {"op": "down"}) == {"kind": "result"}

    Fake(lab, UP + ECHO).serve_while(client)
    assert not lab.path.exists()


def test_an_agent_that_crashes_on_its_way_up_is_told_of_and_nothing_is_left(lab: LabFolder) -> None:
    def client() -> None:
        with pytest.raises(RunError, match="its agent crashed: ValueError: seven"):
            wait_up(lab)

    Fake(lab, CRASH).serve_while(client)
    assert not lab.path.exists()


def test_an_agent_that_crashes_later_is_told_of_now_and_to_who_asks_next(lab: LabFolder) -> None:
    def client() -> None:
        wait_up(lab)
        with pytest.raises(RunError, match="its agent crashed: ValueError: seven"):
            ask(lab, {"op": "status"})

    Fake(lab, UP + "next(read())\n" + CRASH).serve_while(client)
    assert json.loads((lab.path / state.ENDED).read_text())["what"] == "its agent crashed: ValueError: seven"
    with pytest.raises(RunError, match="is gone: its agent crashed: ValueError: seven"):
        Connection(lab)


def test_an_agent_that_says_something_else_ends_the_lab(lab: LabFolder) -> None:
    def client() -> None:
        wait_up(lab)
        with pytest.raises(RunError, match="something unheard of: no JSON: b'hello"):
            ask(lab, {"op": "status"})

    Fake(lab, UP + 'next(read()); os.write(line, b"hello\\n"); os.read(line, 1); os.read(line, 1)\n').serve_while(
        client
    )


def test_nobody_is_served_before_the_lab_is_up(lab: LabFolder) -> None:
    def client() -> None:
        with Connection(lab), pytest.raises(RunError, match="is still coming up"):
            ask(lab, {"op": "status"})
        ask(lab, {"op": "down"})

    Fake(lab, ECHO).serve_while(client)
    assert not lab.path.exists()


def test_who_asks_after_the_lab_came_up_hears_that_it_is_up(lab: LabFolder) -> None:
    def client() -> None:
        wait_up(lab)
        wait_up(lab)
        ask(lab, {"op": "down"})

    Fake(lab, UP + ECHO).serve_while(client)


def test_when_the_one_who_waits_for_the_lab_goes_the_lab_goes(lab: LabFolder) -> None:
    def client() -> None:
        with Connection(lab) as connection:
            connection.send({"op": "attach"})
            connection.read()

    Fake(lab, ECHO).serve_while(client)
    assert not lab.path.exists()


def test_a_client_that_talks_nonsense_harms_only_itself(lab: LabFolder) -> None:
    def client() -> None:
        wait_up(lab)
        with Connection(lab) as connection, pytest.raises(RunError, match="the client said: no JSON"):
            connection._socket.sendall(b"GET / HTTP/1.1\n")
            connection.read()
        assert ask(lab, {"op": "x"})["got"]["op"] == "x"
        ask(lab, {"op": "down"})

    Fake(lab, UP + ECHO).serve_while(client)
