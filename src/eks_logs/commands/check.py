"""`check`: does every link of the chain hold, from the cluster to the documents in OpenSearch?"""

from datetime import UTC, datetime

import click

from eks_logs.aws.checks import check_aws
from eks_logs.aws.facts import gather as gather_aws
from eks_logs.aws.log_subscription import OPTIONS
from eks_logs.commands.connection import Connection
from eks_logs.commands.output import json_option, show_findings
from eks_logs.commands.target import Chosen, targeted
from eks_logs.errors import SetupError
from eks_logs.findings import Finding, exit_code, skipped
from eks_logs.findings import as_json as findings_as_json
from eks_logs.opensearch.checks import Commands, check, gather
from eks_logs.opensearch.registry import attempt

_HOUR = 60


@click.command("check")
@targeted
@OPTIONS["log_types"]
@click.option("--minutes", type=click.IntRange(min=1), default=_HOUR, show_default=True, help="How far back to count")
@json_option
def check_command(chosen: Chosen, *, log_types: tuple[str, ...], minutes: int, as_json: bool) -> None:
    """Check every link from the cluster to OpenSearch, and say what to do about those that are broken.

    With --stack-name, the links in AWS too: log types, subscription, function, its role, what could not be stored. It
    changes nothing. Log types may be off, unless --log-types names them. What the caller may not read is skipped. The
    status is 1 where a link is broken.
    """
    findings = (*_of_aws(chosen.connection, log_types), *_of_opensearch(chosen, minutes))
    if as_json:
        click.echo(findings_as_json(findings))
    else:
        show_findings(findings)
    click.get_current_context().exit(exit_code(findings))


def _of_aws(connection: Connection, log_types: tuple[str, ...]) -> tuple[Finding, ...]:
    if connection.stack is None:
        return (skipped("aws", "not looked at", "name the stack with --stack-name"),)
    return check_aws(gather_aws(connection.aws_api(), connection.stack, datetime.now(UTC), log_types))


def _of_opensearch(chosen: Chosen, minutes: int) -> tuple[Finding, ...]:
    client = chosen.connection.client()
    server = attempt(client.server)
    target = chosen.target(None if isinstance(server, SetupError) else server)
    commands = Commands(apply=chosen.command("apply"), check=chosen.command("check"))
    return check(gather(client, target, minutes, datetime.now(UTC).date()), commands)
