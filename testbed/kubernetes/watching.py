"""What a cluster says of itself, by watch: each change of a node, a pod or a service's addresses, at its instant.

A watch blocks whoever reads it, so each has a thread, which only reads and hands on; what is read is dealt with where
the lab waits, as all that happens in a lab is.
"""

from __future__ import annotations

import collections
import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kubernetes import client, watch

from testbed.clock import Waiter
from testbed.history import Recorder
from testbed.kubernetes import described
from testbed.kubernetes.described import Thing

RETRY_S = 0.5
"""After a watch that broke off, as it does while the API server is away; arbitrary."""
CONNECT_LIMIT_S, SILENT_S = 5.0, 3600.0
"""How long a server may take to answer, and then be silent; arbitrary."""

Key = tuple[str, str, str]
"""Kind, namespace (empty for a node), name."""


@dataclass(frozen=True)
class Change:
    """One message of a watch. ``read_ns``: when it was read, CLOCK_REALTIME."""

    key: Key
    gone: bool
    thing: Thing
    read_ns: int


class Watching:
    """Watches one cluster: its nodes, and the pods and services of all namespaces, or of one."""

    def __init__(
        self, api: client.ApiClient, waiter: Waiter, recorder: Recorder, cluster: str, namespace: str = ""
    ) -> None:
        self.api = api
        self.core = client.CoreV1Api(self.api)
        self._waiter = waiter
        self._recorder = recorder
        self._cluster = cluster
        self._changes: collections.deque[Change] = collections.deque()
        self._read, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._ending = threading.Event()
        self.things: dict[Key, Thing] = {}
        self._said: dict[Key, Mapping[str, object]] = {}
        discovery = client.DiscoveryV1Api(self.api)
        waiter.watch(self._read, self._deal)
        pods = self.core.list_namespaced_pod if namespace else self.core.list_pod_for_all_namespaces
        slices = (
            discovery.list_namespaced_endpoint_slice if namespace else discovery.list_endpoint_slice_for_all_namespaces
        )
        where = (namespace,) if namespace else ()
        self._threads = [
            threading.Thread(target=self._follow, args=(kind, *listed), daemon=True)
            for kind, listed in (
                ("node", (self.core.list_node,)), ("pod", (pods, *where)), ("endpoints", (slices, *where)),
            )
        ]  # fmt: skip
        for thread in self._threads:
            thread.start()

    def _follow(self, kind: str, listed: Callable[..., Any], *where: str) -> None:
        while not self._ending.is_set():
            try:
                for message in watch.Watch().stream(listed, *where, _request_timeout=(CONNECT_LIMIT_S, SILENT_S)):
                    raw = message["raw_object"]
                    about = raw["metadata"]
                    key = (kind, about.get("namespace", ""), about["name"])
                    self._changes.append(Change(key, message["type"] == "DELETED", raw, time.time_ns()))
                    os.write(self._write, b".")
                    if self._ending.is_set():
                        return
            except Exception as error:  # whatever broke it, the watch goes on: the server may be cut off, or restarting
                self._broke_off(kind, f"{type(error).__name__}: {error}")
                self._ending.wait(RETRY_S)

    def _broke_off(self, kind: str, why: str) -> None:
        """Hand on why a watch ended; told once for each reason."""
        self._changes.append(Change(("watch", "", kind), False, {"why": why}, time.time_ns()))
        os.write(self._write, b".")

    def _deal(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._read, 4096):
                pass
        while self._changes:
            change = self._changes.popleft()
            if change.gone:
                self.things.pop(change.key, None)
            else:
                self.things[change.key] = change.thing
            kind, namespace, name = change.key
            said = {"gone": True} if change.gone else described.DESCRIBED[kind](change.thing)
            if self._said.get(change.key) != said:
                self._said[change.key] = said
                where = {"namespace": namespace} if namespace else {}
                t_ns = change.read_ns - self._recorder.epoch_ns
                self._recorder.event(f"kubernetes.{kind}", t_ns=t_ns, cluster=self._cluster, name=name, **where, **said)

    def node_ready(self, name: str, since: str = "") -> bool:
        """Whether the control plane holds a node for ready, by what its kubelet has said ``since``, a time of day."""
        thing = self.things.get(("node", "", name))
        if thing is None or not described.node(thing)["ready"]:
            return False
        conditions = thing["status"]["conditions"]
        return all(one["lastHeartbeatTime"] >= since for one in conditions if one["type"] == "Ready")

    def taints(self, name: str) -> list[str]:
        """The taints of a node, ``KEY:EFFECT``."""
        thing = self.things.get(("node", "", name))
        return [] if thing is None else described.taints(thing)

    def pods(self, namespace: str) -> dict[str, Thing]:
        """Pods of a namespace, by name."""
        return {name: thing for (where, name), thing in self.all_pods().items() if where == namespace}

    def all_pods(self) -> dict[tuple[str, str], Thing]:
        """Pods by namespace and name: two namespaces may each have one of a name."""
        return {(where, name): thing for (kind, where, name), thing in self.things.items() if kind == "pod"}

    def pod_ready(self, name: str, namespace: str = "default") -> bool:
        """Whether a pod is ready, and not about to go."""
        thing = self.things.get(("pod", namespace, name))
        said = {} if thing is None else described.pod(thing)
        return bool(said.get("ready")) and not said["deleting"]

    def pod(self, name: str, namespace: str = "default") -> Thing:
        """What is known of a pod. Raises ``KeyError``: there is none."""
        return self.things["pod", namespace, name]

    def why_not_ready(self, name: str, namespace: str = "default") -> str:
        """What keeps a pod from being ready, in the cluster's words."""
        thing = self.things.get(("pod", namespace, name))
        return "there is no such pod" if thing is None else described.why_not_ready(thing)

    def unready(self, since: str = "") -> list[str]:
        """Pods, ``NAMESPACE/NAME``, that are not ready with containers started ``since``, nor done with their work."""
        return sorted(
            f"{namespace}/{name}"
            for (namespace, name), pod in self.all_pods().items()
            if not described.runs(pod, since) and described.pod(pod)["phase"] != "Succeeded"
        )

    def close(self) -> None:
        """Watch no more. The threads end with the process at the latest."""
        self._ending.set()
        self._waiter.unwatch(self._read)
