"""`destroy`: take away from OpenSearch what `apply` made."""

import click

from eks_logs.commands.cluster_logging import Asked, Logging, of_aws, removable
from eks_logs.commands.plan_apply import show
from eks_logs.commands.target import Aim, aimed
from eks_logs.errors import NotUsable
from eks_logs.logging_plan import STAYS
from eks_logs.opensearch.client import Domain
from eks_logs.opensearch.removal import plan_removal
from eks_logs.plan import Plan


@click.command("destroy")
@aimed
@of_aws
@click.option("--delete-indices", is_flag=True, help="Delete the indices, too, with all their records")
@click.option("--yes", is_flag=True, help="Do not ask")
def destroy_command(aim: Aim, *, asked: Asked, delete_indices: bool, yes: bool) -> None:
    """Take away what `apply` made: the function's rights, the index template, the retention policy, its filter.

    It shows what would go, and asks. What others made or use stays: the role and the template while anybody else is
    mapped to the role, other entries of the rolesmapping, all other indices. Records stay unless --delete-indices says
    otherwise, and then the index's name has to be typed. A second run finds nothing to do.

    Remove the stack just afterwards (sam delete): until then its function is refused, and what it sends is kept in the
    stack's bucket.
    """
    domain = aim.connection.domain()
    wanted = aim.wanted(domain.server())
    planned = plan_removal(domain.find(wanted), wanted, with_indices=delete_indices)
    logging = removable(aim.connection, asked)
    steps = len(planned.steps) + len(logging.steps)
    _show(planned, logging)
    if not steps:
        click.echo("nothing to remove")
        return
    if not yes:
        _confirm(wanted.index, steps, with_indices=delete_indices)
    _remove(domain, planned, logging)
    click.echo(f"{steps} removed")


def _remove(domain: Domain, planned: Plan, logging: Logging) -> None:
    """The way to the function first: nothing more is to come when its rights go."""
    logging.apply(lambda line: click.echo(line, err=True))
    for step in planned.steps:
        domain.apply(step)


def _show(planned: Plan, logging: Logging) -> None:
    for aws_step in logging.steps:
        show(aws_step)
    for step in planned.steps:
        show(step)
    for note in (*planned.notes, *((STAYS,) if logging.logs else ())):
        click.echo(f"note: {note}")


def _confirm(index: str, steps: int, *, with_indices: bool) -> None:
    if not with_indices:
        click.confirm(f"Do these {steps}?", abort=True)
    elif click.prompt(f"All records of {index} will be gone. Type the index's name to go on") != index:
        raise NotUsable("that is not the index's name: nothing was removed")
