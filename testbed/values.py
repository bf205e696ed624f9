"""Values that a topology file makes from text: impairments, loss models and BGP options."""

from __future__ import annotations

from typing import Protocol, TypeVar, Unpack

from testbed import fields, model, presets
from testbed.fields import BgpFields, ImpairmentFields, Text
from testbed.parameters import Parameters
from testbed.units import Duration, Quantity, Ratio, Size

Q = TypeVar("Q", bound=Quantity)
W = TypeVar("W", bound=str)


class Named(Protocol):
    """A site of the topology."""

    @property
    def name(self) -> str:
        """By which it is known."""


class Values:
    """Reads text; what cannot be read is noted in ``parameters.problems``, and something valid stands for it."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters

    def bgp(
        self, *, hold: Text | Duration = presets.DX_BGP_HOLD.value, keepalive: Text | Duration | None = None,
        bfd: Text | Duration | None = None, bfd_multiplier: int = presets.DX_BFD_MULTIPLIER.value,
        local_pref: int | None = None, **options: Unpack[BgpFields],
    ) -> model.Bgp:  # fmt: skip
        """BGP options for a link or VPN. ``keepalive`` defaults to a third of ``hold``; ``bfd`` is its interval.

        The others: :class:`testbed.model.Bgp`.
        """
        held = self._quantity("bgp, hold", Duration, hold, presets.DX_BGP_HOLD.value)
        kept = self._optional("bgp, keepalive", Duration, keepalive)
        if kept is None:
            kept = Duration(held // (3 * 10**9) * 10**9)  # whole seconds, as BGP counts
        interval = self._optional("bgp, bfd", Duration, bfd)
        detection = None if interval is None else model.Bfd(interval=interval, multiplier=bfd_multiplier)
        return model.Bgp(hold=held, keepalive=kept, bfd=detection, local_pref=local_pref, **options)

    def impairment(self, where: str = "impairment", **given: Unpack[ImpairmentFields]) -> model.Impairment:
        """An impairment from fields given as text: ``impairment(delay="5 ms", loss="0.1 %")``."""
        return fields.impairment(where, given, self.parameters.problems)

    def gilbert_elliott(
        self, *, p: Text | Ratio, r: Text | Ratio, loss_bad: Text | Ratio = model.ALL,
        loss_good: Text | Ratio = model.NONE,
    ) -> model.GilbertElliott:  # fmt: skip
        """Loss in bursts, for ``loss=``: see :class:`testbed.model.GilbertElliott`."""
        given = {"p": p, "r": r, "loss_bad": loss_bad, "loss_good": loss_good}
        return model.GilbertElliott(**self._ratios("gilbert_elliott", given))

    def four_state(
        self, *, p13: Text | Ratio, p31: Text | Ratio = model.ALL, p32: Text | Ratio = model.NONE,
        p23: Text | Ratio = model.ALL, p14: Text | Ratio = model.NONE,
    ) -> model.FourState:  # fmt: skip
        """Markov loss, for ``loss=``: see :class:`testbed.model.FourState`."""
        given = {"p13": p13, "p31": p31, "p32": p32, "p23": p23, "p14": p14}
        return model.FourState(**self._ratios("four_state", given))

    def slot(
        self, *, min: Text | Duration, max: Text | Duration, packets: int = 0, bytes: Text | Size = model.NO_BYTES
    ) -> model.Slot:
        """Delivery in bursts, for ``slot=``: see :class:`testbed.model.Slot`."""
        shortest, longest = (self._quantity("slot", Duration, value, Duration(1)) for value in (min, max))
        most = self._quantity("slot", Size, bytes, model.NO_BYTES)
        return model.Slot(min=shortest, max=longest, packets=packets, bytes=most)

    def _ratios(self, where: str, given: dict[str, Text | Ratio]) -> dict[str, Ratio]:
        return {name: self._quantity(f"{where}, {name}", Ratio, value, model.NONE) for name, value in given.items()}

    def _quantity(self, where: str, kind: type[Q], value: object, instead: Q) -> Q:
        return fields.quantity(where, kind, value, instead, self.parameters.problems)

    def _optional(self, where: str, kind: type[Q], value: object, instead: Q | None = None) -> Q | None:
        return None if value is None else fields.quantity(where, kind, value, instead, self.parameters.problems)

    def _chosen(self, where: str, value: str, among: tuple[W, ...]) -> W:
        return fields.chosen(where, value, among, self.parameters.problems)
