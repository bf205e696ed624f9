"""Claims about what is made of a record of doors, rights and captures. Pure."""

from __future__ import annotations

import datetime
import ipaddress
import struct
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from testbed.check import captured, certificates
from testbed.kubernetes import rbac
from testbed.probe.capture import header
from tests.kubernetes.told import measured, wrong

SCENARIO = "cluster_security.py"
MARKER = "marker-00112233"


def frame(protocol: int, ports: tuple[int, int] = (0, 0), words: bytes = b"") -> bytes:
    """Ethernet, IPv4 without options, and ports."""
    ip = bytes([0x45, *[0] * 8, protocol, *[0] * 10])
    return bytes(12) + b"\x08\x00" + ip + struct.pack("!HH", *ports) + words


def capture(path: Path, frames: list[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    records = b"".join(struct.pack("=IIII", 1, 0, len(each), len(each)) + each for each in frames)
    path.write_bytes(header(65535, ethernet=True) + records)


def test_frames_are_counted_by_protocol_port_and_words(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    capture(path, [frame(17, (1, 4789), b"abc"), frame(17, (53, 1)), frame(50), bytes(60)])
    assert captured.of(path, captured.UDP) == 2
    assert captured.of(path, captured.UDP, 4789) == 1
    assert captured.of(path, captured.ESP) == 1
    assert captured.carrying(path, b"abc") == 1


def certificate(subject: str, issuer: str, *names: x509.GeneralName) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    who, by = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (subject, issuer))
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = x509.CertificateBuilder(by, who, key.public_key(), 1, begin, begin + datetime.timedelta(days=365))
    if names:
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def test_a_certificate_says_names_and_who_vouches() -> None:
    names = x509.DNSName("kubernetes"), x509.IPAddress(ipaddress.ip_address("10.0.1.10"))
    found = certificates.read(certificate("kube-apiserver", "kubernetes", *names))
    assert (found.subject, found.issuer) == ("CN=kube-apiserver", "CN=kubernetes")
    assert found.names == ("kubernetes", "10.0.1.10")
    assert (found.self_signed, found.until.year) == (False, 2027)
    assert certificates.read(certificate("me", "me")).self_signed


def http(what: str, status: int, error: str = "") -> tuple[str, dict[str, Any]]:
    return "http", {"what": what, "source": "pod", "to": "x:1", "status": status, "error": error}


def right(*, may: bool, allowed: bool, status: int) -> tuple[str, dict[str, Any]]:
    return "right", {"words": "do it", "may": may, "allowed": allowed, "status": status}


def test_an_answer_to_nobody_fails_and_is_named(tmp_path: Path) -> None:
    found = measured(tmp_path, SCENARIO, [http("kubelet, by nobody", 401), http("kubelet, by nobody", 200)])
    assert found["kubelet_by_nobody"].value == 1
    assert "kubelet, by nobody, from pod to x:1: 200" in wrong(found)


@pytest.mark.parametrize(("error", "known"), [
    ("SSLError: [SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version", True),
    ("SSLError: [SSL: NO_PROTOCOLS_AVAILABLE]", False),
])  # fmt: skip
def test_a_version_that_this_machine_itself_refuses_is_not_known(tmp_path: Path, error: str, known: bool) -> None:
    found = measured(tmp_path, SCENARIO, [http("API over TLS 1.0", 0, error)])
    assert found["api_takes_tls_1_0"].value == (0 if known else None)


@pytest.mark.parametrize(("told", "bad"), [
    (right(may=True, allowed=True, status=200), []),
    (right(may=False, allowed=False, status=403), []),
    (right(may=False, allowed=False, status=200), ["rights_as_tried"]),
    (right(may=True, allowed=False, status=403), ["rights_as_reviewed", "rights_as_tried"]),
    (right(may=True, allowed=True, status=409), ["rights_as_tried"]),
])  # fmt: skip
def test_rights_are_what_is_said_and_what_is_done(
    tmp_path: Path, told: tuple[str, dict[str, Any]], bad: list[str]
) -> None:
    found = measured(tmp_path, SCENARIO, [told])
    assert [name for name in wrong(found) if name.startswith("rights")] == bad


def test_a_marker_is_in_clear_text_in_vxlan_and_nowhere_in_ipsec(tmp_path: Path) -> None:
    words = MARKER.encode()
    vxlan = [frame(17, (1, 4789), words)] * 20
    capture(tmp_path / "captures" / "usual-dx.pcap", vxlan)
    for link in ("inet-vgw", "inet-cgw"):
        capture(tmp_path / "captures" / f"backup-{link}.pcap", [frame(50)] * 20)
    told = [("marked", {"way": way, "marker": MARKER, "answered": 10}) for way in ("usual", "backup")]
    found = {name: each for name, each in measured(tmp_path, SCENARIO, told).items() if each.value is not None}
    assert found["marker_usual_on_dx"].value == found["marker_usual_on_dx"].expected == 20
    assert found["marker_backup_on_inet_cgw"].value == found["marker_backup_on_inet_cgw"].expected == 0
    assert [name for name in wrong(found) if "mark" in name or "carr" in name] == []


def test_a_marker_that_can_be_read_in_ipsec_fails(tmp_path: Path) -> None:
    for link in ("inet-vgw", "inet-cgw"):
        capture(tmp_path / "captures" / f"backup-{link}.pcap", [frame(17, (1, 4789), MARKER.encode())] * 20)
    found = measured(tmp_path, SCENARIO, [("marked", {"way": "backup", "marker": MARKER, "answered": 10})])
    assert {"marker_backup_on_inet_cgw", "carriers_backup_on_inet_cgw"} <= set(wrong(found))


def test_an_operator_changes_the_nodes_of_his_site_alone() -> None:
    made = rbac.operator("op", "site-dc", ["dc-1", "dc-2"])
    (role,) = (each for each in made if each["kind"] == "ClusterRole")
    (mark,) = (rule for rule in role["rules"] if "patch" in rule["verbs"])
    assert mark["resourceNames"] == ["dc-1", "dc-2"]
    assert all("nodes" in rule["resources"] for rule in role["rules"])
