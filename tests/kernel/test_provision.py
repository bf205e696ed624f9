from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed.kernel.programs import NEEDED

Maker = Callable[..., Path]
SCRIPT = Path(__file__).parents[2] / "scripts" / "provision.sh"
MARK = "made by testbed"
NEEDED_HERE = sorted({need.package for need in NEEDED if need.group != "test"})


class Machine:
    """A Debian of scripts: what is installed is a file, what apt-get was told another."""

    def __init__(self, root: Path, bin_dir: Path, script: Maker) -> None:
        self.root, self.bin, self.script = root, bin_dir, script
        self.policy = root / "policy-rc.d"
        self.installed, self.calls = root / "installed", root / "calls"
        (bin_dir / "python3").symlink_to(sys.executable)
        self.calls.touch()
        self.install(*NEEDED_HERE)
        files = f'[ "$1" = -L ] && {{ echo "/lib/systemd/system/$2.service"; exit; }}; sed "s/^/ii /" {self.installed}'
        script("dpkg-query", files)
        script("apt-get", f'echo "apt-get $*" >> {self.calls}; cat {self.policy} >> {self.calls}')
        script("systemctl", f'echo "systemctl $*" >> {self.calls}')
        self.be(0)

    def be(self, uid: int) -> None:
        self.script("id", f"echo {uid}")

    def install(self, *packages: str) -> None:
        self.installed.write_text("".join(f"{package}\n" for package in packages))

    def lack(self, *packages: str) -> None:
        self.install(*(package for package in NEEDED_HERE if package not in packages))

    def run(self, *arguments: str, python: str = "python3") -> subprocess.CompletedProcess[str]:
        env = {"PATH": str(self.bin), "TESTBED_POLICY_RC_D": str(self.policy), "PYTHON": python}
        return subprocess.run(
            [str(self.bin / "sh"), str(SCRIPT), *arguments], env=env, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=30, check=False,
        )  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path, bin_dir: Path, script: Maker) -> Machine:
    return Machine(tmp_path, bin_dir, script)


def test_where_all_is_there_nothing_is_done(machine: Machine) -> None:
    done = machine.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.calls.read_text() == ""


def test_only_what_is_missing_is_installed_and_its_daemons_are_kept_off(machine: Machine) -> None:
    machine.lack("bird2", "tcpdump")
    done = machine.run()
    assert done.returncode == 0, done.stderr
    calls = machine.calls.read_text()
    assert re.search(r"install --yes --no-install-recommends bird2 tcpdump$", calls, re.MULTILINE)
    assert "exit 101" in calls
    assert "systemctl --quiet disable bird2.service" in calls
    assert not machine.policy.exists()


def test_packages_for_tests_are_asked_for_by_name(machine: Machine) -> None:
    assert machine.run("--test").returncode == 0
    assert "chromium chromium-driver" in machine.calls.read_text()
    assert machine.run("--tests").returncode == 2


def test_the_administrators_policy_is_put_back_even_if_the_installation_fails(machine: Machine) -> None:
    machine.policy.write_text("#!/bin/sh\nexit 104\n")
    machine.lack("bird2")
    machine.script("apt-get", f"cat {machine.policy} >> {machine.calls}; exit 100")
    done = machine.run()
    assert done.returncode == 4
    assert "could not install: bird2" in done.stderr
    assert MARK in machine.calls.read_text()
    assert machine.policy.read_text() == "#!/bin/sh\nexit 104\n"
    assert [path.name for path in machine.root.glob("policy*")] == ["policy-rc.d"]


def test_a_policy_left_by_a_killed_run_is_taken_away_by_the_next(machine: Machine) -> None:
    machine.lack("bird2")
    machine.policy.write_text("#!/bin/sh\nexit 104\n")
    machine.script("apt-get", 'kill -9 "$PPID"')
    machine.run()
    assert MARK in machine.policy.read_text()
    machine.install(*NEEDED_HERE)
    assert machine.run().returncode == 0
    assert machine.policy.read_text() == "#!/bin/sh\nexit 104\n"


def test_without_root_and_sudo_the_line_to_paste_is_printed(machine: Machine) -> None:
    machine.lack("bird2", "tcpdump")
    machine.be(1000)
    done = machine.run()
    assert done.returncode == 4
    assert "sudo apt-get install --no-install-recommends bird2 tcpdump\n" in done.stderr
    assert machine.calls.read_text() == ""


def test_without_root_but_with_sudo_it_starts_over_as_root(machine: Machine) -> None:
    machine.lack("bird2")
    machine.be(1000)
    become_root = f'printf "#!/bin/sh\\necho 0\\n" > {machine.bin}/id'
    machine.script("sudo", f'[ "$1" = -n ] && exit 0; {become_root}; exec "$@"')
    assert machine.run().returncode == 0
    assert "bird2" in machine.calls.read_text()


def test_an_old_python_is_told_with_what_to_do(machine: Machine) -> None:
    old = machine.script("old-python", 'case "$2" in *exit*) exit 1 ;; *) echo 3.9.2 ;; esac')
    done = machine.run(python=str(old))
    assert done.returncode == 4
    assert "3.11 or newer is needed" in done.stderr
    assert "3.9.2" in done.stderr


def test_another_distribution_is_told_what_to_install_by_hand(machine: Machine) -> None:
    (machine.bin / "apt-get").unlink()
    done = machine.run()
    assert done.returncode == 4
    assert "neither Debian nor Ubuntu" in done.stderr
    assert "bird2" in done.stderr
