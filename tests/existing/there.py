"""A lab's cluster, used as if it were somebody else's: each act leaves an event ``act`` with what was printed.

The testbed is started as a user starts it, in the lab's kernel, with the kubeconfig of the lab's cluster.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from testbed import Duration, Lab, Scenario
from testbed.existing.defaults import NAMESPACE
from testbed.existing.rbac import NAME
from testbed.kubernetes import workloads
from testbed.kubernetes.cluster import Kubernetes
from testbed.plan.compile_clusters import SITE

ROOT = Path(__file__).parent.parent.parent
FILE = str(ROOT / "scenarios" / "cluster_paths.py")
SHORT = ("--set", "for=2 s")
NEW = "made-by-a-run"
"""A namespace that is not there."""
FORBIDDEN = (
    ("get", "secrets", "--namespace", NAMESPACE), ("list", "pods", "--namespace", "kube-system"), ("delete", "nodes"),
    ("create", "pods", "--namespace", "default"), ("create", "namespaces"),
)  # fmt: skip

scenario = Scenario(topology="../../topologies/stretched_cluster.py", question="q", hypothesis="h", refuted_by="r")


class There:
    """The lab's cluster from outside."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.cluster: Kubernetes = lab.pods.cluster()
        self.engine = self.cluster.engine

    def testbed(self, *words: str) -> list[str]:
        """The command line."""
        return ["env", f"PYTHONPATH={ROOT}", sys.executable, "-P", "-m", "testbed", *words]

    def call(self, act: str, *argv: str, stdin: str = "") -> str:
        """Run a program to its end, and note what it printed and how it ended."""
        script = 'said=$("$@" 2>&1); echo "$? $said"'
        if stdin:
            path = self.engine.scratch / f"{act}.yaml"
            path.write_text(stdin, encoding="utf-8")
            script = f'said=$("$@" < {path} 2>&1); echo "$? $said"'
        status, _, printed = self.engine.run(act, "sh", "-c", script, "sh", *argv, within="400 s").partition(" ")
        self.lab.note("act", act=act, status=int(status), printed=printed)
        return printed

    def run(self, act: str, *words: str) -> str:
        """A run, whose directory is in the lab's record."""
        out = str(self.lab.recorder.record / act)
        common = ("--image", workloads.IMAGE, "--site-label", SITE, "--out", out)
        return self.call(act, *self.testbed("run", FILE, *common, *words))

    def left(self, act: str) -> None:
        """Note what of ours is on the cluster."""
        kinds = "pods,services,deployments,networkpolicies,namespaces"
        selector = "app.kubernetes.io/managed-by=testbed"
        self.call(act, "kubectl", "get", kinds, "--all-namespaces", "--selector", selector, "--output", "name")

    def kubeconfig_of(self, token: str) -> Path:
        """A kubeconfig of the account that has the shipped rights and no others."""
        document: dict[str, Any] = yaml.safe_load(self.engine.kubeconfig.read_text(encoding="utf-8"))
        document["users"] = [{"name": NAME, "user": {"token": token}}]
        (context,) = document["contexts"]
        context["context"]["user"] = NAME
        path = self.engine.scratch / "account"
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return path

    def broken_off(self, act: str, how: signal.Signals) -> None:
        """A run that is sent a signal as soon as one of its pods is ready."""
        argv = self.testbed(
            "run", FILE, "--kubeconfig", str(self.engine.kubeconfig), "--image", workloads.IMAGE, "--site-label", SITE,
            "--namespace", NEW, "--out", str(self.lab.recorder.record / act),
        )  # fmt: skip
        with (self.engine.folder / f"{act}.log").open("wb") as log:
            process = subprocess.Popen(argv, stdout=log, stderr=log, env=dict(self.engine.environment))
        try:
            watching = self.cluster.watching
            self.lab.wait_until(lambda: watching.pod_ready("pod-aws-1", NEW), "its pod is ready", "200 s")
            process.send_signal(how)
            self.lab.waiter.end_of(process, "its end", Duration.parse("200 s"))
        finally:
            process.kill()
            status = process.wait()
        self.lab.note("act", act=act, status=status, printed="")


@scenario.run
def run(lab: Lab) -> None:
    """Look, be given rights, run, be interrupted, be killed, clean."""
    there = There(lab)
    admin = ("--kubeconfig", str(there.engine.kubeconfig))
    there.run("dry-run", *admin, "--dry-run")
    there.left("after-dry-run")
    rights = there.call("rbac", *there.testbed("cluster", "rbac"))
    there.call("apply", "kubectl", "apply", "--filename", "-", stdin=rights)
    token = there.call("token", "kubectl", "create", "token", NAME, "--namespace", NAMESPACE, "--duration", "1h")
    account = ("--kubeconfig", str(there.kubeconfig_of(token.strip())))
    there.run("run", *account, *SHORT)
    there.left("after-run")
    for words in FORBIDDEN:
        there.call("may-" + "-".join(words[:2]), "kubectl", *account, "auth", "can-i", *words)
    there.broken_off("interrupted", signal.SIGINT)
    there.left("after-interrupted")
    there.broken_off("killed", signal.SIGKILL)
    there.left("after-killed")
    there.run("refused", *admin, "--namespace", NEW)
    there.call("clean", *there.testbed("clean", *admin, "--namespace", NEW))
    there.left("after-clean")


def acts(events: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """What was done, by name."""
    return {event.fields["act"]: dict(event.fields) for event in events if event.kind == "act"}
