"""Hybrid and multi-cluster networks on the real Linux stack of one machine.

What topology and scenario files use is here; everything is loaded when first asked for, so that the command line starts
in a blink.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testbed import presets
    from testbed.builder import Topology
    from testbed.clusters import Taint
    from testbed.cni import Calico, Flannel
    from testbed.model import Bfd, Bgp, FourState, GilbertElliott, Impairment, Slot
    from testbed.parameters import optional, some
    from testbed.probe.fio import Profile
    from testbed.probe.flow import Flow
    from testbed.run.lab import Lab
    from testbed.scenario import Result, Scenario
    from testbed.study import Study
    from testbed.units import Duration, Rate, Ratio, Size
    from testbed.verdict import Measurement

__version__ = "0.1.0"

_HOMES = {
    "Topology": "testbed.builder",
    "Measurement": "testbed.verdict",
    "Bfd": "testbed.model", "Bgp": "testbed.model", "FourState": "testbed.model", "GilbertElliott": "testbed.model",
    "Impairment": "testbed.model", "Slot": "testbed.model",
    "Taint": "testbed.clusters",
    "Calico": "testbed.cni", "Flannel": "testbed.cni",
    "optional": "testbed.parameters", "some": "testbed.parameters",
    "Flow": "testbed.probe.flow", "Profile": "testbed.probe.fio",
    "Lab": "testbed.run.lab",
    "Result": "testbed.scenario", "Scenario": "testbed.scenario", "Study": "testbed.study",
    "Duration": "testbed.units", "Rate": "testbed.units", "Ratio": "testbed.units", "Size": "testbed.units",
}  # fmt: skip

__all__ = [
    "Bfd", "Bgp", "Calico", "Duration", "Flannel", "Flow", "FourState", "GilbertElliott", "Impairment", "Lab",
    "Measurement", "Profile", "Rate", "Ratio", "Result", "Scenario", "Size", "Slot", "Study", "Taint", "Topology",
    "optional", "presets", "some",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name == "presets":
        return importlib.import_module("testbed.presets")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'testbed' has no attribute {name!r}")
