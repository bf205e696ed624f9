"""The agent in a pod: begins and stops ends of probes for somebody who talks to it over its standard streams.

A line of JSON is asked, a line is answered. When nobody talks to it any more it ends, and so does all that it began.
:mod:`testbed.probe.remote` is the other side. It is sent with what it imports, and needs nothing but Python.
"""

from __future__ import annotations

import array
import base64
import json
import os
import platform
import shutil
import signal
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from testbed.errors import Problem, TestbedError
from testbed.probe import ping, tcp, tcp_stream, udp
from testbed.probe.child import Here
from testbed.probe.ends import End, Task

Message = dict[str, Any]
_TASKS: tuple[type[Task], ...] = (
    udp.Sending, udp.Echoing, ping.Asking, tcp.Connecting, tcp.Accepting, tcp_stream.Streaming, tcp_stream.Sinking,
)  # fmt: skip
TASKS: Mapping[str, type[Task]] = {task.__name__: task for task in _TASKS}
"""What an end can have to do, by name."""


class Agent:
    """Holds the ends that were begun here. ``scratch``: for files of their processes."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._ends: list[End] = []
        self._acts: Mapping[str, Callable[[Message], Message]] = {
            "hello": self._hello, "begin": self._begin, "stop": self._stop, "numbers": self._numbers,
        }  # fmt: skip

    def answer(self, asked: Message) -> Message:
        """Do what is asked. What goes wrong is in the answer, as ``problems``."""
        try:
            return self._acts[asked["op"]](asked)
        except TestbedError as error:
            return {"problems": [asdict(problem) for problem in error.problems]}
        except OSError as error:
            return {"problems": [asdict(Problem(asked["op"], f"{type(error).__name__}: {error}"))]}

    def _hello(self, _asked: Message) -> Message:
        return {"now_ns": time.time_ns(), "python": platform.python_version()}

    def _begin(self, asked: Message) -> Message:
        task = TASKS[asked["task"]](**asked["fields"])
        self._ends.append(task.begin(Here(), "", asked["name"], self._scratch))
        return {"end": len(self._ends) - 1}

    def _stop(self, asked: Message) -> Message:
        self._ends[asked["end"]].stop()
        return {}

    def _numbers(self, asked: Message) -> Message:
        found = self._ends[asked["end"]].numbers()
        return {"numbers": {name: packed(some) for name, some in found.items()}}


def packed(numbers: Iterable[int]) -> str:
    """Whole numbers as text. Pure."""
    return base64.b64encode(zlib.compress(array.array("q", numbers).tobytes())).decode("ascii")


def unpacked(text: str) -> Sequence[int]:
    """What :func:`packed` packed. Pure."""
    values = array.array("q")
    values.frombytes(zlib.decompress(base64.b64decode(text)))
    return values


def serve(scratch: Path, lines: BinaryIO, out: BinaryIO) -> None:
    """Answer until nobody asks any more; then end all that was begun here."""
    if os.getpgrp() != os.getpid():  # what is executed in a pod leads a session already, and so a group
        os.setpgid(0, 0)
    agent = Agent(scratch)
    try:
        for line in lines:
            out.write(json.dumps(agent.answer(json.loads(line))).encode("ascii") + b"\n")
            out.flush()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)


def main(folder: str) -> None:
    """Serve whoever started this process. ``folder``: for scratch files."""
    serve(Path(folder), sys.stdin.buffer, sys.stdout.buffer)
