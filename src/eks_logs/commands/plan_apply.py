"""`plan` and `apply`: what OpenSearch, and the cluster's logging, lack for the function, shown or made."""

import json
from dataclasses import asdict
from datetime import UTC, datetime

import click

from eks_logs.commands.cluster_logging import Asked, Logging, needed, of_aws
from eks_logs.commands.output import json_option, say, show, show_findings
from eks_logs.commands.target import Chosen, targeted
from eks_logs.opensearch import registry
from eks_logs.opensearch.client import Client
from eks_logs.opensearch.target import Target
from eks_logs.plan import Plan

_NOTHING = "nothing to change: OpenSearch is set up"
# As Terraform's option of that name has it.
_CHANGES = 2


@click.command("plan")
@targeted
@of_aws
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Status 0: nothing to change, 1: an error or something in the way, 2: changes",
)
@json_option
def plan_command(chosen: Chosen, *, asked: Asked, detailed_exitcode: bool, as_json: bool) -> None:
    """Show what `apply` would change, and change nothing.

    The caller is the user of OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD, else the AWS credentials of --profile or of
    the environment. A password that is not set is asked for.

    The status is 1 where something of others stands in the way.
    """
    client = chosen.connection.client()
    planned = _planned(client, chosen.target(client.server()))
    logging = needed(chosen.connection, asked)
    steps = len(planned.steps) + len(logging.steps)
    if as_json:
        click.echo(_json(planned, logging, applied=False))
    else:
        _show(planned, logging)
        click.echo(f"{steps} to change: {chosen.command('apply', *_again(asked))}" if steps else _NOTHING)
    _end(planned, changes=bool(steps) and detailed_exitcode)


@click.command("apply")
@targeted
@of_aws
@json_option
def apply_command(chosen: Chosen, *, asked: Asked, as_json: bool) -> None:
    """Give the function its rights in OpenSearch, install the index template, and let the cluster log.

    It creates the role eks-control-plane-logs-writer (least privilege), adds the function's IAM role to its
    rolesmapping, installs the index template, and with --retention-days a policy that deletes old indices. What others
    have there stays; a second run changes nothing. Where something of others stands in the way, or an option would
    change for others what they use, too, it changes nothing, and the status is 1.

    With --stack-name it then turns on those of the five log types that are off, waits for EKS, and adds the
    subscription filter and its permission where the log group lost them.

    The caller is the user of OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD, else the AWS credentials of --profile or of
    the environment. A password that is not set is asked for.
    """
    client = chosen.connection.client()
    target = chosen.target(client.server())
    planned = _planned(client, target)
    logging = needed(chosen.connection, asked)
    if not as_json:
        _show(planned, logging)
    if not planned.is_blocked:
        # OpenSearch first: records that came before it was ready would be refused.
        for step in planned.steps:
            registry.execute(client, step, target, say)
        logging.apply(say)
    click.echo(_json(planned, logging, applied=not planned.is_blocked) if as_json else _summary(planned, logging))
    _end(planned)


def _planned(client: Client, target: Target) -> Plan:
    with_clusters = target.retention_days is not None and not target.is_serverless
    return registry.plan(registry.read(client, target, datetime.now(UTC).date(), with_clusters=with_clusters), target)


def _summary(planned: Plan, logging: Logging) -> str:
    if planned.is_blocked:
        return "nothing was changed: fix what is in the way first"
    steps = len(planned.steps) + len(logging.steps)
    return f"{steps} changed: OpenSearch is set up" if steps else _NOTHING


def _again(asked: Asked) -> list[str]:
    """The options on AWS, to type them again."""
    without = ["--without-aws"] if asked.without_aws else []
    return without if asked.log_group_days is None else [*without, "--log-group-days", str(asked.log_group_days)]


def _end(planned: Plan, *, changes: bool = False) -> None:
    if planned.is_blocked or changes:
        click.get_current_context().exit(1 if planned.is_blocked else _CHANGES)


def _json(planned: Plan, logging: Logging, *, applied: bool) -> str:
    """`{"applied", "steps": [{"title", "method", "path", "body", "diff"}], "aws_steps": [{"title", "diff"}], …}`.

    Behind them `findings` and `notes`.
    """
    aws_steps = [{"title": step.title, "diff": step.diff} for step in logging.steps]
    return json.dumps({"applied": applied, **asdict(planned), "aws_steps": aws_steps}, indent=2)


def _show(planned: Plan, logging: Logging) -> None:
    show(*planned.steps, *logging.steps)
    show_findings(planned.findings)
    for note in planned.notes:
        click.echo(f"note: {note}")
