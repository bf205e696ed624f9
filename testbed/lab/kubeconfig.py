"""What a client of a cluster is told: the part of kind's kubeconfig that is one cluster's. Pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import yaml

from testbed.kubernetes.kind_config import CONTEXT

PARTS = ("clusters", "contexts", "users")


def of_cluster(text: str, cluster: str) -> str:
    """Only that cluster's part of a kubeconfig, and its context is the current one."""
    whole: dict[str, Any] = yaml.safe_load(text)
    name = f"{CONTEXT}{cluster}"
    parts = {part: [each for each in whole[part] if each["name"] == name] for part in PARTS}
    return _text({**whole, **parts, "current-context": name})


def address(text: str) -> tuple[str, int]:
    """Host and port of the API server of a kubeconfig with one cluster."""
    ((server,),) = (_servers(yaml.safe_load(text)),)
    parts = urlsplit(server["server"])
    assert parts.hostname is not None and parts.port is not None, f"kind writes both: {server['server']}"
    return parts.hostname, parts.port


def at(text: str, host: str, port: int) -> str:
    """The same kubeconfig, for clients that reach the API server there."""
    whole = yaml.safe_load(text)
    for server in _servers(whole):
        server["server"] = f"https://{host}:{port}"
    return _text(whole)


def _servers(whole: dict[str, Any]) -> list[dict[str, Any]]:
    return [each["cluster"] for each in whole["clusters"]]


def _text(whole: dict[str, Any]) -> str:
    return str(yaml.safe_dump(whole, sort_keys=False))
