"""``testbed kubectl``: Kubernetes' own client, beside a cluster of a lab that is up."""

from __future__ import annotations

import sys

import click

from testbed.cli import completion
from testbed.cli.common import EPILOG, told
from testbed.cli.labs import PROGRAM, name_option, words_of


@click.command(epilog=EPILOG, context_settings=PROGRAM)
@name_option
@click.option(
    "--cluster", metavar="NAME", shell_complete=completion.clusters,
    help="Which cluster; needed where a lab has several.",
)  # fmt: skip
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- WORDS...")
@told
def kubectl(name: str | None, cluster: str | None, command: tuple[str, ...]) -> None:
    """Run kubectl with a cluster of the lab, with this terminal or these pipes. Exits as kubectl does.

    It runs in the lab and reads this machine's files; what it writes to files stays in the lab and goes with it.
    Clients of this machine's own find the cluster by the kubeconfig that testbed up and testbed status name.
    """
    from testbed.lab.state import choose
    from testbed.lab.terminal import execute

    sys.exit(execute(choose(name), {"op": "kubectl", "cluster": cluster, "argv": words_of(command)}))
