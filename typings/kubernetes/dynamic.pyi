from typing import Any

from kubernetes.client import ApiClient

class Instance:
    def to_dict(self) -> dict[str, Any]: ...

class Resource:
    def server_side_apply(
        self, *, body: dict[str, Any], name: str, namespace: str, field_manager: str, force_conflicts: bool
    ) -> Instance: ...
    def get(self, *, name: str = "", namespace: str, label_selector: str = "") -> Instance: ...
    def delete(self, *, name: str, namespace: str) -> Instance: ...

class Resources:
    def get(self, *, api_version: str, kind: str) -> Resource: ...

class DynamicClient:
    resources: Resources
    def __init__(self, client: ApiClient, cache_file: str | None = None) -> None: ...
