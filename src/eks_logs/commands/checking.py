"""`check`: does every link of the chain hold, from the cluster to the documents in OpenSearch?"""

from datetime import UTC, datetime

import click

from eks_logs.aws.checks import check_aws
from eks_logs.aws.facts import gather as gather_aws
from eks_logs.aws.log_subscription import OPTIONS
from eks_logs.commands.aim import Aim, aimed
from eks_logs.commands.connection import Connection
from eks_logs.commands.preparation import json_option
from eks_logs.domain_checks import Mends, check_domain
from eks_logs.domain_facts import gather
from eks_logs.findings import Finding, as_text, exit_code, skipped
from eks_logs.findings import as_json as findings_as_json

_HOUR = 60


@click.command("check")
@aimed
@OPTIONS["log_types"]
@click.option("--minutes", type=click.IntRange(min=1), default=_HOUR, show_default=True, help="How far back to count")
@json_option
def check_command(aim: Aim, *, log_types: tuple[str, ...], minutes: int, as_json: bool) -> None:
    """Check every link from the cluster to OpenSearch, and say what to do about those that are broken.

    With --stack-name, the links in AWS too: log types, subscription, function, its role, what could not be stored. It
    changes nothing. Log types may be off, unless --log-types names them. What the caller may not read is skipped. The
    status is 1 where a link is broken.
    """
    findings = (*_of_aws(aim.connection, log_types), *_of_domain(aim, minutes))
    click.echo(findings_as_json(findings) if as_json else as_text(findings))
    click.get_current_context().exit(exit_code(findings))


def _of_aws(connection: Connection, log_types: tuple[str, ...]) -> tuple[Finding, ...]:
    if connection.stack is None:
        return (skipped("aws", "not looked at", "name the stack with --stack-name"),)
    return check_aws(gather_aws(connection.aws_api(), connection.stack, datetime.now(UTC), log_types))


def _of_domain(aim: Aim, minutes: int) -> tuple[Finding, ...]:
    facts = gather(aim.connection.domain(), aim.wanted, minutes)
    return check_domain(facts, Mends(apply=aim.command("apply"), check=aim.command("check")))
