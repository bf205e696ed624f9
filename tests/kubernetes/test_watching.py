"""Claims about what is known of a cluster by its API server's watches. The server is a program of the test."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from kubernetes import config

from testbed.clock import Waiter
from testbed.history import Recorder
from testbed.kubernetes.watching import Watching
from testbed.units import Duration

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: u, user: {{}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""
STARTED = "2026-01-02T03:04:05Z"


def pod(namespace: str, name: str, ready: str, phase: str = "Running") -> dict[str, Any]:
    """As an API server has it."""
    return {
        "metadata": {"namespace": namespace, "name": name, "resourceVersion": "1"},
        "spec": {"nodeName": "dc-1", "containers": []},
        "status": {
            "phase": phase, "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [{"name": "main", "image": "x", "imageID": "x", "ready": ready == "True",
                                   "restartCount": 0, "state": {"running": {"startedAt": STARTED}}}],
        },
    }  # fmt: skip


PODS = (
    pod("default", "web", "True"), pod("shop", "web", "False"), pod("other", "web", "False"),
    pod("default", "done", "False", "Succeeded"),
)  # fmt: skip


class Api(BaseHTTPRequestHandler):
    """Tells of these pods, then of nothing."""

    over: threading.Event
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Whatever is watched."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.path.startswith("/api/v1/pods"):
            for each in PODS:
                line = json.dumps({"type": "ADDED", "object": each}).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.flush()
        self.over.wait(30)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    over = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Now", (Api,), {"over": over})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        recorder = Recorder(tmp_path)
        waiter = Waiter(recorder)
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(KUBECONFIG.format(port=server.server_port))
        watched = Watching(config.new_client_from_config(str(kubeconfig)), waiter, recorder, "prod")
        waiter.until(lambda: len(watched.all_pods()) == len(PODS), "all pods known", Duration.parse("20 s"))
        try:
            yield watched
        finally:
            watched.close()
            over.set()
            server.shutdown()
            waiter.close()


def test_pods_of_one_name_in_several_namespaces_are_all_seen(watching: Watching) -> None:
    assert watching.unready() == ["other/web", "shop/web"]
    assert watching.pods("default").keys() == {"web", "done"}
    assert (watching.pod_ready("web"), watching.pod_ready("web", "shop"), watching.pod_ready("none")) == (
        True, False, False,
    )  # fmt: skip


def test_pods_that_started_before_are_not_ready_since(watching: Watching) -> None:
    assert watching.unready(STARTED) == ["other/web", "shop/web"]
    assert watching.unready("2026-01-02T03:04:06Z") == ["default/web", "other/web", "shop/web"]
