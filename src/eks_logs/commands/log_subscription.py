"""The part of `plan`, `apply` and `destroy` that is in AWS: the way of the cluster's logs to the stack's function."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

import click

from eks_logs.aws.api import AwsApi
from eks_logs.aws.cluster_logs import ClusterLogs, Waiting
from eks_logs.aws.control_plane_logging import RETENTION_DAYS, LoggingStep, WantedLogging
from eks_logs.aws.log_subscription import plan_logging, plan_removal
from eks_logs.commands.connection import Command, Connection
from eks_logs.errors import RightMissing

_WITHOUT = "--without-aws"


@dataclass(frozen=True, slots=True)
class Asked:
    """What of AWS a command is to look after: nothing, or the log group's retention too (None leaves that alone)."""

    without_aws: bool
    log_group_days: int | None


@dataclass(frozen=True, slots=True)
class Logging:
    """The steps in AWS, and what takes them; none where no stack is named."""

    steps: tuple[LoggingStep, ...] = ()
    logs: ClusterLogs | None = None

    def apply(self, tell: Callable[[str], None]) -> None:
        """Take the steps; `tell` gets a line on what is waited for.

        Raises:
            SetupError: AWS refuses one of them.
        """
        waiting = Waiting(time.monotonic, time.sleep, tell)
        for step in self.steps if self.logs else ():
            self.logs.apply(step.change, waiting)  # type: ignore[union-attr]  # there are no steps without it


def of_aws(command: Command) -> Command:
    """Give a command the options on AWS; it gets them as one argument, `asked`."""

    @wraps(command)
    def bundled(*positional: object, without_aws: bool, log_group_days: str | None, **own: object) -> None:
        days = None if log_group_days is None else int(log_group_days)
        command(*positional, asked=Asked(without_aws, days), **own)

    days = click.Choice([str(number) for number in RETENTION_DAYS])
    told = "How long CloudWatch Logs keeps the cluster's log group  [default: as it is]"
    bundled = click.option("--log-group-days", type=days, metavar="DAYS", help=told)(bundled)
    return click.option(_WITHOUT, is_flag=True, help="Leave the cluster's logging and its subscription as they are")(
        bundled
    )


def needed(connection: Connection, asked: Asked) -> Logging:
    """What has to change so that the logs of the stack's cluster reach its function.

    Raises:
        SetupError: AWS refuses to tell, the cluster is not there, or its log group has no room for a filter.
    """
    return _logging(connection, asked, lambda logs, wanted: plan_logging(logs.find(), wanted))


def removable(connection: Connection, asked: Asked) -> Logging:
    """What `apply` made of it, and the stack did not.

    Raises:
        SetupError: AWS refuses to tell.
    """
    return _logging(connection, asked, lambda logs, wanted: plan_removal(logs.subscription(), wanted))


def _logging(
    connection: Connection, asked: Asked, plan: Callable[[ClusterLogs, WantedLogging], tuple[LoggingStep, ...]]
) -> Logging:
    stack = connection.stack
    if stack is None or asked.without_aws:
        return Logging()
    wanted = WantedLogging(stack.cluster, stack.function_arn, asked.log_group_days)
    logs = ClusterLogs(AwsApi(connection.aws().client), wanted)
    try:
        return Logging(plan(logs, wanted), logs)
    except RightMissing as error:
        raise RightMissing(error.right, f"Or leave AWS as it is: {_WITHOUT}.") from None
