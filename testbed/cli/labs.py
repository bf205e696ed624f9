"""Commands for a lab that is kept up: up, status, exec, impair, fault, heal, down and clean.

They import what they need when they run, so that ``--help`` answers at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from testbed.cli import completion
from testbed.cli.common import EPILOG, file_argument, json_option, plain_option, seed_option, settings_option, told
from testbed.cli.existing import clean_existing, context_option, kubeconfig_option, namespace_option

if TYPE_CHECKING:
    from testbed.lab.protocol import Message

F = TypeVar("F", bound=Callable[..., Any])
HOSTS_SHOWN = 12
DIRECTIONS = ("a_to_b", "b_to_a", "both")

PROGRAM = {"ignore_unknown_options": True, "allow_interspersed_args": False}
"""Settings of a command that takes the words of another program."""

name_option = click.option(
    "--name", metavar="LAB", help="Which lab; needed where several are up.", shell_complete=completion.labs
)

IMPAIRMENTS = (
    ("delay", "TIME", "One way."),
    ("jitter", "TIME", "Standard deviation of the delay."),
    ("distribution", "NAME", "Of the jitter: normal, uniform, pareto, paretonormal, constant or table."),
    ("table", "FILE", "Measured delays, one a line; their shape is the jitter's, with --distribution table."),
    ("ordered", "yes|no", "Keep packets in order under jitter."),
    ("delay-correlation", "SHARE", "How much a delay is like the one before."),
    ("loss", "SHARE", "Or gilbert:P,R[,BAD[,GOOD]], or states:P13[,P31[,P32[,P23[,P14]]]]."),
    ("loss-correlation", "SHARE", "How much a loss depends on the one before."),
    ("duplicate", "SHARE", "Packets sent twice."),
    ("duplicate-correlation", "SHARE", "How much that depends on the one before."),
    ("corrupt", "SHARE", "Packets with one bit turned over."),
    ("corrupt-correlation", "SHARE", "How much that depends on the one before."),
    ("reorder", "SHARE", "Packets that skip the delay."),
    ("reorder-correlation", "SHARE", "How much that depends on the one before."),
    ("reorder-gap", "N", "Only each n-th packet may."),
    ("slot", "MIN,MAX[,PACKETS[,BYTES]]", "Deliver in bursts."),
    ("rate", "RATE", "What passes at most."),
)
"""Option, what it takes, help: every field of an impairment, and the rate."""
OPTIONS = (
    ("period", "TIME", "flap: from one loss to the next. Default: 10 s."),
    ("duty", "SHARE", "flap: share of the period in which the link is down. Default: 50 %."),
    ("by", "carrier|silent", "flap: how it is down. Default: carrier; silent for one direction."),
    ("loss", "SHARE", "brownout: of the packets that would have arrived."),
    ("extra", "TIME", "brownout: delay on top of the link's own."),
)
"""What kinds of fault take besides a target."""


def text_options(options: tuple[tuple[str, str, str], ...]) -> Callable[[F], F]:
    """Add options that take text with a unit."""

    def add(function: F) -> F:
        for name, takes, explained in reversed(options):
            function = click.option(f"--{name}", metavar=takes, help=explained)(function)
        return function

    return add


@click.command(epilog=EPILOG)
@file_argument
@settings_option
@click.option("--kernel", type=click.Choice(["guest", "host"]), help="Default: guest, the testbed's own.")
@plain_option
@click.option("--name", metavar="LAB", help="What to call it. Default: the topology's name.")
@seed_option
@told
def up(file: str, settings: tuple[str, ...], kernel: str | None, plain: bool, name: str | None, seed: int) -> None:
    """Bring a topology up and keep it up, in real time. Returns when every route and session is there.

    With a cluster: when its nodes and pods are ready. The kubeconfig that it names is for clients on this machine.
    """
    from testbed.cli.progress import Progress
    from testbed.lab.up import UpOptions
    from testbed.lab.up import up as bring_up
    from testbed.load import load
    from testbed.parameters import parse_settings
    from testbed.run.needs import choose

    given = parse_settings(settings)
    loaded = load(file, given)
    choice = choose(loaded, kernel, "real", impaired=not plain)
    with Progress() as progress:
        progress.step(f"{choice.kernel} kernel, real clock: {choice.why}")
        options = UpOptions(name or loaded.plan.topology, choice.kernel, seed, impaired=not plain)
        lab = bring_up(loaded, given, options, progress.message)
    hosts = [node.name for node in loaded.plan.hosts]
    more = f" and {len(hosts) - HOSTS_SHOWN} more" if len(hosts) > HOSTS_SHOWN else ""
    click.echo(f"lab {lab.name} is up. Hosts: {' '.join(hosts[:HOSTS_SHOWN]) or 'none'}{more}")
    for cluster in loaded.plan.clusters:
        click.echo(f"cluster {cluster.name}: export KUBECONFIG={lab.kubeconfig(cluster.name)}")
    kubectl = " | kubectl -- WORDS" if loaded.plan.clusters else ""
    click.echo(
        f"  testbed status | exec {loaded.plan.nodes[0].name} -- COMMAND{kubectl} | impair | fault | heal | down"
    )


def ask(name: str | None, request: Message) -> Message:
    """One request to the lab that is meant."""
    from testbed.lab.client import Connection
    from testbed.lab.state import choose

    with Connection(choose(name)) as connection:
        return connection.ask(request)


@click.command(epilog=EPILOG)
@name_option
@json_option
@told
def status(name: str | None, as_json: bool) -> None:
    """Show a lab: links as they are and as planned, faults, sessions, routes, clusters."""
    from dataclasses import asdict

    from testbed.cli.lab_status import lines
    from testbed.lab.client import Connection
    from testbed.lab.state import choose

    lab = choose(name)
    with Connection(lab) as connection:
        found = connection.ask({"op": "status"})["status"]
    info = lab.info()
    found["lab"] = {"name": lab.name} if info is None else {**asdict(info), "clock": "real"}
    for cluster in found["clusters"]:
        cluster["kubeconfig"] = str(lab.kubeconfig(cluster["name"]))
    if as_json:
        click.echo(json.dumps(found))
        return
    for line in lines(found):
        click.echo(line)


@click.command("exec", epilog=EPILOG, context_settings=PROGRAM)
@name_option
@click.argument("node", shell_complete=completion.nodes)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@told
def execute(name: str | None, node: str, command: tuple[str, ...]) -> None:
    """Run a program in a node of the lab, with this terminal or these pipes. Exits as the program does.

    It sees this machine's files, and the nodes by name; what it writes stays in the lab and goes with it, unless the
    lab is on the host's kernel. In a node of a cluster it sees the files and processes of the node's container.
    """
    from testbed.lab.state import choose
    from testbed.lab.terminal import execute as run_program

    sys.exit(run_program(choose(name), {"op": "exec", "node": node, "argv": words_of(command)}))


def words_of(command: tuple[str, ...]) -> list[str]:
    """The words of a program, without what parts them from ours."""
    return [*(command[1:] if command[0] == "--" else command)]


@click.command(epilog=EPILOG)
@name_option
@click.argument("link")
@click.argument("direction", type=click.Choice(DIRECTIONS), default="both")
@text_options(IMPAIRMENTS)
@told
def impair(name: str | None, link: str, direction: str, **fields: str | None) -> None:
    """Change what a link does to packets, while they flow; what is not given stays as it is. Undo: heal."""
    given = {key: value for key, value in fields.items() if value is not None}
    if "table" in given:
        given["table"] = read_table(given["table"])
    begin(name, "impaired", link, direction, given)


def read_table(name: str) -> str:
    """The text of a file of measured delays."""
    from testbed.errors import InputError, Problem

    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            Problem(f"--table {name}", f"cannot be read: {error}", "one delay a line, such as 20 ms")
        ) from None


class KindsCommand(click.Command):
    """A command whose help lists the kinds of fault."""

    def format_help_text(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """As any command's, and the kinds."""
        from testbed.fault.kinds import help_lines

        super().format_help_text(context, formatter)
        with formatter.section("Kinds, and their targets"):
            formatter.write_dl(help_lines(), col_max=44)


