"""Things on a cluster: created, changed, read and deleted through its API server."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from kubernetes.client import ApiClient
from kubernetes.dynamic import DynamicClient, Resource

from testbed.kubernetes.workloads import Manifest

MANAGER = "testbed"
"""Who changes things, as the API server notes it."""
NAMESPACE = "default"
"""Of things that name none."""


class Objects(ABC):
    """The things on one cluster."""

    cache: Path | None = None
    """Where it is kept what the server knows; a file of the machine's unless told."""
    _client: DynamicClient | None = None

    @property
    @abstractmethod
    def api(self) -> ApiClient:
        """How its API server is reached."""

    def apply(self, *things: Manifest, namespace: str = NAMESPACE) -> None:
        """Create or change things as ``kubectl apply --server-side`` does; ``namespace``: of those that name none."""
        for thing in things:
            about = thing["metadata"]
            self._resource(thing["apiVersion"], thing["kind"]).server_side_apply(
                body=thing, name=about["name"], namespace=about.get("namespace", namespace), field_manager=MANAGER,
                force_conflicts=True,
            )  # fmt: skip

    def delete(self, version: str, kind: str, name: str, namespace: str = NAMESPACE) -> None:
        """Delete a thing; that it is gone is seen by watch."""
        self._resource(version, kind).delete(name=name, namespace=namespace)

    def read(self, version: str, kind: str, name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
        """A thing as it is now."""
        return self._resource(version, kind).get(name=name, namespace=namespace).to_dict()

    def _resource(self, version: str, kind: str) -> Resource:
        if self._client is None:
            self._client = DynamicClient(self.api, cache_file=None if self.cache is None else str(self.cache))
        return self._client.resources.get(api_version=version, kind=kind)
