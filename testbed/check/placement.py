"""Pods that say where they want to be, and what a record says of where they came to be. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from testbed.history import History
from testbed.theory.interval import exactly
from testbed.verdict import Measurement

PENDING = "pending"
"""Where a pod is that the scheduler found no node for."""
SOURCE = "kubernetes.io, scheduling"


@dataclass(frozen=True)
class Asked:
    """Pods that want something, and where they must come to be.

    Attributes:
        name: of it, and the value of its pods' label ``app``.
        why: the rule, in words.
        things: manifests.
        sites: how many of its pods by site, or :data:`PENDING`; empty: told for information.
        reason: words that the scheduler must have for those that stay pending, with ``; `` between.
    """

    name: str
    why: str
    things: Sequence[Mapping[str, Any]]
    sites: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""


def placed(history: History, case: Asked, stage: str = "") -> Iterator[Measurement]:
    """How many pods are where they must be, and by name each that is not, or stays pending for another reason.

    ``stage``: of the case, where it was looked at in several.
    """
    pods = [event.fields for event in history.of("placement") if _is(event.fields, case, stage)]
    name = case.name.replace("-", "_")
    if not case.sites:
        at = pods[0]["site"] if pods else "no_site"
        yield Measurement(f"{name}_at_{at}", len(pods) or None, "pods", source=f"{case.why}; a wish")
        return
    found = {site: sum(pod["site"] == site for pod in pods) for site in case.sites}
    right = sum(min(found[site], count) for site, count in case.sites.items())
    theory = exactly(sum(case.sites.values()), "pods", f"{case.why}; {SOURCE}")
    yield Measurement.against(f"{name}_at_{'_and_'.join(case.sites)}", right if pods else None, theory)
    for pod in pods:
        missing = [words for words in case.reason.split("; ") if words not in pod["reason"]]
        if pod["site"] == PENDING and missing:
            yield Measurement.wrong(f"{pod['pod']}: not '{missing[0]}', but '{pod['reason']}'", SOURCE)
        if pod["site"] not in case.sites:
            yield Measurement.wrong(f"{pod['pod']} is at {pod['site'] or 'no node yet'}: {case.why}", SOURCE)


def _is(pod: Mapping[str, Any], case: Asked, stage: str) -> bool:
    return bool(pod["case"] == case.name and (not stage or pod["stage"] == stage))
