"""`plan` and `apply`: what OpenSearch, and the cluster's logging, lack for the function, shown or made."""

import json
from dataclasses import asdict
from datetime import UTC, datetime

import click

from eks_logs.commands.log_subscription import AwsChoices, Logging, needed, of_aws
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
def plan_command(chosen: Chosen, *, asked: AwsChoices, detailed_exitcode: bool, as_json: bool) -> None:
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
        click.echo(f"{steps} to change: {chosen.command('apply', *asked.words())}" if steps else _NOTHING)
    _end(planned, changes=bool(steps) and detailed_exitcode)


@click.command("apply")
@targeted
@of_aws
@json_option
def apply_command(chosen: Chosen, *, asked: AwsChoices, as_json: bool) -> None:
    """Give the function its rights in OpenSearch, install the index template, and let the cluster log.

    It creates the role eks-control-plane-logs-writer (least privilege), adds the function's IAM role to its
    rolesmapping, installs the index template, and with --retention-days a policy that deletes old indices. What others
    have there stays; a second run changes nothing. Where something of others stands in the way, or an option would
    change for others what they use, too, it changes nothing, and the status is 1.

    With --stack-name it then adds the subscription filter, with the stack's FilterPattern, and its permission where the
    log group lost them. Log types that are off stay off, unless --log-types names them.

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


def _end(planned: Plan, *, changes: bool = False) -> None:
    if planned.is_blocked or changes:
        click.get_current_context().exit(1 if planned.is_blocked else _CHANGES)


def _json(planned: Plan, logging: Logging, *, applied: bool) -> str:
    """`{"applied", "steps": [{"title", "method", "path", "body", "diff"}], "findings", "notes"}`, and AWS's."""
    return json.dumps({"applied": applied, **asdict(planned), **logging.as_json()}, indent=2)


def _show(planned: Plan, logging: Logging) -> None:
    show(*planned.steps, *logging.steps)
    show_findings(planned.findings)
    for note in (*planned.notes, *logging.notes):
        click.echo(f"note: {note}")
