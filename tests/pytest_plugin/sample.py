"""What tests of the plugin share: a pytest of its own for files that they write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import ROOT

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
"""Where the kernel is: pytester gives its pytests another home."""
SMALL = ROOT / "tests" / "lab" / "small.py"
HYBRID = """
import pytest

@pytest.mark.topology("topologies/hybrid.py", dx_delay="10ms")
def test_losing_direct_connect_is_felt_less_than_a_second(lab):
    with lab.probe.udp("aws-a", "dc-1") as flow, lab.fault.silent("dx"):
        lab.wait_until(lab.path("aws-a", "dc-1").uses("vpn"), within="5s")
    assert flow.longest_gap < "1s"
"""


def with_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pytest that pytester starts find the kernel."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE))


def written(pytester: pytest.Pytester, body: str) -> Path:
    """A file of tests on the smallest lab; ``SMALL`` in it stands for its topology."""
    return pytester.makepyfile(f"import pytest\nSMALL = {str(SMALL)!r}\n{body}")
