"""Claims about how a manifest is created: in order, and a kind that was just defined is waited for."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from kubernetes import client, utils

from testbed.kubernetes import creating
from testbed.units import Duration

DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "peers.x.org"},
    "spec": {"group": "x.org", "names": {"kind": "Peer", "plural": "peers"}},
}  # fmt: skip
PEER = {"apiVersion": "x.org/v1", "kind": "Peer", "metadata": {"name": "one"}, "spec": {}}
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "aws-1", "annotations": {"a": "b"}}}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}


class Refused(client.ApiException):
    def __init__(self, status: int) -> None:
        self.status = status


class Looks:
    """Waits by looking again at once, a few times."""

    def until(self, condition: Callable[[], bool], what: str, within: Duration) -> None:
        assert any(condition() for _ in range(5)), what


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the API server is asked, in order; a custom thing is refused the first time."""
    asked: list[Any] = []

    class Objects:
        def __init__(self, api: Any) -> None: ...

        def create_cluster_custom_object(self, group: str, version: str, plural: str, body: Any) -> None:
            asked.append((group, version, plural, body["metadata"]["name"]))
            if len(asked) <= refusals["until"]:
                raise Refused(refusals["status"])

    class Core:
        def __init__(self, api: Any) -> None: ...

        def patch_node(self, name: str, body: Any) -> None:
            asked.append(("patched", name))

    monkeypatch.setattr(client, "CustomObjectsApi", Objects)
    monkeypatch.setattr(client, "CoreV1Api", Core)
    monkeypatch.setattr(utils, "create_from_dict", lambda api, document: asked.append(document["kind"]))
    return asked


refusals = {"until": 0, "status": int(HTTPStatus.NOT_FOUND)}


def create(*documents: Any) -> None:
    nobody: Any = None
    waiter: Any = Looks()
    creating.create(nobody, documents, waiter)


def test_a_kind_that_was_just_defined_is_waited_for(done: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(refusals, "until", 3)
    create(DEFINITION, PEER, CONFIG)
    assert done == ["CustomResourceDefinition", *[("x.org", "v1", "peers", "one")] * 3, "ConfigMap"]


def test_what_is_refused_for_another_reason_is_told(done: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(refusals, "until", 9)
    monkeypatch.setitem(refusals, "status", int(HTTPStatus.FORBIDDEN))
    with pytest.raises(client.ApiException):
        create(DEFINITION, PEER)


def test_a_node_is_there_already_and_gets_what_it_is_given(done: list[Any]) -> None:
    create(NODE)
    assert done == [("patched", "aws-1")]
