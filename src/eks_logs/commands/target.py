"""What a command is to bring about or to look for in OpenSearch, as options of the command line."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

import click

from eks_logs.commands.connection import Command, Connection, connected, required
from eks_logs.opensearch.server import Server
from eks_logs.opensearch.target import Choices, Wanted, wanted
from forwarder.index_names import NONE, ROTATIONS

_IAM_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")


def iam_role(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """The value, if it is the ARN of an IAM role."""
    if value is not None and not _IAM_ROLE.fullmatch(value):
        raise click.BadParameter("is not the ARN of an IAM role (arn:aws:iam::111122223333:role/name)")
    return value


def rotated(command: Command) -> Command:
    """Give a command the option that says how the index is rotated."""
    text = "The stack's IndexRotation  [default: none]"
    return click.option("--rotation", type=click.Choice(ROTATIONS), help=text)(command)


def rotation_of(connection: Connection, rotation: str | None) -> str:
    """How the index is rotated, as the option or else the stack says."""
    return rotation or (connection.stack.rotation if connection.stack else NONE)


@dataclass(frozen=True, slots=True)
class Aim:
    """On which domain, for which IAM role, and what was chosen."""

    connection: Connection
    role_arn: str
    choices: Choices

    def wanted(self, server: Server | None) -> Wanted:
        """What a server should hold; None stands for one that does not say what it is.

        Raises:
            NotUsable: the choices do not fit each other.
        """
        return wanted(self.connection.index, self.role_arn, self.choices, server)

    def command(self, name: str) -> str:
        """What to type to run another command with the same aim."""
        chosen = self.choices
        more = ["--role-arn", self.role_arn]
        if chosen.rotation != NONE:
            more += ["--rotation", chosen.rotation]
        return self.connection.command(name, more, self._always_told())

    def _always_told(self) -> list[str]:
        """What no stack knows."""
        days, priority = self.choices.retention_days, self.choices.priority
        retention = [] if days is None else ["--retention-days", str(days)]
        return retention if priority is None else [*retention, "--template-priority", str(priority)]


_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option("--role-arn", callback=iam_role, help="The function's IAM role: the stack's output FunctionRoleArn"),
    rotated,
    click.option(
        "--retention-days",
        type=click.IntRange(min=1),
        help="Delete an index when each of its records is older (ISM; needs a rotation)",
    ),
    click.option("--template-priority", type=click.IntRange(1), help="Priority of the index template  [default: 500]"),
)


def aimed(command: Command) -> Command:
    """Give a command all options on domain and aim; it gets them as one argument, an Aim, before its own."""

    def bundled(
        connection: Connection,
        *,
        role_arn: str | None,
        rotation: str | None,
        retention_days: int | None,
        template_priority: int | None,
        **own: object,
    ) -> None:
        role = required("--role-arn", role_arn, connection.stack.function_role_arn if connection.stack else None)
        choices = Choices(rotation_of(connection, rotation), retention_days, template_priority)
        command(Aim(connection, role, choices), **own)

    bundled = wraps(command)(bundled)
    for option in reversed(_OPTIONS):
        bundled = option(bundled)
    return connected(bundled)
