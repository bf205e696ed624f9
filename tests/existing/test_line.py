"""A claim about the start of a program in a pod."""

from __future__ import annotations

from typing import Any, cast

import pytest
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException

from testbed.existing import line


def test_ctrl_c_while_it_is_started_is_no_failure_of_the_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    def stream(*asked: Any, **options: Any) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:  # as kubernetes.stream.ws_client does
            raise ApiException(status=0, reason=str(error)) from error

    monkeypatch.setattr(line, "stream", stream)
    with pytest.raises(KeyboardInterrupt):
        line.PodLine(cast(ApiClient, None), "probes", "pod", ["python3"])
