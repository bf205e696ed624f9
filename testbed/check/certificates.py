"""What a certificate says, from its PEM text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Certificate:
    """Subject and issuer in one line each (RFC 4514), the names it is for, and when it ends."""

    subject: str
    issuer: str
    names: Sequence[str]
    until: datetime

    @property
    def self_signed(self) -> bool:
        """Nobody but itself vouches for it."""
        return self.subject == self.issuer


def read(pem: str) -> Certificate:
    """Read a certificate: the first, where there are several."""
    from cryptography import x509  # late: it is large

    found = x509.load_pem_x509_certificates(pem.encode())[0]
    try:
        alternative = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [*alternative.get_values_for_type(x509.DNSName)]
        names += [str(address) for address in alternative.get_values_for_type(x509.IPAddress)]
    except x509.ExtensionNotFound:
        names = []
    return Certificate(
        found.subject.rfc4514_string(), found.issuer.rfc4514_string(), tuple(names), found.not_valid_after_utc
    )
