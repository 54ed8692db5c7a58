"""`destroy`: take away from OpenSearch what `apply` made."""

import click

from opensearch_setup.commands.aim import Aim, aimed
from opensearch_setup.commands.preparation import show
from opensearch_setup.errors import NotUsable
from opensearch_setup.plan import Plan
from opensearch_setup.removal import plan_removal


@click.command("destroy")
@aimed
@click.option("--delete-indices", is_flag=True, help="Delete the indices, too, with all their records")
@click.option("--yes", is_flag=True, help="Do not ask")
def destroy_command(aim: Aim, *, delete_indices: bool, yes: bool) -> None:
    """Take away from OpenSearch what `apply` made: the function's rights, the index template, the retention policy.

    It shows what would go, and asks. What others made or use stays: the role and the template while anybody else is
    mapped to the role, other entries of the rolesmapping, all other indices. Records stay unless --delete-indices says
    otherwise, and then the index's name has to be typed. A second run finds nothing to do.

    Remove the stack just afterwards (sam delete): until then its function is refused, and what it sends is kept in the
    stack's bucket.
    """
    domain = aim.connection.domain()
    wanted = aim.wanted(domain.server())
    planned = plan_removal(domain.find(wanted), wanted, with_indices=delete_indices)
    _show(planned)
    if not planned.steps:
        click.echo("nothing to remove")
        return
    if not yes:
        _confirm(wanted.index, len(planned.steps), with_indices=delete_indices)
    for step in planned.steps:
        domain.apply(step)
    click.echo(f"{len(planned.steps)} removed")


def _show(planned: Plan) -> None:
    for step in planned.steps:
        show(step)
    for note in planned.notes:
        click.echo(f"note: {note}")


def _confirm(index: str, steps: int, *, with_indices: bool) -> None:
    if not with_indices:
        click.confirm(f"Do these {steps}?", abort=True)
    elif click.prompt(f"All records of {index} will be gone. Type the index's name to go on") != index:
        raise NotUsable("that is not the index's name: nothing was removed")
