"""Which of the images for nodes runs start from: the one that a command made last."""

from __future__ import annotations

import os
from collections.abc import Mapping

from testbed.cluster.build import ImageBuild
from testbed.cluster.image import IN_USE, NodeImage
from testbed.cluster.pull import ImagePull


def chosen(env: Mapping[str, str] = os.environ) -> NodeImage:
    """The pulled one, from the command that pulls until the command that builds; else the built one."""
    pulled = ImagePull(dict(env))
    return pulled if pulled.chosen else ImageBuild(dict(env))


def choose_built(build: ImageBuild) -> None:
    """Let runs start from the built one. What was pulled stays, for the next command that pulls."""
    (build.cache / IN_USE).unlink(missing_ok=True)
