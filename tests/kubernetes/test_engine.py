"""Claims about small parts of Docker in the guest that need no guest."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

from testbed.kubernetes import rights
from testbed.kubernetes.engine import with_speed
from testbed.kubernetes.joining import RUNTIME, runtime_script

COMMAND = (sys.executable, "-S", "-E", str(RUNTIME))


def test_every_cpu_says_how_fast_it_is_once() -> None:
    text = "processor\t: 0\nmodel\t: UML\n\nprocessor\t: 1\nmodel\t: UML\n\n"
    told = with_speed(text)
    assert told.count("cpu MHz") == 2
    assert with_speed(told) == told


def test_only_creating_a_container_goes_by_the_lab(tmp_path: Path) -> None:
    """What is no creation is runc's at once, with the words it was given."""
    script = tmp_path / "runtime"
    script.write_text(runtime_script(tmp_path / "lab.sock"), encoding="utf-8")
    runc = tmp_path / "bin" / "runc"
    runc.parent.mkdir()
    runc.write_text('#!/bin/sh\necho runc "$@"\n', encoding="utf-8")
    runc.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", str(script), "--root", "/x", "exec", "--process", "create.json", "prod-worker"],
        capture_output=True, text=True,
        check=True, env={"PATH": f"{runc.parent}:/usr/bin:/bin"},
    )  # fmt: skip
    assert done.stdout == "runc --root /x exec --process create.json prod-worker\n"


def test_a_nodes_container_is_given_the_namespace_that_the_lab_names(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    config = bundle / "config.json"
    spaces = '"linux": {"namespaces": [{"type": "network"}, {"type": "pid"}]}'
    config.write_text(f'{{"hostname": "prod-worker", {spaces}, "process": {{}}}}')
    runc = tmp_path / "runc"
    runc.write_text(f"#!/bin/sh\ncat {config}\n", encoding="utf-8")
    runc.chmod(0o755)
    asked: list[str] = []
    with socket.socket(socket.AF_UNIX) as lab:
        lab.bind(str(tmp_path / "lab.sock"))
        lab.listen()
        answers = threading.Thread(target=_answer, args=(lab, asked, ["/proc/1/fd/9", ""]))
        answers.start()
        done = subprocess.run(
            [*COMMAND, str(tmp_path / "lab.sock"), "", "create", "--bundle", str(bundle)],
            capture_output=True, text=True, check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        )  # fmt: skip
        answers.join()
    assert '{"type": "network", "path": "/proc/1/fd/9"}, {"type": "pid"}' in done.stdout
    assert asked == ["before prod-worker", "after prod-worker"]


def test_where_root_has_not_all_rights_nothing_that_is_started_in_a_container_is_given_those(tmp_path: Path) -> None:
    script, process, runc = tmp_path / "runtime", tmp_path / "process.json", tmp_path / "runc"
    script.write_text(runtime_script(tmp_path / "lab.sock", ["CAP_SYS_RESOURCE"]), encoding="utf-8")
    process.write_text('{"capabilities": {"bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"]}, "args": ["true"]}')
    runc.write_text(f'#!/bin/sh\necho "$@"\ncat {process}\nexit 3\n', encoding="utf-8")
    runc.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", str(script), "exec", "--process", str(process), "prod-worker"],
        capture_output=True, text=True, check=False, env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )  # fmt: skip
    words, told = done.stdout.splitlines()
    assert (done.returncode, words) == (3, f"exec --process {process} prod-worker")
    assert json.loads(told) == {"capabilities": {"bounding": ["CAP_CHOWN"]}, "args": ["true"]}


def test_rights_that_are_missing_are_told_by_what_the_kernel_has(tmp_path: Path) -> None:
    last, status = tmp_path / "last", tmp_path / "status"
    last.write_text("40\n")
    status.write_text("CapEff:\t000001ffffffffff\nCapBnd:\t000001fffeffffff\n")
    assert rights.missing(last, status) == [24]
    status.write_text("CapBnd:\t000001ffffffffff\n")
    assert rights.missing(last, status) == []


def _answer(lab: socket.socket, asked: list[str], answers: list[str]) -> None:
    for answer in answers:
        connection, _ = lab.accept()
        with connection, connection.makefile("rw", encoding="utf-8") as talk:
            asked.append(talk.readline().strip())
            talk.write(f"{answer}\n")
