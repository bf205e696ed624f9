"""What a manifest asks for, created in its order."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from kubernetes import client, utils

from testbed.clock import Waiter
from testbed.units import Duration

SERVED_WITHIN = Duration.parse("60 s")
"""How long the API server may take to serve a kind that was just defined; arbitrary, it takes one or two."""
Document = dict[str, Any]


def create(api: client.ApiClient, documents: Iterable[Document], waiter: Waiter) -> None:
    """Create everything, none of which is there yet; nodes, which are, get the annotations they are given.

    Kinds that a document defines are known to those after it.
    """
    custom: dict[tuple[str, str], str] = {}
    for document in documents:
        group, _, version = document["apiVersion"].partition("/")
        kind, name = document["kind"], document["metadata"]["name"]
        if kind == "CustomResourceDefinition":
            spec = document["spec"]
            custom[spec["group"], spec["names"]["kind"]] = spec["names"]["plural"]
        if kind == "Node":
            client.CoreV1Api(api).patch_node(name, document)
        elif plural := custom.get((group, kind)):
            made = _Custom(api, group, version, plural, document)
            waiter.until(made.create, f"{kind} {name} to be taken", SERVED_WITHIN)
        else:
            utils.create_from_dict(api, document)


class _Custom:
    """One thing of a kind that the cluster was taught."""

    def __init__(self, api: client.ApiClient, group: str, version: str, plural: str, document: Document) -> None:
        self._objects = client.CustomObjectsApi(api)
        self._where = (group, version, plural)
        self._document = document

    def create(self) -> bool:
        """Whether it could be created: not before its kind is served."""
        try:
            self._objects.create_cluster_custom_object(*self._where, self._document)
        except client.ApiException as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return False
        return True
