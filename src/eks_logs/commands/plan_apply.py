"""`plan` and `apply`: what OpenSearch, and the cluster's logging, lack for the function, shown or made."""

import json
from collections.abc import Callable
from dataclasses import asdict

import click

from eks_logs.commands.cluster_logging import Asked, Logging, needed, of_aws
from eks_logs.commands.connection import Command
from eks_logs.commands.target import Aim, aimed
from eks_logs.control_plane_logging import LoggingStep
from eks_logs.findings import as_text
from eks_logs.opensearch.client import Domain
from eks_logs.plan import Plan, Step, plan

_NOTHING = "nothing to change: OpenSearch is set up"

json_option: Callable[[Command], Command] = click.option("--json", "as_json", is_flag=True, help="Print JSON")


@click.command("plan")
@aimed
@of_aws
@json_option
def plan_command(aim: Aim, *, asked: Asked, as_json: bool) -> None:
    """Show what `apply` would change, and change nothing.

    The caller is the user of OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD, else the AWS credentials of --profile or of
    the environment. A password that is not set is asked for.

    The status is 1 where something of others stands in the way.
    """
    planned = _planned(aim.connection.domain(), aim)
    logging = needed(aim.connection, asked)
    if as_json:
        click.echo(_json(planned, logging, applied=False))
    else:
        _show(planned, logging)
        steps = _count(planned, logging)
        click.echo(f"{steps} to change; `apply` does it" if steps else _NOTHING)
    _end(planned)


@click.command("apply")
@aimed
@of_aws
@json_option
def apply_command(aim: Aim, *, asked: Asked, as_json: bool) -> None:
    """Give the function its rights in OpenSearch, install the index template, and let the cluster log.

    It creates the role eks-control-plane-logs-writer (least privilege), adds the function's IAM role to its
    rolesmapping, installs the index template, and with --retention-days a policy that deletes old indices. What others
    have there stays; a second run changes nothing. Where something of others stands in the way, it changes nothing, and
    the status is 1.

    With --stack-name it then turns on those of the five log types that are off, waits for EKS, and adds the
    subscription filter and its permission where the log group lost them.

    The caller is the user of OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD, else the AWS credentials of --profile or of
    the environment. A password that is not set is asked for.
    """
    domain = aim.connection.domain()
    planned = _planned(domain, aim)
    logging = needed(aim.connection, asked)
    if not as_json:
        _show(planned, logging)
    if not planned.is_blocked:
        _apply(domain, planned, logging)
    click.echo(_json(planned, logging, applied=not planned.is_blocked) if as_json else _summary(planned, logging))
    _end(planned)


def _apply(domain: Domain, planned: Plan, logging: Logging) -> None:
    """OpenSearch first: records that came before it was ready would be refused."""
    for step in planned.steps:
        domain.apply(step)
    logging.apply(lambda line: click.echo(line, err=True))


def _planned(domain: Domain, aim: Aim) -> Plan:
    wanted = aim.wanted(domain.server())
    return plan(domain.find(wanted), wanted)


def _count(planned: Plan, logging: Logging) -> int:
    return len(planned.steps) + len(logging.steps)


def _summary(planned: Plan, logging: Logging) -> str:
    if planned.is_blocked:
        return "nothing was changed: mend what is in the way first"
    steps = _count(planned, logging)
    return f"{steps} changed: OpenSearch is set up" if steps else _NOTHING


def _end(planned: Plan) -> None:
    if planned.is_blocked:
        click.get_current_context().exit(1)


def _json(planned: Plan, logging: Logging, *, applied: bool) -> str:
    """`{"applied", "steps": [{"title", "method", "path", "body", "diff"}], "aws_steps": [{"title", "diff"}], …}`.

    Behind them `findings` and `notes`.
    """
    aws_steps = [{"title": step.title, "diff": step.diff} for step in logging.steps]
    return json.dumps({"applied": applied, **asdict(planned), "aws_steps": aws_steps}, indent=2)


def _show(planned: Plan, logging: Logging) -> None:
    for step in planned.steps:
        show(step)
    for aws_step in logging.steps:
        show(aws_step)
    if planned.findings:
        click.echo(as_text(planned.findings))
    for note in planned.notes:
        click.echo(f"note: {note}")


def show(step: Step | LoggingStep) -> None:
    """Print what a step changes."""
    click.secho(step.title, bold=True)
    for line in step.diff:
        click.secho(f"  {line}", fg={"+": "green", "-": "red"}.get(line[:1]))
