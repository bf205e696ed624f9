"""Claims about finding a node's container that need no Docker: what it says, and what is told of that."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from testbed.errors import RunError
from testbed.lab.container import Container, find

KNOWN: dict[str, Any] = {
    "/containers/prod-worker/json": {"State": {"Running": True, "Status": "running", "Pid": 4711}},
    "/containers/prod-worker2/json": {"State": {"Running": False, "Status": "exited", "Pid": 0}},
}


class Docker(BaseHTTPRequestHandler):
    """Its answers, by path."""

    def do_GET(self) -> None:
        known = KNOWN.get(self.path)
        body = json.dumps({"message": "No such container"} if known is None else known).encode()
        self.send_response(404 if known is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[str]:
    place = str(tmp_path / "docker.sock")
    with socketserver.UnixStreamServer(place, Docker) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield place
        server.shutdown()
        thread.join()


def test_a_container_that_runs_is_known_by_its_first_process(docker: str) -> None:
    assert find(docker, "prod-worker", "aws-1") == Container(4711)


@pytest.mark.parametrize(("name", "said"), [("prod-worker2", "is exited"), ("prod-worker3", "is not there")])
def test_one_that_does_not_run_is_told_of(docker: str, name: str, said: str) -> None:
    with pytest.raises(RunError, match=f"node onprem-1: its container {name} {said}"):
        find(docker, name, "onprem-1")


def test_a_docker_that_does_not_answer_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"Docker does not tell of its container: .*No such file"):
        find(str(tmp_path / "nowhere"), "prod-worker", "aws-1")
