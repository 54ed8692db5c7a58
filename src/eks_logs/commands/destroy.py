"""`destroy`: take away from OpenSearch what `apply` made."""

import json
from dataclasses import asdict
from datetime import UTC, datetime

import click

from eks_logs.commands.log_subscription import AwsChoices, Logging, leaving_aws, removable
from eks_logs.commands.output import json_option, say, show
from eks_logs.commands.target import Chosen, targeted
from eks_logs.errors import Conflict, NotUsable
from eks_logs.opensearch import records, registry
from eks_logs.opensearch.client import Client
from eks_logs.opensearch.indices import belongs_to
from eks_logs.opensearch.target import Target
from eks_logs.plan import Plan


@click.command("destroy")
@targeted
@leaving_aws
@click.option("--delete-indices", is_flag=True, help="Delete the cluster's records, too")
@click.option("--yes", is_flag=True, help="Do not ask")
@json_option
def destroy_command(chosen: Chosen, *, asked: AwsChoices, delete_indices: bool, yes: bool, as_json: bool) -> None:
    """Take away what `apply` made: the function's rights, the index template, the retention policy, its filter.

    It shows what would go, and asks. What others made or use stays: role, template and policy while anybody else is
    mapped to the role, other entries of the rolesmapping, all other indices. Records stay unless --delete-indices says
    otherwise, and then the index's name has to be typed; an index goes as a whole only if all of its records are of
    this cluster, else these records alone. A second run finds nothing to do.

    Remove the stack just afterwards (sam delete): until then its function is refused, and what it sends is kept in the
    stack's bucket.
    """
    client = chosen.connection.client()
    target = chosen.target(client.server())
    if delete_indices and target.cluster is None:
        raise NotUsable("--delete-indices deletes the records of one cluster: name it with --cluster, or --stack-name")
    planned = _planned(client, target, with_indices=delete_indices)
    logging = removable(chosen.connection, asked)
    steps = len(planned.steps) + len(logging.steps)
    if not as_json:
        _show(planned, logging)
    if steps and not yes:
        _confirm(target, steps, with_indices=delete_indices)
        # Meanwhile somebody may have come to use it.
        if _planned(client, target, with_indices=delete_indices).steps != planned.steps:
            raise Conflict("what would go has changed since it was shown: nothing was removed; run again")
    # The way to the function first: nothing more is to come when its rights go.
    logging.apply(say)
    for step in planned.steps:
        registry.execute(client, step, target, say)
    if as_json:
        click.echo(json.dumps({"removed": bool(steps), **asdict(planned), **logging.as_json()}, indent=2))
    else:
        click.echo(f"{steps} removed" if steps else "nothing to remove")


def _planned(client: Client, target: Target, *, with_indices: bool) -> Plan:
    state = registry.read(client, target, datetime.now(UTC).date(), with_clusters=not target.is_serverless)
    indices = state.indices if with_indices and isinstance(state.indices, tuple) else ()
    counted = tuple(records.count_records(client, (one for one in indices if belongs_to(one.name, target.index))))
    return registry.plan_removal(state, target, counted, with_indices=with_indices)


def _show(planned: Plan, logging: Logging) -> None:
    show(*logging.steps, *planned.steps)
    for note in (*planned.notes, *logging.notes):
        click.echo(f"note: {note}")


def _confirm(target: Target, steps: int, *, with_indices: bool) -> None:
    if not with_indices:
        click.confirm(f"Do these {steps}?", abort=True, err=True)
        return
    question = f"All records of cluster {target.cluster} in {target.index} will be gone. Type the index's name to go on"
    if click.prompt(question, err=True) != target.index:
        raise NotUsable("that is not the index's name: nothing was removed")
