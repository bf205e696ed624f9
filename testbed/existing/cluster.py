"""A cluster that exists already, as scenarios know clusters: things are made in one namespace, and fitted to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from kubernetes.client import ApiClient, ApiException
from urllib3.exceptions import HTTPError

from testbed.clock import Waiter
from testbed.errors import Problem, RunError
from testbed.existing.access import FORBIDDEN, RIGHTS, Access, words
from testbed.existing.line import PodLine
from testbed.existing.manifests import Frame, fitted, own_place
from testbed.history import Recorder
from testbed.kubernetes.objects import NAMESPACE, Objects
from testbed.kubernetes.watching import Watching
from testbed.kubernetes.workloads import Manifest
from testbed.plan.clusters import PlannedCluster
from testbed.units import Duration

SETTLED_WITHIN = Duration.parse("30 s")
"""For a namespace that was just made to get the account of its pods; arbitrary: it takes a second or two."""


def account_missing(body: str) -> bool:
    """Whether a refusal's text is of that. Source: kubernetes, plugin/pkg/admission/serviceaccount. Pure."""
    return "error looking up service account" in body and "not found" in body


class OwnNamespace(Watching):
    """What a cluster says of one namespace, which is what a scenario means when it names none."""

    def __init__(self, api: ApiClient, waiter: Waiter, recorder: Recorder, cluster: str, namespace: str) -> None:
        super().__init__(api, waiter, recorder, cluster, namespace)
        self._namespace = namespace

    def pod_ready(self, name: str, namespace: str = NAMESPACE) -> bool:
        """Whether a pod is ready, and not about to go."""
        return super().pod_ready(name, self._namespace)

    def pod(self, name: str, namespace: str = NAMESPACE) -> Mapping[str, Any]:
        """What is known of a pod. Raises ``KeyError``: there is none."""
        return super().pod(name, self._namespace)

    def why_not_ready(self, name: str, namespace: str = NAMESPACE) -> str:
        """What keeps a pod from being ready, in the cluster's words."""
        return super().why_not_ready(name, self._namespace)


class ExistingCluster(Objects):
    """One cluster that is somebody else's.

    Attributes:
        plan: what was found of it.
        watching: what it says of its nodes, and of the namespace.
    """

    def __init__(
        self, plan: PlannedCluster, access: Access, frame: Frame, waiter: Waiter, recorder: Recorder, scratch: Path
    ) -> None:
        self.plan = plan
        self._access = access
        self._frame = frame
        self._waiter = waiter
        self.cache = scratch / "discovered.json"
        self.watching = OwnNamespace(access.api, waiter, recorder, plan.name, frame.namespace)

    @property
    def api(self) -> ApiClient:
        """How its API server is reached."""
        return self._access.api

    def apply(self, *things: Manifest, namespace: str = NAMESPACE) -> None:
        """Create or change things, each as it fits here. Raises :class:`RunError`."""
        for thing in things:
            called = f"{thing['kind'].lower()} {thing['metadata']['name']}"
            own_place(called, namespace, self._frame)
            with told(called):
                fit = fitted(thing, self._frame)
                self._waiter.until(partial(self._taken, fit), f"{called} to be taken", SETTLED_WITHIN)

    def _taken(self, thing: Manifest) -> bool:
        """Apply it; not so long as the namespace lacks the account that its pods have."""
        try:
            super().apply(thing, namespace=self._frame.namespace)
        except ApiException as error:
            if error.status == FORBIDDEN and account_missing(str(error.body)):
                return False
            raise
        return True

    def delete(self, version: str, kind: str, name: str, namespace: str = NAMESPACE) -> None:
        """Delete a thing; that it is gone is seen by watch. Raises :class:`RunError`."""
        with self._own(f"{kind.lower()} {name}", namespace):
            super().delete(version, kind, name, self._frame.namespace)

    def read(self, version: str, kind: str, name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
        """A thing as it is now. Raises :class:`RunError`."""
        with self._own(f"{kind.lower()} {name}", namespace):
            return super().read(version, kind, name, self._frame.namespace)

    def run_in(self, pod: str, *argv: str, namespace: str = NAMESPACE, within: str = "60 s") -> str:
        """Run a program in a pod, as ``kubectl exec`` does, and return what it printed to stdout.

        Raises:
            RunError: it failed, or took too long.
        """
        own_place(f"pod {pod}", namespace, self._frame)
        line = PodLine(self._access.programs, self._frame.namespace, pod, argv)
        where = f"pod {pod}: {' '.join(argv)}"
        with contextlib.closing(line):
            try:
                printed, ended = line.rest(Duration.parse(within).seconds)
            except OSError as error:
                raise RunError(Problem(where, str(error))) from error
        if ended:
            raise RunError(Problem(where, f"ended with status {ended}", line.complaints))
        return printed.decode(errors="replace")

    @contextlib.contextmanager
    def _own(self, called: str, namespace: str) -> Iterator[None]:
        own_place(called, namespace, self._frame)
        with told(called):
            yield

    def close(self) -> None:
        """Watch no more."""
        self.watching.close()


@contextlib.contextmanager
def told(where: str) -> Iterator[None]:
    """Tell in plain words why an API server did not do what it was asked for in the middle of a run."""
    try:
        yield
    except ApiException as error:
        raise RunError(Problem(where, words(error), RIGHTS if error.status == FORBIDDEN else "")) from error
    except (HTTPError, OSError) as error:
        raise RunError(Problem(where, f"the API server does not answer: {error}")) from error
