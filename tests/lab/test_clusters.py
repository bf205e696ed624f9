"""Claims about a lab with a cluster that is kept up, as a user has it; one lab for all of them."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from testbed.kubernetes.workloads import IMAGE
from testbed.lab import clean
from testbed.lab.down import supervisors
from testbed.lab.state import LabFolder
from tests.lab.user import ROOT, User, until

STRETCHED = str(ROOT / "topologies" / "stretched_cluster.py")
NODES = ("aws-cp", "aws-1", "onprem-1")
WITHIN_S = 900.0
"""The first time the cluster is made; arbitrary, several times what that takes."""
pytestmark = [pytest.mark.guest, pytest.mark.cluster]


def disk_of(user: User, lab: str) -> Path:
    """The copy of the cluster's disk that a lab has."""
    return Path(LabFolder(user.lab(lab)).job().disk)


@pytest.fixture(scope="module")
def stretched(user: User) -> Iterator[User]:
    """The lab, up while this module's tests run."""
    out = user.run("up", STRETCHED, within_s=WITHIN_S)
    assert f"cluster prod: export KUBECONFIG={user.lab('stretched_cluster')}/prod.kubeconfig" in out
    disk = disk_of(user, "stretched_cluster")
    assert disk.is_dir()
    yield user
    user.run("down")
    assert not user.left()
    assert not disk.exists()


def kubeconfig(user: User) -> Path:
    return user.lab("stretched_cluster") / "prod.kubeconfig"


def test_a_client_of_this_machine_finds_the_cluster_by_its_kubeconfig(stretched: User) -> None:
    api = client.CoreV1Api(config.new_client_from_config(str(kubeconfig(stretched))))
    listed: Any = api.list_node()
    assert {node.metadata.name for node in listed.items} == set(NODES)
    assert kubeconfig(stretched).stat().st_mode & 0o777 == 0o600


def test_kubectl_has_this_terminal_and_ends_as_it_ends(stretched: User) -> None:
    assert {line.split()[0] for line in stretched.run("kubectl", "--", "get", "nodes").splitlines()[1:]} == set(NODES)
    assert "NotFound" in stretched.run("kubectl", "get", "pod", "nosuch", expect=1)
    made = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: given}\ndata: {word: " + "x" * 100_000 + "}\n"
    assert stretched.run("kubectl", "--cluster", "prod", "apply", "-f", "-", given=made) == "configmap/given created\n"
    said = stretched.run("kubectl", "get", "configmap", "given", "-o", "jsonpath={.data.word}")
    assert said == "x" * 100_000
    assert "did you mean 'prod'?" in stretched.run("kubectl", "--cluster", "pord", "get", "nodes", expect=2)


def test_programs_in_a_node_are_its_containers(stretched: User) -> None:
    assert "calico-node" in stretched.run("exec", "onprem-1", "--", "crictl", "ps")
    assert stretched.run("exec", "onprem-1", "cat", "/kind/version") == "v1.34.4"
    assert stretched.run("exec", "onprem-1", "--", "cat", "/proc/1/comm") == "systemd\n"
    assert stretched.run("exec", "onprem-1", "--", "sh", "-c", "cat; exit 7", given="in\n", expect=7) == "in\n"
    assert stretched.run("exec", "onprem-1", "nosuch", expect=127).endswith("nosuch: No such file or directory\n")
    assert stretched.run("exec", "vgw", "hostname") == "vgw\n"
    traps = "trap 'exit 9' INT; echo ready; while :; do sleep 0.1; done"
    process = stretched.start("exec", "onprem-1", "--", "sh", "-c", traps)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 9
    left = stretched.start("exec", "onprem-1", "--", "sh", "-c", "echo ready; sleep 4711")
    assert left.stdout is not None and left.stdout.readline() == "ready\n"
    left.kill()
    left.communicate()
    until(lambda: stretched.run("exec", "onprem-1", "--", "sh", "-c", "pgrep -f '[s]leep 4711' || true") == "")


def test_a_terminal_reaches_into_a_pod(stretched: User) -> None:
    stretched.run("kubectl", "run", "asked", f"--image={IMAGE}", "--image-pull-policy=Never", "--", "sleep", "infinity")
    stretched.run("kubectl", "wait", "--for=condition=Ready", "pod/asked", "--timeout=60s", within_s=90)
    words = shlex.join(stretched.words("kubectl", "exec", "-it", "asked", "--", "sh", "-c", "tty; exit 5"))
    done = subprocess.run(
        ["script", "--quiet", "--return", "--command", words, "/dev/null"], env=stretched.env, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 5 and "/dev/pts/" in done.stdout, done


def test_status_tells_of_nodes_and_pods_and_a_silent_link_is_borne(stretched: User) -> None:
    (cluster,) = stretched.status()["clusters"]
    assert {node["name"] for node in cluster["nodes"] if node["ready"]} == set(NODES)
    stretched.run("kubectl", "run", "never", f"--image={IMAGE}", "--overrides",
                  '{"spec":{"nodeSelector":{"no":"such"}}}')  # fmt: skip
    until(lambda: [pod["name"] for pod in stretched.status()["clusters"][0]["pods_not_ready"]] == ["never"])
    text = stretched.run("status")
    assert "cluster prod: Kubernetes 1.34, 3 of 3 nodes ready" in text
    assert "not ready: pod default/never on no node: Pending" in text
    assert stretched.status()["as_planned"]
    stretched.run("fault", "silent", "dx")
    until(lambda: any(not session["up"] for session in stretched.status()["sessions"]))
    over_vpn = stretched.run(
        "kubectl", "logs", "-n", "kube-system", "ds/calico-node", "--tail=1", "--all-pods", "--prefix"
    )
    assert over_vpn.count("calico-node") >= len(NODES)
    assert not stretched.status()["as_planned"]
    stretched.run("heal")
    until(lambda: stretched.status()["as_planned"], within_s=60)


def half_up(user: User, lab: str) -> tuple[subprocess.Popen[str], Path]:
    """A second lab on its way up, and its disk."""
    process = user.start("up", STRETCHED, "--name", lab)
    assert process.stderr is not None
    assert any("starting Docker" in line for line in process.stderr), "it ended before"
    disk = disk_of(user, lab)
    assert disk.is_dir()
    return process, disk


def test_an_interrupted_up_leaves_nothing(stretched: User) -> None:
    process, disk = half_up(stretched, "never")
    process.send_signal(signal.SIGINT)
    assert "everything has been taken down" in process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert not stretched.lab("never").exists()
    assert not disk.exists()


def test_what_was_killed_leaves_a_disk_and_clean_removes_it_and_no_other(stretched: User) -> None:
    process, disk = half_up(stretched, "doomed")
    process.send_signal(signal.SIGSTOP)  # it would take the lab down
    (pid,) = supervisors(stretched.lab("doomed"))
    os.kill(pid, signal.SIGKILL)
    process.kill()
    process.communicate()
    until(lambda: not supervisors(stretched.lab("doomed")))
    time.sleep(clean.YOUNG_S)
    assert disk.exists()
    assert "removed: lab doomed" in stretched.run("clean")
    assert not disk.exists()
    assert disk_of(stretched, "stretched_cluster").exists()
    assert stretched.status()["clusters"]
