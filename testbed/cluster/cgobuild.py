"""Programs in Go with parts in C."""

from __future__ import annotations

from dataclasses import dataclass

from testbed.cluster.gobuild import GoBuilder

STATIC = {"CGO_ENABLED": "1", "CGO_LDFLAGS": "-static"}
"""So that they run on any root, as those without C do."""


@dataclass(frozen=True)
class CGoBuilder(GoBuilder):
    """Builds modules that do not compile without C."""

    def _env(self) -> dict[str, str]:
        return {**super()._env(), **STATIC}
