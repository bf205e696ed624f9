"""How a cluster that exists already is reached: a kubeconfig, one of its contexts, and what is found there."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from kubernetes import client, config
from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from testbed.errors import InputError, Problem, known
from testbed.existing.sites import Found

LIMIT_S = 15.0
"""For an API server to answer; arbitrary."""
RIGHTS = "testbed cluster rbac prints the rights that a run needs"
FORBIDDEN, UNAUTHORIZED = 403, 401


class Access:
    """A cluster by its kubeconfig.

    Attributes:
        context: of the kubeconfig.
        api: for all but programs in pods.
        programs: for those: the client changes it while it opens a connection.
    """

    def __init__(self, kubeconfig: Path, context: str = "") -> None:
        """Read the kubeconfig. Raises :class:`InputError`."""
        self.context = _context(kubeconfig, context)
        try:
            self.api = config.new_client_from_config(str(kubeconfig), self.context)
            self.programs = config.new_client_from_config(str(kubeconfig), self.context)
        except (config.ConfigException, OSError, ValueError) as error:
            raise InputError(Problem(f"--kubeconfig {kubeconfig}", f"cannot be used: {error}")) from error
        self.core = client.CoreV1Api(self.api)

    @property
    def server(self) -> str:
        """The host of the API server's URL."""
        return urlsplit(self.api.configuration.host).hostname or ""

    def find(self, label: str) -> Found:
        """Look at the cluster. Raises :class:`InputError`: it cannot be reached, or does not let us."""
        with refused(f"context {self.context}", self.server):
            version = client.VersionApi(self.api).get_code(_request_timeout=LIMIT_S)
            nodes = self.core.list_node(_request_timeout=LIMIT_S)
        found = self.api.sanitize_for_serialization(nodes)["items"]
        return Found(self.context, self.server, str(version.git_version), label, tuple(found))

    def has_namespace(self, name: str) -> bool:
        """Whether there is one. Raises :class:`InputError`."""
        with refused(f"namespace {name}", self.server):
            try:
                self.core.read_namespace(name, _request_timeout=LIMIT_S)
            except ApiException as error:
                if error.status != 404:
                    raise
                return False
        return True


def _context(kubeconfig: Path, context: str) -> str:
    try:
        contexts, current = config.list_kube_config_contexts(str(kubeconfig))
    except (config.ConfigException, OSError, ValueError, TypeError) as error:
        what = f"cannot be read: {error}"
        raise InputError(
            Problem(f"--kubeconfig {kubeconfig}", what, "name a kubeconfig, as kubectl has one")
        ) from error
    names = [str(one["name"]) for one in contexts]
    wanted = context or (str(current["name"]) if current else "")
    if wanted not in names:
        raise InputError(Problem(f"--context {wanted}", "no such context", known(wanted, names)))
    return wanted


@contextlib.contextmanager
def refused(where: str, server: str) -> Iterator[None]:
    """Tell in plain words why an API server did not do what it was asked for, before anything was made."""
    try:
        yield
    except ApiException as error:
        hint = RIGHTS if error.status in (FORBIDDEN, UNAUTHORIZED) else "kubectl --context NAME get nodes"
        raise InputError(Problem(where, words(error), hint)) from error
    except (HTTPError, OSError) as error:
        what = f"API server {server} does not answer: {error}"
        raise InputError(Problem(where, what, "kubectl --context NAME get nodes")) from error


def words(error: ApiException) -> str:
    """What an API server said."""
    with contextlib.suppress(ValueError, TypeError):
        return str(json.loads(error.body)["message"])
    return f"{error.status} {error.reason}"
