"""Claims about overlays between hosts."""

from __future__ import annotations

import pytest

from testbed.errors import InputError
from testbed.net import overlay
from testbed.theory import mtu

A, B = ("left", "10.0.0.10"), ("right", "192.168.0.10")


@pytest.mark.parametrize("kind", ["vxlan", "ipip"])
def test_an_overlays_packets_fit_the_path(kind: str) -> None:
    laid = overlay.between(kind, 0, 1446, A, B)
    assert laid.mtu + mtu.OVERLAY[kind] == 1446


def test_ends_look_at_each_other_and_share_a_subnet_of_their_own() -> None:
    laid = overlay.between("vxlan", 3, 1500, A, B)
    assert (laid.a.local, laid.a.remote) == (laid.b.remote, laid.b.local) == (A[1], B[1])
    assert (laid.a.address, laid.b.address) == ("10.244.0.13", "10.244.0.14")
    assert laid.a.mac != laid.b.mac


def test_two_overlays_share_nothing() -> None:
    ends = [end for number in range(300) for end in _ends(overlay.between("vxlan", number, 1500, A, B))]
    for names in ([end.address for end in ends], [end.mac for end in ends]):
        assert len(set(names)) == len(ends)


def _ends(laid: overlay.Overlay) -> tuple[overlay.OverlayEnd, overlay.OverlayEnd]:
    return laid.a, laid.b


def test_an_unknown_kind_and_one_too_many_are_refused_by_words() -> None:
    with pytest.raises(InputError, match="vxlan"):
        overlay.between("vxlann", 0, 1500, A, B)
    with pytest.raises(InputError, match="fewer"):
        overlay.between("ipip", 1 << 14, 1500, A, B)
