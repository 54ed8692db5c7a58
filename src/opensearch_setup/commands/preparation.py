"""`plan` and `apply`: what OpenSearch lacks for the function, shown or made."""

import os
import re

import click

from opensearch_setup.commands.connection import Command, Connection, connected
from opensearch_setup.domain import Domain
from opensearch_setup.plan import Step, plan
from opensearch_setup.wanted import wanted

_IAM_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")


def iam_role(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """The value, if it is the ARN of an IAM role."""
    if not _IAM_ROLE.fullmatch(value):
        raise click.BadParameter("is not the ARN of an IAM role (arn:aws:iam::111122223333:role/name)")
    return value


def for_a_role(command: Command) -> Command:
    """Give a command the option that names the function's role."""
    text = "The function's IAM role: the stack's output FunctionRoleArn"
    return click.option("--role-arn", required=True, callback=iam_role, help=text)(command)


@click.command("plan")
@connected
@for_a_role
def plan_command(connection: Connection, role_arn: str) -> None:
    """Show what `apply` would change, and change nothing.

    The caller is the user of OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD where both are set, else the AWS credentials
    of --profile or of the environment.
    """
    steps = _steps(_domain(connection), connection, role_arn)
    for step in steps:
        show(step)
    click.echo(f"{len(steps)} to change; `apply` does it" if steps else _NOTHING)


@click.command("apply")
@connected
@for_a_role
def apply_command(connection: Connection, role_arn: str) -> None:
    """Give the function its rights in OpenSearch and install the index template.

    It creates the role eks-control-plane-logs-writer (least privilege), adds the function's IAM role to its
    rolesmapping, and installs the index template. What others have there stays; a second run changes nothing.

    The caller is the user of OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD where both are set, else the AWS credentials
    of --profile or of the environment.
    """
    domain = _domain(connection)
    steps = _steps(domain, connection, role_arn)
    for step in steps:
        show(step)
        domain.apply(step)
    click.echo(f"{len(steps)} changed: OpenSearch is set up" if steps else _NOTHING)


_NOTHING = "nothing to change: OpenSearch is set up"


def _domain(connection: Connection) -> Domain:
    return Domain(connection.endpoint, connection.caller(os.environ), connection.ca_file)


def _steps(domain: Domain, connection: Connection, role_arn: str) -> tuple[Step, ...]:
    return plan(domain.find(), wanted(connection.index, role_arn))


def show(step: Step) -> None:
    """Print what a step changes."""
    click.secho(step.title, bold=True)
    for line in step.diff:
        click.secho(f"  {line}", fg={"+": "green", "-": "red"}.get(line[:1]))
