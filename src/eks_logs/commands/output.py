"""How commands print: steps as diffs, findings by the width of the terminal, and colors where they are wanted."""

import shutil
import sys
from collections.abc import Callable, Sequence

import click

from eks_logs.aws.steps import AwsStep
from eks_logs.commands.connection import Command
from eks_logs.findings import Finding, as_text
from eks_logs.plan import Step

json_option: Callable[[Command], Command] = click.option("--json", "as_json", is_flag=True, help="Print JSON")


def show(*steps: Step | AwsStep) -> None:
    """Print what steps change."""
    for step in steps:
        click.secho(step.title, bold=True)
        for line in step.diff:
            click.secho(f"  {line}", fg={"+": "green", "-": "red"}.get(line[:1]))


def show_findings(findings: Sequence[Finding]) -> None:
    """Print findings: on a terminal no wider than it is, else one a line."""
    if findings:
        click.echo(as_text(findings, shutil.get_terminal_size().columns if sys.stdout.isatty() else None))


def say(line: str) -> None:
    """Print what is waited for, beside the answer."""
    click.echo(line, err=True)
