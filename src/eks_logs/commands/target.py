"""What a command is to bring about or to look for in OpenSearch, as options of the command line."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from eks_logs.commands.connection import Command, Connection, connected, required
from eks_logs.opensearch.server import Server
from eks_logs.opensearch.target import ROTATION, Target
from forwarder.index_names import ROTATIONS

_IAM_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")


def iam_role(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """The value, if it is the ARN of an IAM role."""
    if value is not None and not _IAM_ROLE.fullmatch(value):
        raise click.BadParameter("is not the ARN of an IAM role (arn:aws:iam::111122223333:role/name)")
    return value


def rotated(command: Command) -> Command:
    """Give a command the option that says how the index is rotated."""
    text = f"The stack's IndexRotation  [default: {ROTATION}]"
    return click.option("--rotation", type=click.Choice(ROTATIONS), help=text)(command)


def rotation_of(connection: Connection, rotation: str | None) -> str:
    """How the index is rotated, as the option or else the stack says."""
    return rotation or (connection.stack.rotation if connection.stack else ROTATION)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen: on which domain, for which IAM role and cluster, and how.

    Attributes:
        options: Those of Target that are told by options, by their names there.
        given: The options as they were typed, to print commands with.
    """

    connection: Connection
    options: dict[str, Any]
    given: tuple[str, ...]

    def target(self, server: Server | None) -> Target:
        """What a server should hold; None stands for one that does not say what it is.

        Raises:
            NotUsable: the choices do not fit each other.
        """
        return Target(index=self.connection.index, server=server, **self.options)

    def command(self, name: str, *more: str) -> str:
        """What to type to run another command with the same choices."""
        return self.connection.command(name, (*self.given, *more))


# Also how a printed command spells them.
_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option("--role-arn", callback=iam_role, help="The function's IAM role: the stack's output FunctionRoleArn"),
    click.option("--cluster", help="The EKS cluster: the stack's ClusterName"),
    rotated,
    click.option(
        "--retention-days",
        type=click.IntRange(min=1),
        help="Delete an index when each of its records is older (ISM; needs a rotation)",
    ),
    click.option(
        "--template-priority",
        type=click.IntRange(1),
        help="Priority of the index template  [default: as it is, or 500]",
    ),
    click.option("--shards", type=click.IntRange(1), help="Primary shards of an index  [default: as it is, or 1]"),
    click.option(
        "--replicas",
        type=click.IntRange(0),
        help="Further copies of each shard; 2 on Multi-AZ with Standby, which wants three  [default: as it is, or 1]",
    ),
    click.option(
        "--change-shared", is_flag=True, help="Change by these options also what other stacks of the domain use"
    ),
)


def targeted(command: Command) -> Command:
    """Give a command all options on domain and target; it gets them as one argument, Chosen, before its own."""

    def with_options(
        connection: Connection,
        *,
        role_arn: str | None,
        cluster: str | None,
        rotation: str | None,
        retention_days: int | None,
        template_priority: int | None,
        shards: int | None,
        replicas: int | None,
        change_shared: bool,
        **own: object,
    ) -> None:
        stack = connection.stack
        options = {
            "iam_role_arn": required("--role-arn", role_arn, stack.function_role_arn if stack else None),
            "cluster": cluster or (stack.cluster if stack else None),
            "rotation": rotation_of(connection, rotation),
            "retention_days": retention_days,
            "priority": template_priority,
            "shards": shards,
            "replicas": replicas,
            "change_shared": change_shared,
        }
        typed = {
            "--role-arn": role_arn,
            "--cluster": cluster,
            "--rotation": rotation,
            "--retention-days": retention_days,
            "--template-priority": template_priority,
            "--shards": shards,
            "--replicas": replicas,
        }
        given = [word for option, value in typed.items() if value is not None for word in (option, str(value))]
        command(Chosen(connection, options, (*given, *(["--change-shared"] if change_shared else []))), **own)

    with_options = wraps(command)(with_options)
    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return connected(with_options)
