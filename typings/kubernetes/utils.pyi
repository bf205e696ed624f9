from typing import Any

from kubernetes.client import ApiClient

def create_from_dict(k8s_client: ApiClient, data: dict[str, Any]) -> object: ...
