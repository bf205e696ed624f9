"""What runs have put on an existing cluster: found by label, removed, and waited for until it is gone."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import watch
from kubernetes.client import ApiException
from kubernetes.dynamic import DynamicClient

from testbed.errors import Problem, RunError
from testbed.existing.access import Access
from testbed.existing.cluster import told
from testbed.existing.manifests import KINDS, OURS, RUN

GONE_S = 120
"""For a pod to be gone; arbitrary: each has a second to end, but its node may be busy."""
LOOK_S = 0.5
"""How often it is looked whether a namespace is gone; arbitrary."""
SELECTOR = ",".join(f"{name}={value}" for name, value in OURS.items())


@dataclass(frozen=True)
class Left:
    """One thing."""

    version: str
    kind: str
    name: str
    run: str

    def __str__(self) -> str:
        return f"{self.kind.lower()} {self.name}"


class Leftovers:
    """Things of ours in one namespace."""

    def __init__(self, access: Access, namespace: str, cache: str) -> None:
        self._access = access
        self._namespace = namespace
        self._client = DynamicClient(access.api, cache_file=cache)

    def find(self) -> list[Left]:
        """All that there is. Raises :class:`RunError`."""
        return list(self._find())

    def _find(self) -> Iterator[Left]:
        for version, kind in KINDS:
            with told(f"{kind.lower()}s of namespace {self._namespace}"):
                found = self._client.resources.get(api_version=version, kind=kind)
                listed = found.get(namespace=self._namespace, label_selector=SELECTOR).to_dict()["items"]
            for thing in listed:
                about = thing["metadata"]
                yield Left(version, kind, about["name"], about["labels"].get(RUN, ""))

    def remove(self) -> list[Left]:
        """Remove all that there is, and wait until it is gone. Raises :class:`RunError`."""
        found = self.find()
        for thing in found:
            with told(str(thing)):
                self._remove(thing)
        self._until_pods_are_gone()
        if left := self.find():
            raise RunError(
                Problem(str(thing), f"was deleted and is still there, namespace {self._namespace}") for thing in left
            )
        return found

    def _remove(self, thing: Left) -> None:
        resource = self._client.resources.get(api_version=thing.version, kind=thing.kind)
        try:
            resource.delete(name=thing.name, namespace=self._namespace)
        except ApiException as error:
            if error.status != 404:  # somebody was faster
                raise

    def _until_pods_are_gone(self) -> None:
        core = self._access.core
        where = f"pods of namespace {self._namespace}"
        with told(where):
            listed: Any = core.list_namespaced_pod(self._namespace, label_selector=SELECTOR)
            left = {str(pod.metadata.name) for pod in listed.items}
            messages = watch.Watch().stream(
                core.list_namespaced_pod, self._namespace, label_selector=SELECTOR, timeout_seconds=GONE_S,
                resource_version=listed.metadata.resource_version,
            )  # fmt: skip
            while left and (message := next(messages, None)):
                if message["type"] == "DELETED":
                    left.discard(str(message["raw_object"]["metadata"]["name"]))
        if left:
            raise RunError(Problem(where, f"not gone within {GONE_S} s: {', '.join(sorted(left))}", "testbed clean"))

    def namespace_is_ours(self) -> bool:
        """Whether a run made the namespace. Raises :class:`RunError`."""
        with told(f"namespace {self._namespace}"):
            found: Any = self._access.core.read_namespace(self._namespace)
        return OURS.items() <= (found.metadata.labels or {}).items()

    def remove_namespace(self) -> None:
        """Remove the namespace, and wait until it is gone. Raises :class:`RunError`."""
        deadline = time.monotonic() + GONE_S
        with told(f"namespace {self._namespace}"):
            self._access.core.delete_namespace(self._namespace)
            while self._access.has_namespace(self._namespace):
                if time.monotonic() > deadline:
                    raise RunError(Problem(f"namespace {self._namespace}", f"not gone within {GONE_S} s"))
                time.sleep(LOOK_S)


def clean(kubeconfig: Path, context: str, namespace: str) -> list[str]:
    """Remove all that runs left in a namespace, and it as well if a run made it. Says what was removed.

    Raises:
        InputError: the cluster cannot be reached.
        RunError: something does not go.
    """
    access = Access(kubeconfig, context)
    if not access.has_namespace(namespace):
        return []
    with tempfile.TemporaryDirectory(prefix="existing-") as folder:
        leftovers = Leftovers(access, namespace, str(Path(folder, "discovered.json")))
        removed = [f"{thing} of run {thing.run}, namespace {namespace}" for thing in leftovers.remove()]
        if leftovers.namespace_is_ours():
            leftovers.remove_namespace()
            removed.append(f"namespace {namespace}")
    return removed
