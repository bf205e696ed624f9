"""Claims about what a worker is asked: what it lacks is sent once, and what is wrong with it is told."""

from __future__ import annotations

import importlib.metadata
import pickle
from collections.abc import Sequence

import pytest

from testbed import __version__
from testbed.boot.pool import Task
from testbed.errors import InputError, Problem
from testbed.remote import work
from testbed.remote.admission import Admitted, Call, Sent, admit
from testbed.remote.orders import Order
from testbed.remote.wanted import Edition

WANTED = Edition(__version__, "c" * 64, "k" * 64)
TASK = Task("name", "0/s.py", {}, 1, "", "guest", "virtual", 600.0)
SENT = Sent(WANTED, Order(TASK, "f" * 64, "k" * 64), lambda: b"kernel", lambda: b"files")


def converse(*answers: object) -> tuple[list[Call], Admitted]:
    """What is asked, and how it ends; an exception is what the worker raised."""
    talk, asked = admit("tcp://w", SENT), []
    question = next(talk)
    try:
        for answer in ("w1", *answers):
            asked.append(question)
            question = talk.throw(answer) if isinstance(answer, Exception) else talk.send(answer)
    except StopIteration as end:
        found: Admitted = end.value
        return asked, found
    raise AssertionError(f"it goes on with {question}")


def seen(lacks: Sequence[str] = (), problems: Sequence[str] = ()) -> dict[str, object]:
    return {"lacks": list(lacks), "problems": list(problems)}


def test_a_worker_that_has_all_is_asked_twice_what_it_has_and_gets_nothing() -> None:
    asked, found = converse(__version__, seen(), seen())
    assert found == Admitted("w1")
    assert [call.function for call in asked] == [getattr, importlib.metadata.version, work.look, work.look]


def test_what_it_lacks_is_sent_under_its_hash() -> None:
    asked, found = converse(__version__, seen(["kernel", "files"]), None, None, seen())
    assert found == Admitted("w1")
    kernel, files = (call.arguments for call in asked if call.function is work.keep)
    assert kernel == ("kernel", "k" * 64, b"kernel")
    assert files == ("files", "f" * 64, b"files")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ((importlib.metadata.PackageNotFoundError("testbed"),), "no testbed is installed"),
        (("0.0.1",), "it has testbed 0.0.1"),
        ((__version__, ModuleNotFoundError("No module named 'testbed.remote'")), "No module named"),
        ((__version__, seen(problems=["another kernel"]), seen(problems=["another kernel"])), "another kernel"),
        ((__version__, seen(["kernel"]), OSError(28, "No space left on device")), "No space left"),
        ((__version__, seen(["kernel"]), None, seen(["kernel"])), "did not keep the kernel"),
        ((__version__, InputError(Problem("x", "no such parameter"))), "no such parameter"),
    ],
)
def test_a_worker_that_is_not_fit_is_refused_with_the_reason(answers: tuple[object, ...], words: str) -> None:
    _, found = converse(*answers)
    (reason,) = found.refused
    assert found.name == "w1"
    assert words in reason


def test_a_call_unpickled_is_what_the_function_returns() -> None:
    assert pickle.loads(pickle.dumps(Call(divmod, (7, 2)))) == (3, 1)


def test_another_testbed_differs_and_one_without_a_kernel_does_not() -> None:
    assert WANTED.differs(Edition(__version__, "c" * 64, "")) == []
    version, kernel = WANTED.differs(Edition("9.9", "d" * 64, "l" * 64))
    assert "testbed 9.9" in version and "another guest kernel (llll" in kernel
    (code,) = WANTED.differs(Edition(__version__, "d" * 64, "k" * 64))
    assert "other code (dddd" in code
