"""What a shell is offered for the names in a lab that is up: nobody is asked, the labs' folders say it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from testbed.lab.state import LabInfo


def labs(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Labs that are up."""
    return _begun(begun, (info.name for info in _up(None)))


def nodes(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Nodes of the lab that is meant."""
    return _begun(begun, (node for info in _up(context.params.get("name")) for node in info.nodes))


def clusters(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Its clusters."""
    return _begun(begun, (cluster for info in _up(context.params.get("name")) for cluster in info.clusters))


def _begun(begun: str, names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if name.startswith(begun)})


def _up(name: str | None) -> Iterator[LabInfo]:
    """What is known of the labs that are up, or of the one that was named."""
    from testbed.lab import state

    for lab in state.labs():
        info = lab.info()
        if info is not None and lab.alive and name in (None, lab.name):
            yield info
