"""`plan` and `apply`: what OpenSearch lacks for the function, shown or made."""

import json
from collections.abc import Callable
from dataclasses import asdict

import click

from opensearch_setup.commands.aim import Aim, aimed
from opensearch_setup.commands.connection import Command
from opensearch_setup.domain import Domain
from opensearch_setup.findings import as_text
from opensearch_setup.plan import Plan, Step, plan

_NOTHING = "nothing to change: OpenSearch is set up"

json_option: Callable[[Command], Command] = click.option("--json", "as_json", is_flag=True, help="Print JSON")


@click.command("plan")
@aimed
@json_option
def plan_command(aim: Aim, *, as_json: bool) -> None:
    """Show what `apply` would change, and change nothing.

    The caller is the user of OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD, else the AWS credentials of --profile or of
    the environment. A password that is not set is asked for.

    The status is 1 where something of others stands in the way.
    """
    planned = _planned(aim.connection.domain(), aim)
    if as_json:
        click.echo(_json(planned, applied=False))
    else:
        _show(planned)
        click.echo(f"{len(planned.steps)} to change; `apply` does it" if planned.steps else _NOTHING)
    _end(planned)


@click.command("apply")
@aimed
@json_option
def apply_command(aim: Aim, *, as_json: bool) -> None:
    """Give the function its rights in OpenSearch and install the index template.

    It creates the role eks-control-plane-logs-writer (least privilege), adds the function's IAM role to its
    rolesmapping, installs the index template, and with --retention-days a policy that deletes old indices. What others
    have there stays; a second run changes nothing. Where something of others stands in the way, it changes nothing, and
    the status is 1.

    The caller is the user of OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD, else the AWS credentials of --profile or of
    the environment. A password that is not set is asked for.
    """
    domain = aim.connection.domain()
    planned = _planned(domain, aim)
    if not as_json:
        _show(planned)
    for step in () if planned.is_blocked else planned.steps:
        domain.apply(step)
    click.echo(_json(planned, applied=not planned.is_blocked) if as_json else _summary(planned))
    _end(planned)


def _planned(domain: Domain, aim: Aim) -> Plan:
    wanted = aim.wanted(domain.server())
    return plan(domain.find(wanted), wanted)


def _summary(planned: Plan) -> str:
    if planned.is_blocked:
        return "nothing was changed: mend what is in the way first"
    return f"{len(planned.steps)} changed: OpenSearch is set up" if planned.steps else _NOTHING


def _end(planned: Plan) -> None:
    if planned.is_blocked:
        click.get_current_context().exit(1)


def _json(planned: Plan, *, applied: bool) -> str:
    """`{"applied", "steps": [{"title", "method", "path", "body", "diff"}], "findings", "notes"}`."""
    return json.dumps({"applied": applied, **asdict(planned)}, indent=2)


def _show(planned: Plan) -> None:
    for step in planned.steps:
        show(step)
    if planned.findings:
        click.echo(as_text(planned.findings))
    for note in planned.notes:
        click.echo(f"note: {note}")


def show(step: Step) -> None:
    """Print what a step changes."""
    click.secho(step.title, bold=True)
    for line in step.diff:
        click.secho(f"  {line}", fg={"+": "green", "-": "red"}.get(line[:1]))
