"""Claims about labs that are kept up, with the command line as a user has it and a real guest."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.lab.down import supervisors
from tests.lab.user import NAMES, SMALL, TESTBED, WITHIN_S, User, processes, until

pytestmark = pytest.mark.guest


@pytest.fixture(scope="module")
def small(user: User) -> Iterator[User]:
    """The small lab, up while this module's tests run."""
    out = user.run("up", SMALL)
    assert "lab small is up. Hosts: near far" in out
    yield user
    began = time.monotonic()
    user.run("down")
    assert time.monotonic() - began < 2
    assert not user.left()


def test_a_lab_outlives_the_command_that_brought_it_up_and_is_as_planned(small: User) -> None:
    found = small.status()
    assert found["as_planned"] and not found["faults"]
    assert found["lab"]["name"] == "small" and found["lab"]["clock"] == "real"
    assert {node["name"] for node in found["nodes"]} == {"near", "far", "left", "right"}
    assert all(session["up"] for session in found["sessions"])
    text = small.run("status")
    assert "lab small: small, as planned" in text and "faults: none" in text


def test_programs_run_in_nodes_with_their_names_status_and_streams(small: User) -> None:
    assert small.run("exec", "near", "hostname") == "near\n"
    assert small.run("exec", "near", "--", "sh", "-c", "echo out; echo err >&2; exit 7", expect=7) == "out\nerr\n"
    assert small.run("exec", "near", "nosuch", expect=127).endswith("nosuch: No such file or directory\n")
    assert small.run("exec", "near", "/etc/hosts", expect=126).endswith("/etc/hosts: Permission denied\n")
    assert small.run("exec", "near", "--", "sh", "-c", "kill -9 $$", expect=137) == ""
    assert small.run("exec", "near", "--", "ip", "-br", "addr").startswith("lo ")
    rtt = re.search(r"= ([0-9.]+)/", small.run("exec", "near", "--", "ping", "-qc3", "-i0.2", "far"))
    assert rtt and 10 <= float(rtt[1]) < 15


def test_any_amount_goes_in_and_comes_out_unchanged(small: User) -> None:
    text = "".join(f"{number} ä\n" for number in range(50_000))
    assert small.run("exec", "near", "cat", given=text) == text
    assert small.run("exec", "near", "--", "head", "-c", "1000000", "/dev/zero") == "\0" * 1_000_000


def test_a_program_that_nobody_reads_holds_up_no_other(small: User) -> None:
    stuck = small.start("exec", "near", "--", "yes")
    time.sleep(0.5)
    assert small.run("exec", "far", "hostname") == "far\n"
    stuck.kill()
    stuck.communicate()
    until(lambda: "yes" not in small.run("exec", "near", "--", "ps", "axo", "comm").split())


def test_ctrl_c_goes_to_the_program(small: User) -> None:
    process = small.start(
        "exec", "near", "--", "sh", "-c", "trap 'exit 9' INT; echo ready; while :; do sleep 0.1; done"
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=WITHIN_S)
    assert process.returncode == 9


def test_a_terminal_here_is_a_terminal_there(small: User) -> None:
    pid, terminal = pty.fork()
    if not pid:
        os.execve(sys.executable, [*TESTBED, "exec", "near", "--", "sh"], {**small.env, "PS1": "$ "})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    said = b""

    def hear(word: bytes, ask: bytes = b"") -> None:
        """Wait for an answer; ``ask`` is typed again each second: a window's size may arrive after the question."""
        nonlocal said
        deadline = time.monotonic() + WITHIN_S
        while word not in said:
            assert time.monotonic() < deadline, said
            if select.select([terminal], [], [], 1.0)[0]:
                said += os.read(terminal, 4096)
            else:
                os.write(terminal, ask)

    hear(b"# ")
    os.write(terminal, b"tty\n")
    hear(b"/dev/pts/")
    hear(b"33 99", ask=b"stty size\n")
    os.write(terminal, b"sleep 99\n")
    hear(b"sleep 99\r\n")
    time.sleep(0.3)
    os.write(terminal, b"\x03exit 5\n")
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 5
    os.close(terminal)


def test_unknown_names_are_answered_with_the_known_ones(small: User) -> None:
    for words, known in (
        (("exec", "nea", "true"), "did you mean 'near'? known: far, left, near, right"),
        (("fault", "silent", "wam"), "wan"),
        (("fault", "broken", "wan"), "known: brownout, carrier, flap"),
        (("fault", "kill", "near"), "left/bird"),
        (("heal", "77"), "on: none"),
        (("status", "--name", "other"), "up: small"),
        (("impair", "wan", "--delay", "20"), "not a duration"),
        (("kubectl", "get", "nodes"), "cluster: the lab has none"),
        (("kubectl", "--name", "other", "--", "get", "nodes"), "up: small"),
    ):
        assert known in small.run(*words, expect=2)


def test_links_are_impaired_while_they_run_and_healed(small: User) -> None:
    small.run("impair", "wan", "a_to_b", "--delay", "30ms", "--rate", "10Mbit/s")
    small.run("impair", "wan", "--loss", "0.5 %", "--jitter", "1 ms")
    (link,) = small.status()["links"]
    assert link["a_to_b"]["planned"] == {"delay": "5 ms"}
    assert link["a_to_b"]["now"] == {"delay": "30 ms", "jitter": "1 ms", "loss": "0.5 %", "rate": "10 Mbit/s"}
    assert link["b_to_a"]["now"] == {"delay": "5 ms", "jitter": "1 ms", "loss": "0.5 %"}
    small.run("heal", "2")
    rtt = re.search(r"= ([0-9.]+)/", small.run("exec", "near", "--", "ping", "-qc3", "-i0.2", "far"))
    assert rtt and 35 <= float(rtt[1]) < 40
    assert "healed: 1  impaired wan a_to_b" in small.run("heal")
    assert small.status()["as_planned"]


