"""`check`: does every link of the chain hold, from the cluster to the documents in OpenSearch?"""

from datetime import UTC, datetime

import click

from eks_logs.aws_api import AwsApi
from eks_logs.aws_checks import check_aws
from eks_logs.aws_facts import gather as gather_aws
from eks_logs.commands.connection import Connection
from eks_logs.commands.plan_apply import json_option
from eks_logs.commands.target import Aim, aimed
from eks_logs.findings import Finding, as_text, exit_code, skipped
from eks_logs.findings import as_json as findings_as_json
from eks_logs.opensearch.checks import Mends, check_domain
from eks_logs.opensearch.facts import gather

_HOUR = 60


@click.command("check")
@aimed
@click.option("--minutes", type=click.IntRange(min=1), default=_HOUR, show_default=True, help="How far back to count")
@json_option
def check_command(aim: Aim, *, minutes: int, as_json: bool) -> None:
    """Check every link from the cluster to OpenSearch, and say what to do about those that are broken.

    With --stack-name, the links in AWS too: log types, subscription, function, its role, what could not be stored. It
    changes nothing. What the caller may not read is skipped. The status is 1 where a link is broken.
    """
    findings = (*_of_aws(aim.connection), *_of_domain(aim, minutes))
    click.echo(findings_as_json(findings) if as_json else as_text(findings))
    click.get_current_context().exit(exit_code(findings))


def _of_aws(connection: Connection) -> tuple[Finding, ...]:
    if connection.stack is None:
        return (skipped("aws", "not looked at", "name the stack with --stack-name"),)
    api = AwsApi(connection.aws().client)
    return check_aws(gather_aws(api, connection.stack, datetime.now(UTC)))


def _of_domain(aim: Aim, minutes: int) -> tuple[Finding, ...]:
    facts = gather(aim.connection.domain(), aim.wanted, minutes)
    return check_domain(facts, Mends(apply=aim.command("apply"), check=aim.command("check")))
