"""Claims about what is no failure: Ctrl-C while a program is started in a pod, an account that is yet to come."""

from __future__ import annotations

from typing import Any, cast

import pytest
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException

from testbed.existing import line
from testbed.existing.cluster import account_missing


def test_ctrl_c_while_it_is_started_is_no_failure_of_the_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    def stream(*asked: Any, **options: Any) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:  # as kubernetes.stream.ws_client does
            raise ApiException(status=0, reason=str(error)) from error

    monkeypatch.setattr(line, "stream", stream)
    with pytest.raises(KeyboardInterrupt):
        line.PodLine(cast(ApiClient, None), "probes", "pod", ["python3"])


def test_only_an_account_that_is_yet_to_come_is_waited_for() -> None:
    refused = (
        'pods "a" is forbidden: error looking up service account probes/default: serviceaccount "default" not found'
    )
    assert account_missing(refused)
    assert not account_missing('pods "a" is forbidden: User "x" cannot create resource "pods"')
