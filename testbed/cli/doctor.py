"""``testbed doctor``."""

from __future__ import annotations

import json

import click

from testbed.errors import Exit, TestbedError
from testbed.kernel import detect
from testbed.kubernetes import host_kernel


def doctor_command(*, as_json: bool) -> Exit:
    """Print what was tried, what came of it, and what a run would use."""
    capabilities = (*detect.capabilities(), *host_kernel.capabilities())
    try:
        choice, problems = detect.choose(None, None, capabilities), []
    except TestbedError as error:
        choice, problems = None, [str(problem) for problem in error.problems]
    if as_json:
        found = {
            "capabilities": [vars(capability) for capability in capabilities],
            "choice": vars(choice) if choice else None,
            "problems": problems,
        }
        click.echo(json.dumps(found))
    else:
        _print(capabilities)
        if choice is not None:
            click.echo(f"\na run uses the {choice.kernel} kernel and the {choice.clock} clock: {choice.why}")
        for problem in problems:
            click.echo(f"\n{problem}")
    return Exit.PASS if choice is not None else Exit.MACHINE


def _print(capabilities: tuple[detect.Capability, ...]) -> None:
    wide = max(len(capability.name) for capability in capabilities)
    for capability in capabilities:
        mark = click.style("yes", fg="green") if capability.available else click.style(" no", fg="yellow")
        click.echo(f"{mark}  {capability.name:{wide}}  {capability.why}")
        if not capability.available and capability.hint:
            click.echo(f"{'':{wide + 7}}{capability.hint}")
