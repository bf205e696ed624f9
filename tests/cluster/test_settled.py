from __future__ import annotations

from testbed.cluster.settled import ALTERNATIVES, GROUPS_MASTER, USERS_MASTER, links, record, texts

BOTH = {"usr/sbin/iptables-nft", "usr/sbin/iptables-legacy"}


def test_a_name_stands_for_the_first_choice_where_all_are_there() -> None:
    found = links(BOTH)
    assert found["usr/sbin/iptables"] == "/etc/alternatives/iptables"
    assert found["etc/alternatives/iptables"] == "/usr/sbin/iptables-nft"
    assert found["etc/alternatives/iptables-save"] == "/usr/sbin/iptables-nft-save"
    assert "usr/sbin/ip6tables" not in found


def test_an_alternative_is_recorded_as_dpkg_records_it() -> None:
    iptables = next(one for one in ALTERNATIVES if one.name == "iptables")
    assert record(iptables) == (
        "auto\n/usr/sbin/iptables\n"
        "iptables-restore\n/usr/sbin/iptables-restore\niptables-save\n/usr/sbin/iptables-save\n\n"
        "/usr/sbin/iptables-legacy\n10\n/usr/sbin/iptables-legacy-restore\n/usr/sbin/iptables-legacy-save\n"
        "/usr/sbin/iptables-nft\n20\n/usr/sbin/iptables-nft-restore\n/usr/sbin/iptables-nft-save\n\n"
    )


def test_no_user_can_log_in_with_a_password() -> None:
    masters = {USERS_MASTER: "root:*:0:0:root:/root:/bin/bash\n", GROUPS_MASTER: "root:*:0:\n"}
    found = texts(masters, set())
    passwd, shadow = found["etc/passwd"][0].splitlines(), found["etc/shadow"][0].splitlines()
    assert passwd[0] == "root:x:0:0:root:/root:/bin/bash"
    assert [line.split(":")[0] for line in shadow] == [line.split(":")[0] for line in passwd]
    assert {line.split(":")[1] for line in shadow} == {"*"}
    assert found["etc/shadow"][1] == 0o640
