"""What a worker is asked before its first run: a conversation, questions out and answers in. No network here."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from distributed import get_worker

from testbed.errors import TestbedError
from testbed.remote import work
from testbed.remote.orders import Order
from testbed.remote.wanted import Edition

DISTRIBUTION = "testbed"


@dataclass(frozen=True)
class Call:
    """A function that a worker is to call, by its name; it has to be one that can be found there."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Unpickled, it is what the function returns; arguments may be calls, too.

        Dask's scheduler reads what is to be called, and may be where no testbed is. It sees ``pickle.loads`` with bytes
        that only the worker looks into.
        """
        return self.function, self.arguments


@dataclass(frozen=True)
class Admitted:
    """How it ended: what the worker is called, and why it gets no runs; no reasons: it gets some."""

    name: str
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sent:
    """What a worker may lack. ``kernel`` and ``files`` give their parcels when they are needed."""

    testbed: Edition
    first: Order
    kernel: Callable[[], bytes]
    files: Callable[[], bytes]


Conversation = Generator[Call, Any, Admitted]


def admit(address: str, sent: Sent) -> Conversation:
    """Ask a worker; what it raises comes in as an exception."""
    name = address
    try:
        name = str((yield Call(getattr, (Call(get_worker, ()), "name"))))
        return Admitted(name, (yield from _refused(sent)))
    except importlib.metadata.PackageNotFoundError:
        return Admitted(name, ("no testbed is installed there",))
    except Exception as error:  # whatever an unknown worker raises is a reason to do without it
        said = "; ".join(each.what for each in error.problems) if isinstance(error, TestbedError) else str(error)
        return Admitted(name, (f"it cannot be asked: {type(error).__name__}: {said}",))


def _refused(sent: Sent) -> Generator[Call, Any, tuple[str, ...]]:
    """Why it gets no runs, once it has got what it lacks."""
    version = yield Call(importlib.metadata.version, (DISTRIBUTION,))
    if version != sent.testbed.version:
        return (f"it has testbed {version}, and {sent.testbed.version} is wanted",)
    look = Call(work.look, (sent.testbed, sent.first))
    seen = yield look
    if not seen["problems"]:
        for kind in seen["lacks"]:
            yield _keep(kind, sent)
        seen = yield look
    lacks = [f"it did not keep the {kind}" for kind in seen["lacks"]] if not seen["problems"] else []
    return (*seen["problems"], *lacks)


def _keep(kind: str, sent: Sent) -> Call:
    if kind == work.KERNEL:
        return Call(work.keep, (kind, sent.testbed.kernel, sent.kernel()))
    return Call(work.keep, (kind, sent.first.files, sent.files()))
