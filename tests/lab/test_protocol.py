"""Claims about the lines between client, supervisor and agent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed import errors
from testbed.errors import InputError, MachineError, Problem, RunError
from testbed.lab.protocol import (
    LINE_MAX,
    Decoder,
    Message,
    ProtocolError,
    decode,
    encode,
    error_message,
    pack,
    raise_error,
    unpack,
)

_VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)
_MESSAGES = st.dictionaries(st.text(), _VALUES, max_size=4)


@given(st.lists(_MESSAGES, max_size=6), st.lists(st.integers(1, 40), min_size=1))
def test_messages_arrive_however_the_stream_is_torn(messages: list[Message], sizes: list[int]) -> None:
    stream = b"".join(map(encode, messages))
    decoder, turn = Decoder(), 0
    found: list[Message] = []
    while stream:
        size = sizes[turn % len(sizes)]
        found += decoder.feed(stream[:size])
        stream, turn = stream[size:], turn + 1
    assert found == messages


@given(_MESSAGES)
def test_a_message_is_one_line(message: Message) -> None:
    assert encode(message).count(b"\n") == 1


@given(st.binary(max_size=300))
def test_bytes_come_back_as_they_were(data: bytes) -> None:
    assert unpack(pack(data)) == data


@pytest.mark.parametrize("line", [b"", b"hello", b"[1]", b'"text"', b"\xff\xfe", b"{"])
def test_anything_but_a_json_object_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(line)


def test_text_that_is_no_base64_is_refused() -> None:
    with pytest.raises(ProtocolError, match="no base64"):
        unpack("not base64!")


def test_a_line_without_end_is_refused() -> None:
    decoder = Decoder()
    with pytest.raises(ProtocolError, match="a line of more than"):
        list(decoder.feed(b"x" * (LINE_MAX + 1)))


@pytest.mark.parametrize("kind", [InputError, RunError, MachineError])
def test_an_error_crosses_with_its_kind_and_all_problems(kind: type[errors.TestbedError]) -> None:
    problems = (Problem("here", "is wrong", "do this"), Problem("there", "too"))
    with pytest.raises(kind) as raised:
        raise_error(decode(encode(error_message(kind(problems)))))
    assert raised.value.problems == problems