@click.command(epilog=EPILOG, cls=KindsCommand)
@name_option
@click.argument("kind")
@click.argument("target")
@click.argument("direction", type=click.Choice(DIRECTIONS), default="both")
@text_options(OPTIONS)
@told
def fault(name: str | None, kind: str, target: str, direction: str, **options: str | None) -> None:
    """Break something until it is healed. Several faults compose; each ends with the lab at the latest."""
    begin(name, kind, target, direction, {key: value for key, value in options.items() if value is not None})


def begin(name: str | None, kind: str, target: str, direction: str, options: dict[str, str]) -> None:
    """Ask for a fault, and say what has begun."""
    from testbed.cli.lab_status import fault_words

    one = None if direction == "both" else direction
    answer = ask(name, {"op": "fault", "fault": kind, "target": target, "direction": one, "options": options})
    click.echo(f"{fault_words(answer['fault'])}\n  undo: testbed heal {answer['fault']['number']}")


@click.command(epilog=EPILOG)
@name_option
@click.argument("number", default="all", metavar="[NUMBER|all]")
@told
def heal(name: str | None, number: str) -> None:
    """End a fault, or all of them: links are as the rest of the faults, or the plan, leaves them."""
    from testbed.cli.lab_status import fault_words
    from testbed.errors import InputError, Problem

    if number != "all" and not number.isdecimal():
        raise InputError(Problem(f"heal {number}", "is no fault's number", "testbed status lists them; or: all"))
    answer = ask(name, {"op": "heal", "number": None if number == "all" else int(number)})
    for healed in answer["healed"]:
        click.echo(f"healed: {fault_words(healed)}")
    if not answer["healed"]:
        click.echo("no fault is on")


@click.command(epilog=EPILOG)
@name_option
@told
def down(name: str | None) -> None:
    """Take a lab down. Nothing of it is left."""
    from testbed.lab.down import down as take_down
    from testbed.lab.state import choose

    lab = choose(name)
    take_down(lab)
    click.echo(f"lab {lab.name} is down")


@click.command(epilog=EPILOG)
@click.option("--runs", is_flag=True, help="Remove the runs' folders below ./runs as well, after asking.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@kubeconfig_option
@context_option
@namespace_option
@told
def clean(runs: bool, yes: bool, kubeconfig: Path | None, context: str, namespace: str) -> None:
    """Remove what processes that were killed left behind. Labs and runs that live are not touched.

    With --kubeconfig: what runs on that cluster have in the namespace, and nothing on this machine. One that still goes
    on there ends.
    """
    from testbed.lab import clean as cleaning

    removed = cleaning.clean() if kubeconfig is None else clean_existing(kubeconfig, context, namespace)
    for what in removed:
        click.echo(f"removed: {what}")
    found = cleaning.runs() if runs else []
    if found and (yes or click.confirm(f"remove {len(found)} runs below {Path('runs').absolute()}?")):
        for path in found:
            cleaning.remove_run(path)
            removed.append(str(path))
            click.echo(f"removed: {path}")
    if not removed:
        click.echo("nothing to remove")


COMMANDS = (up, status, execute, impair, fault, heal, down, clean)
