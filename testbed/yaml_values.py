"""What values look like in a topology in YAML: text with units, numbers, flags, impairments."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema, model_validator

from testbed.parameters import OFF
from testbed.units import Duration, Quantity, Rate, Ratio, Size

_REFERENCE = {"type": "string", "pattern": r"\$\{[^}]+\}"}


def _off(value: object) -> object:
    return None if value == OFF else value


def _text_of(kind: type[Quantity]) -> dict[str, Any]:
    units = ", ".join(kind.units)
    return {"type": "string", "description": f"a {kind.kind} with its unit ({units})", "examples": [kind.example]}


DurationText = Annotated[str, WithJsonSchema(_text_of(Duration))]
RatioText = Annotated[str, WithJsonSchema(_text_of(Ratio))]
RateText = Annotated[str, WithJsonSchema(_text_of(Rate))]
SizeText = Annotated[str, WithJsonSchema(_text_of(Size))]
OptionalDuration = Annotated[DurationText | None, BeforeValidator(_off)]
OptionalRate = Annotated[RateText | None, BeforeValidator(_off)]
Whole = Annotated[int, WithJsonSchema({"anyOf": [{"type": "integer"}, _REFERENCE]})]
OptionalWhole = Annotated[
    int | None,
    BeforeValidator(_off),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"const": OFF}, _REFERENCE]}),
]
Flag = Annotated[bool, WithJsonSchema({"anyOf": [{"type": "boolean"}, {"enum": ["yes", "no"]}, _REFERENCE]})]


class Strict(BaseModel):
    """Knows all its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _empty(cls, value: object) -> object:
        """``dc-1:`` with nothing behind it has no keys."""
        return {} if value == "" else value


class GilbertElliottLoss(Strict):
    """Loss in bursts: two states."""

    p: RatioText = Field(description="from good to bad")
    r: RatioText = Field(description="from bad to good")
    loss_bad: RatioText = "100 %"
    loss_good: RatioText = "0 %"


class FourStateLoss(Strict):
    """Markov loss: tc-netem(8), ``loss state``."""

    p13: RatioText
    p31: RatioText = "100 %"
    p32: RatioText = "0 %"
    p23: RatioText = "100 %"
    p14: RatioText = "0 %"


class SlotFields(Strict):
    """Delivery in bursts."""

    min: DurationText
    max: DurationText
    packets: Whole = 0
    bytes: SizeText = "0 B"


def loss_tag(value: object) -> str:
    """Which of the loss models a value is meant to be."""
    if isinstance(value, dict):
        return "four-state" if "p13" in value else "gilbert-elliott"
    return "text"


Loss = Annotated[
    Annotated[RatioText, Tag("text")]
    | Annotated[GilbertElliottLoss, Tag("gilbert-elliott")]
    | Annotated[FourStateLoss, Tag("four-state")],
    Discriminator(loss_tag),
]


class ImpairmentKeys(Strict):
    """What one direction does to packets: see ``testbed.model.Impairment``."""

    delay: DurationText | None = None
    jitter: DurationText | None = None
    distribution: str | None = None
    table: list[DurationText] | None = None
    ordered: Flag | None = None
    delay_correlation: RatioText | None = None
    loss: Loss | None = None
    loss_correlation: RatioText | None = None
    duplicate: RatioText | None = None
    duplicate_correlation: RatioText | None = None
    corrupt: RatioText | None = None
    corrupt_correlation: RatioText | None = None
    reorder: RatioText | None = None
    reorder_correlation: RatioText | None = None
    reorder_gap: Whole | None = None
    slot: SlotFields | None = None