@pytest.mark.parametrize(
    "faults",
    [
        ("kill left",),
        ("silent wan a_to_b", "freeze left/bird", "partition two"),
        ("carrier wan", "flap wan --period 4s --duty 90%"),
        ("off two", "brownout wan --extra 2s", "freeze left"),
    ],
)
def test_faults_take_sessions_down_and_healing_brings_them_back(small: User, faults: tuple[str, ...]) -> None:
    for words in faults:
        small.run("fault", *words.split())
    until(lambda: any(not session["up"] for session in small.status()["sessions"]))
    found = small.status()
    assert not found["as_planned"] and len(found["faults"]) == len(faults)
    assert small.run("heal").count("healed: ") == len(faults)
    until(lambda: small.status()["as_planned"], within_s=20)


def test_programs_learn_names_from_the_resolver_of_their_site_and_from_nothing_else(small: User) -> None:
    small.run("up", NAMES, "--name", "names")
    shell = ("exec", "--name", "names", "aws-a", "--", "sh", "-c")
    asks = "getent ahostsv4 dc-1.dc.internal; getent hosts 192.168.1.10; ping -qc1 dc-1; getent hosts no.dc.internal"
    said = small.run(*shell, asks, expect=2)
    assert said.startswith("192.168.1.10 ") and " 0% packet loss" in said
    assert re.search(r"^192\.168\.1\.10 +dc-1\.dc\.internal$", said, re.MULTILINE)
    small.run("fault", "--name", "names", "kill", "aws-dns/dnsmasq")
    assert small.run(*shell, "getent hosts vgw.aws.internal", expect=2) == ""
    small.run("heal", "--name", "names")
    assert small.run(*shell, "getent ahostsv4 vgw.aws.internal").startswith("10.0.1.1 ")
    small.run("down", "--name", "names")


def test_two_labs_run_side_by_side_and_a_name_is_given_once(small: User) -> None:
    said = small.run("up", SMALL, expect=2)
    assert "is up already" in said and "testbed down --name small" in said
    small.run("up", SMALL, "--name", "second", "--set", "delay=40 ms")
    assert "several are up: second, small" in small.run("status", expect=2)
    rtt = re.search(r"= ([0-9.]+)/", small.run("exec", "--name", "second", "near", "--", "ping", "-qc1", "far"))
    assert rtt and float(rtt[1]) >= 80
    small.run("down", "--name", "second")
    assert small.status()["lab"]["name"] == "small"


def test_a_supervisor_that_is_killed_takes_its_guest_with_it_and_clean_finds_the_rest(small: User) -> None:
    small.run("up", SMALL, "--name", "doomed")
    (pid,) = supervisors(small.lab("doomed"))
    waiting = small.start("exec", "--name", "doomed", "near", "--", "sleep", "99")
    time.sleep(0.3)
    os.kill(pid, signal.SIGKILL)
    assert "its supervisor was killed" in waiting.communicate(timeout=WITHIN_S)[1]
    assert waiting.returncode == 3
    until(lambda: sum("umid=guest" in words and str(small.tmp) in words for _, words in processes()) == 1, within_s=2)
    said = small.run("exec", "--name", "doomed", "near", "true", expect=3)
    assert "is gone: its supervisor was killed" in said and "testbed clean" in said
    assert "is gone" in small.run("up", SMALL, "--name", "doomed", expect=2)
    time.sleep(1)
    said = small.run("clean")
    assert "removed: lab doomed" in said and said.count("removed: folder") == 1
    assert small.run("clean") == "nothing to remove\n"
    assert small.status()["as_planned"]


def test_a_guest_that_is_killed_is_told_of(small: User) -> None:
    small.run("up", SMALL, "--name", "victim")
    (supervisor,) = supervisors(small.lab("victim"))
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    waiting = small.start("exec", "--name", "victim", "near", "--", "sleep", "99")
    time.sleep(0.3)
    os.kill(int(children[0]), signal.SIGKILL)
    assert "its kernel was killed by SIGKILL" in waiting.communicate(timeout=WITHIN_S)[1]
    assert waiting.returncode == 3
    assert "is gone: its kernel was killed by SIGKILL" in small.run("status", "--name", "victim", expect=3)
    until(lambda: not supervisors(small.lab("victim")))
    assert "removed: lab victim" in small.run("clean")


@pytest.mark.parametrize("after", ["kernel is up", "starting routing daemons"])
def test_an_interrupted_up_leaves_nothing(small: User, after: str) -> None:
    process = small.start("up", SMALL, "--name", "never")
    assert process.stderr is not None
    assert any(after in line for line in process.stderr), "it ended before"
    process.send_signal(signal.SIGINT)
    assert "everything has been taken down" in process.communicate(timeout=WITHIN_S)[1]
    assert process.returncode == 130
    assert not small.lab("never").exists()
    assert sum("umid=guest" in words and str(small.tmp) in words for _, words in processes()) == 1


def test_a_lab_that_does_not_come_up_says_why_and_leaves_nothing(small: User, tmp_path: Path) -> None:
    file = tmp_path / "moody.py"
    other = "f\"{__import__('time').time_ns() % 10**6 + 1} ns\""
    text = Path(SMALL).read_text(encoding="utf-8").replace('"5 ms"', other)
    file.write_text(text, encoding="utf-8")
    said = small.run("up", str(file), "--name", "moody", expect=3)
    assert "gives another plan than it gave before the run" in said
    assert not small.lab("moody").exists()
