"""What nodes, pods and services' addresses are like, by what an API server says of them. Pure.

A thing is what the API server sends, as JSON: ``metadata``, ``spec``, ``status``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Thing = Mapping[str, Any]


def condition(thing: Thing, name: str) -> str:
    """``True``, ``False`` or ``Unknown``, as of a condition that nobody has told of yet."""
    conditions = thing.get("status", {}).get("conditions") or ()
    return next((str(one["status"]) for one in conditions if one["type"] == name), "Unknown")


def node(thing: Thing) -> dict[str, object]:
    """Whether it is ready, what the condition says, and its taints."""
    ready = condition(thing, "Ready")
    return {"ready": ready == "True", "condition": ready, "taints": taints(thing)}


def taints(thing: Thing) -> list[str]:
    """Of a node: ``KEY:EFFECT``, sorted."""
    return sorted(f"{taint['key']}:{taint['effect']}" for taint in thing["spec"].get("taints") or ())


def pod(thing: Thing) -> dict[str, object]:
    """Where it is, which address it has, how far it is, and whether it is about to go."""
    return {
        "node": thing["spec"].get("nodeName", ""),
        "address": thing.get("status", {}).get("podIP", ""),
        "phase": thing.get("status", {}).get("phase", ""),
        "ready": condition(thing, "Ready") == "True",
        "deleting": "deletionTimestamp" in thing["metadata"],
    }


def why_not_ready(thing: Thing) -> str:
    """What a pod waits for: a container's image, say, or a node that takes it."""
    status = thing.get("status", {})
    told = [one.get("state", {}).get("waiting") or {} for one in status.get("containerStatuses") or ()]
    told += [one for one in status.get("conditions") or () if one["status"] != "True"]
    words = [": ".join(filter(None, (one.get("reason", ""), one.get("message", "")))) for one in told]
    return "\n".join(dict.fromkeys(filter(None, words))) or f"it is {status.get('phase', 'unknown')}"


def runs(thing: Thing, since: str = "") -> bool:
    """Whether a pod is ready, with containers that all started ``since``, a time of day as the API server writes it."""
    started = [
        one.get("state", {}).get("running", {}).get("startedAt", "")
        for one in thing.get("status", {}).get("containerStatuses") or ()
    ]
    return bool(pod(thing)["ready"]) and bool(started) and min(started) >= since


def endpoints(thing: Thing) -> dict[str, object]:
    """The addresses of a slice that are ready, sorted."""
    return {
        "ready": sorted(
            address
            for endpoint in thing.get("endpoints") or ()
            if (endpoint.get("conditions") or {}).get("ready", True)
            for address in endpoint["addresses"]
        )
    }


def broken_off(thing: Thing) -> dict[str, object]:
    """Why a watch ended, which no API server says: it is the testbed's own thing."""
    return {"why": thing["why"]}


DESCRIBED: Mapping[str, Callable[[Thing], dict[str, object]]] = {
    "node": node, "pod": pod, "endpoints": endpoints, "watch": broken_off,
}  # fmt: skip
"""By kind."""
