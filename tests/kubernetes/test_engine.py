"""Claims about small parts of Docker in the guest that need no guest."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

from testbed.kubernetes.engine import with_speed
from testbed.kubernetes.joining import RUNTIME, runtime_script


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
    config.write_text('{"hostname": "prod-worker", "linux": {"namespaces": [{"type": "network"}, {"type": "pid"}]}}')
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
            [sys.executable, "-S", "-E", str(RUNTIME), str(tmp_path / "lab.sock"), "create", "--bundle", str(bundle)],
            capture_output=True, text=True, check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        )  # fmt: skip
        answers.join()
    assert '{"type": "network", "path": "/proc/1/fd/9"}, {"type": "pid"}' in done.stdout
    assert asked == ["before prod-worker", "after prod-worker"]


def _answer(lab: socket.socket, asked: list[str], answers: list[str]) -> None:
    for answer in answers:
        connection, _ = lab.accept()
        with connection, connection.makefile("rw", encoding="utf-8") as talk:
            asked.append(talk.readline().strip())
            talk.write(f"{answer}\n")
