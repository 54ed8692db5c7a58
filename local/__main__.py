"""The rig's command line: `python -m local --help`."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from local.cache import cache_folder
from local.distribution import ENGINE_VARIABLE, chosen_engine
from local.errors import RigError
from local.operators_tool import run_setup
from local.rig import Rig, tell
from local.standing_rig import Places, StandingRig, keep, standing, start, stop

_TERMINATED = 128 + signal.SIGTERM  # the status that a shell reports


@click.group(help="OpenSearch with security, Amazon's endpoint and the Lambda runtime on one machine.")
def commands() -> None:
    """Let SIGTERM unwind whatever is open, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _leave)


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(_TERMINATED)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """A RigError says all there is to say: no traceback."""
    try:
        yield
    except RigError as error:
        raise click.ClickException(str(error)) from error


def _places() -> Places:
    return Places(cache_folder(os.environ, os.getuid()))


@commands.command(help="Start a rig, set it up and leave it running.")
def up() -> None:
    """Start what `down` ends."""
    places = _places()
    with _plain_errors():
        engine = chosen_engine(os.environ)
        found = standing(places)
        if found is None:
            found = _set_up(places)
        elif os.environ.get(ENGINE_VARIABLE) and found.rig.node.version != engine.version:
            raise RigError(f"a rig is up with OpenSearch {found.rig.node.version}: end it first, with `make down`")
        else:
            click.echo(f"The rig is up already, with OpenSearch {found.rig.node.version}; `make down` ends it.")
    click.echo(how_to_use(found.rig))


def _set_up(places: Places) -> StandingRig:
    started = start(places, tell)
    try:
        run_setup(started.rig, tell)
    except BaseException:
        stop(places, started)  # half a rig would be taken for a whole one by the next `up`
        raise
    return started


@commands.command(help="End the rig that `up` started.")
def down() -> None:
    """End the keeper, which ends the rest."""
    places = _places()
    with _plain_errors():
        found = standing(places)
        if found is None:
            click.echo("No rig is up.")
            return
        stop(places, found)
    node, edge = found.rig.node, found.rig.edge
    click.echo(f"Stopped OpenSearch (process {node.process_id}) and its endpoint (process {edge.process_id}).")


@commands.command(help="Run the function once on an event, against the rig that is up.")
@click.argument("event", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--env", "variables", multiple=True, metavar="NAME=VALUE", help="Set a variable of the function.")
def invoke(event: Path, variables: tuple[str, ...]) -> None:
    """Print the answer on standard output and the function's log on standard error."""
    with _plain_errors():
        found = standing(_places())
        if found is None:
            raise RigError("no rig is up: start one with `make up`")
        environment = dict(variable.split("=", 1) for variable in variables)
        with found.rig.lambda_runtime(environment) as function:
            invocation = function.invoke(event.read_bytes())
    click.echo(invocation.log, err=True, nl=False)
    click.echo(json.dumps(invocation.payload, indent=2))
    sys.exit(invocation.error is not None)


@commands.command(help="The whole chain: set up, forward every file of events/, ask.")
def demo() -> None:
    """Run the demonstration in a rig of its own."""
    from local.demo import run_demo

    with _plain_errors():
        sys.exit(run_demo())


@commands.command(help="Break the way to OpenSearch in every way there is, and count the records afterwards.")
def faults() -> None:
    """Run every fault in a rig of its own."""
    from local.fault_table import run_faults

    with _plain_errors():
        sys.exit(run_faults())


@commands.command("keep", hidden=True)
def keep_command() -> None:
    """Be the process that `up` leaves behind."""
    with _plain_errors():
        keep(_places())


def how_to_use(rig: Rig) -> str:
    """What a person can do with a rig."""
    master = f"{rig.node.username}:{rig.node.password}"
    return f"""
Ask, as the master user:
  curl --cacert {rig.ca_file} -u {master} '{rig.edge_url}/_cat/indices?v'
  curl --cacert {rig.ca_file} -u {master} '{rig.edge_url}/eks-control-plane-logs*/_search?size=1&pretty'
Run the function once:
  .venv/bin/python -m local invoke events/audit.json
End it:
  make down"""


if __name__ == "__main__":
    commands(prog_name="python -m local")
