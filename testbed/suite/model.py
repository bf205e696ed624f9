"""What a suite in YAML may say: checks, each with a topology, what happens in the lab, and what must be so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from testbed import yaml_text
from testbed.errors import InputError, Problem
from testbed.units import Duration, Ratio

EXPECTATION = re.compile(
    r"\s*(?P<probe>[\w-]+)\.(?P<reading>longest_gap|lost|rtt)(?:\((?P<share>[^)]*)\))?\s*"
    r"(?P<relation><=|>=|<|>)\s*(?P<bound>\S.*?)\s*"
)
"""Such as ``flow.longest_gap < 1s`` or ``flow.rtt(99 %) <= 40 ms``."""
READING = re.compile(r"\s*(?P<probe>[\w-]+)\.(?P<reading>longest_gap|lost|rtt)(?:\((?P<share>[^)]*)\))?\s*")
WITHIN = "60 s"


def _duration(text: str) -> str:
    Duration.parse(text)
    return text


def _expectation(text: str) -> str:
    found = EXPECTATION.fullmatch(text)
    if found is None:
        raise ValueError("not of the form PROBE.READING < BOUND, such as flow.longest_gap < 1s")
    (Ratio if found["reading"] == "lost" else Duration).parse(found["bound"])
    Ratio.parse(found["share"] or "50 %")
    return text


def _reading(text: str) -> str:
    if READING.fullmatch(text) is None:
        raise ValueError("not of the form PROBE.READING, such as flow.longest_gap")
    return text


Time = Annotated[str, AfterValidator(_duration)]
Expectation = Annotated[str, AfterValidator(_expectation)]
Reading = Annotated[str, AfterValidator(_reading)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProbeBlock(_Strict):
    """A probe of packets."""

    probe: Literal["udp", "ping"]
    source: str
    target: str
    name: str
    interval: Time = "1 ms"


class FaultBlock(_Strict):
    """A fault, with the options of its kind."""

    fault: str
    target: str
    direction: Literal["a_to_b", "b_to_a"] | None = None
    options: dict[str, str] = Field(default_factory=dict)


class PathWait(_Strict):
    """Until traffic between two hosts goes some way."""

    path: tuple[str, str]
    uses: str = ""
    avoids: str = ""
    within: Time = WITHIN


class SleepWait(_Strict):
    """For a while."""

    sleep: Time


class ConvergedWait(_Strict):
    """Until the network is as planned."""

    converged: Literal["yes"]
    within: Time = WITHIN


class CheckModel(_Strict):
    """One check: what is open together, what is waited for meanwhile, and what must be so afterwards."""

    topology: str = ""
    set: dict[str, str] = Field(default_factory=dict)
    seeds: Annotated[int, Field(ge=1)] | None = None
    clock: Literal["virtual", "real"] | None = None
    during: list[ProbeBlock | FaultBlock]
    wait: list[PathWait | SleepWait | ConvergedWait]
    expect: list[Expectation] = Field(default_factory=list)
    baseline: dict[str, Reading] = Field(default_factory=dict)


class SuiteModel(_Strict):
    """A file. What stands at the top is for every check that does not say otherwise."""

    about: str = ""
    topology: str = ""
    set: dict[str, str] = Field(default_factory=dict)
    seeds: Annotated[int, Field(ge=1)] = 1
    clock: Literal["virtual", "real"] | None = None
    checks: Annotated[dict[str, CheckModel], Field(min_length=1)]


def read(path: Path) -> SuiteModel:
    """Read a suite. Raises :class:`InputError` with everything that has the wrong shape, each with its line."""
    document = yaml_text.read(path)
    try:
        return SuiteModel.model_validate(document.value)
    except ValidationError as error:
        found = {}
        for detail in error.errors():
            # Pydantic names the members of a union in its places; the file has none of that.
            place = tuple(part for part in detail["loc"] if not str(part).endswith(("Block", "Wait")))
            found[document.where(place)] = detail["msg"].removeprefix("Value error, ")
        raise InputError(
            Problem(where, what, "docs/testing.md has the words of a suite") for where, what in found.items()
        ) from error
