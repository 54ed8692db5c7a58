"""The part of `plan`, `apply` and `destroy` that is in AWS: the way of the cluster's logs to the stack's function."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import click

from eks_logs.aws.api import AwsApi
from eks_logs.aws.calls import CommandLine
from eks_logs.aws.log_subscription import (
    OPTIONS,
    STAYS,
    DesiredLogging,
    LoggingReader,
    notes_on,
    plan_logging,
    plan_removal,
)
from eks_logs.aws.steps import AwsStep, Waiting, apply_step
from eks_logs.commands.connection import Command, Connection
from eks_logs.errors import RightMissing

_WITHOUT = "--without-aws"
_without_option = click.option(
    _WITHOUT, is_flag=True, help="Leave the cluster's logging and its subscription as they are"
)


@dataclass(frozen=True, slots=True)
class AwsChoices:
    """What of AWS a command is to look after: nothing, or what was chosen, by the names of OPTIONS."""

    without_aws: bool
    chosen: Mapping[str, Any] = field(default_factory=dict)

    def words(self) -> list[str]:
        """The options, to type them again."""
        words = [_WITHOUT] if self.without_aws else []
        for name, value in self.chosen.items():
            if value:
                words += [f"--{name.replace('_', '-')}", ",".join(value) if isinstance(value, tuple) else str(value)]
        return words


@dataclass(frozen=True, slots=True)
class Logging:
    """The steps in AWS, how their commands are printed, and what should be known; nothing where no stack is named."""

    steps: tuple[AwsStep, ...] = ()
    notes: tuple[str, ...] = ()
    api: AwsApi | None = None
    line: CommandLine = field(default_factory=lambda: CommandLine(""))

    def apply(self, tell: Callable[[str], None]) -> None:
        """Take the steps; `tell` gets a line on what is waited for.

        Raises:
            SetupError: AWS refuses one of them.
        """
        waiting = Waiting(time.monotonic, time.sleep, tell)
        if self.api:
            for step in self.steps:
                apply_step(self.api, step, waiting)

    def as_json(self) -> dict[str, Any]:
        """`{"aws_steps": [{"title", "command", "diff"}], "aws_notes": […]}`."""
        steps = [{"title": step.title, "command": step.command(self.line), "diff": step.diff} for step in self.steps]
        return {"aws_steps": steps, "aws_notes": self.notes}


def of_aws(command: Command) -> Command:
    """Give a command the options on AWS; it gets them as one argument, `asked`."""

    @wraps(command)
    def with_options(*positional: object, without_aws: bool, **own: object) -> None:
        chosen = {name: own.pop(name) for name in OPTIONS}
        command(*positional, asked=AwsChoices(without_aws, chosen), **own)

    for option in reversed([*OPTIONS.values()]):
        with_options = option(with_options)
    return _without_option(with_options)


def leaving_aws(command: Command) -> Command:
    """Give a command the one option on AWS that is of use where things are taken away."""

    @wraps(command)
    def with_options(*positional: object, without_aws: bool, **own: object) -> None:
        command(*positional, asked=AwsChoices(without_aws), **own)

    return _without_option(with_options)


def needed(connection: Connection, asked: AwsChoices) -> Logging:
    """What has to change so that the logs of the stack's cluster reach its function.

    Raises:
        SetupError: AWS refuses to tell, the cluster is not there, or its log group cannot have one more filter.
    """

    def plan(reader: LoggingReader, desired: DesiredLogging) -> tuple[tuple[AwsStep, ...], tuple[str, ...]]:
        current = reader.current()
        return plan_logging(current, desired), notes_on(current, desired)

    return _logging(connection, asked, plan)


def removable(connection: Connection, asked: AwsChoices) -> Logging:
    """What `apply` made of it, and the stack did not.

    Raises:
        SetupError: AWS refuses to tell.
    """
    return _logging(connection, asked, lambda reader, desired: (plan_removal(reader.subscription(), desired), (STAYS,)))


def _logging(
    connection: Connection,
    asked: AwsChoices,
    plan: Callable[[LoggingReader, DesiredLogging], tuple[tuple[AwsStep, ...], tuple[str, ...]]],
) -> Logging:
    stack = connection.stack
    if stack is None or asked.without_aws:
        return Logging()
    desired = DesiredLogging(stack.cluster, stack.function_arn, stack.filter_pattern, **asked.chosen)
    api = connection.aws_api()
    try:
        return Logging(*plan(LoggingReader(api, desired), desired), api, CommandLine(stack.region, api.profile))
    except RightMissing as error:
        raise RightMissing(error.right, f"Or leave AWS as it is: {_WITHOUT}.") from None
