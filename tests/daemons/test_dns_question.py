"""Claims about reading answers of DNS servers."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from testbed.daemons.dns_question import Question, Reply, read, wire
from testbed.plan.paths import Family

NAME, NUMBER = "dc-1.dc.internal", 70_000


def answer(
    *records: str, rcode: dns.rcode.Rcode = dns.rcode.NOERROR, number: int = NUMBER, family: Family = 4
) -> bytes:  # fmt: skip
    asked = dns.message.from_wire(wire(Question(NAME, family), number))
    made = dns.message.make_response(asked)
    made.set_rcode(rcode)
    for record in records:
        ttl, _, kind, address = record.split()
        made.answer.append(dns.rrset.from_text(f"{NAME}.", int(ttl), "IN", kind, address))
    return made.to_wire()


def test_a_question_asks_for_recursion_and_for_the_record_of_its_family() -> None:
    for question, kind in ((Question(NAME, 4), "A"), (Question(NAME, 6), "AAAA")):
        asked = dns.message.from_wire(wire(question, NUMBER))
        assert asked.question[0].to_text() == f"{NAME}. IN {kind}"
        assert asked.flags & dns.flags.RD and asked.id == NUMBER & 0xFFFF


@pytest.mark.parametrize(
    ("data", "reply"),
    [
        (answer("60 IN A 192.0.2.2", "50 IN A 192.0.2.1"), Reply("answer", ("192.0.2.1", "192.0.2.2"), 50)),
        (answer(), Reply("no data")),
        (answer("60 IN AAAA 2001:db8::1"), Reply("no data")),
        (answer(rcode=dns.rcode.NXDOMAIN), Reply("nxdomain")),
        (answer(rcode=dns.rcode.SERVFAIL), Reply("servfail")),
        (answer(rcode=dns.rcode.REFUSED), Reply("refused")),
        (answer(rcode=dns.rcode.NOTIMP), Reply("other")),
        (answer("60 IN A 192.0.2.1", number=1), Reply("other")),
        (b"no message", Reply("other")),
    ],
)
def test_what_a_server_says_is_told_apart(data: bytes, reply: Reply) -> None:
    assert read(Question(NAME, 4), NUMBER, data) == reply


def test_an_aaaa_record_answers_over_ipv6() -> None:
    data = answer("60 IN AAAA 2001:db8::1", family=6)
    assert read(Question(NAME, 6), NUMBER, data) == Reply("answer", ("2001:db8::1",), 60)
