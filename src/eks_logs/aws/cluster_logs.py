"""A cluster's logs in AWS: reads what is there, makes one change, waits for what takes its time."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from eks_logs.aws.api import AwsApi
from eks_logs.aws.control_plane_logging import (
    AwaitLogGroup,
    Change,
    EnableLogTypes,
    Forbid,
    FoundLogging,
    Function,
    LogGroup,
    Permit,
    SetRetention,
    Subscribe,
    Subscription,
    SubscriptionFilter,
    Unsubscribe,
    WantedLogging,
)
from eks_logs.aws.iam import Statement, statements_of
from eks_logs.errors import NotThere, Rejected, TookTooLong, UpdateFailed

_PERMISSION_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Waiting:
    """How to wait; time and sleep are handed in.

    Attributes:
        clock: seconds, monotonic.
        sleep: waits for so many seconds.
        tell: gets a line on what is waited for, before each pause.
        limit: seconds after which it is given up.
        pause: seconds between two looks.
    """

    clock: Callable[[], float]
    sleep: Callable[[float], None]
    tell: Callable[[str], None]
    limit: float = 900
    pause: float = 10

    def until(self, done: Callable[[], bool], what: str, otherwise: str) -> None:
        """Look until it is done.

        Raises:
            TookTooLong: not within the limit; the message ends in `otherwise`, what to do then.
        """
        start = self.clock()
        while not done():
            waited = self.clock() - start
            if waited + self.pause > self.limit:
                raise TookTooLong(f"{what}: not within {self.limit:.0f} seconds; {otherwise}")
            self.tell(f"{what}: {waited:.0f} of at most {self.limit:.0f} seconds")
            self.sleep(self.pause)


class ClusterLogs:
    """The way of one cluster's logs to the function, in AWS.

    Args:
        api: AWS, as one caller may use it.
        wanted: which cluster and which function.
    """

    def __init__(self, api: AwsApi, wanted: WantedLogging) -> None:
        self._api = api
        self._wanted = wanted

    def find(self) -> FoundLogging:
        """Read everything that a plan compares."""
        return FoundLogging(self.log_types(), self.log_group(), self.function(), self.subscription())

    def subscription(self) -> Subscription:
        """What sends the records to the function; all that a removal has to know."""
        return Subscription(self.filters() or (), self.statements())

    def log_types(self) -> frozenset[str] | None:
        """The log types that are enabled; None where there is no such cluster."""
        cluster = self._one("eks", "describe_cluster", name=self._wanted.cluster).get("cluster")
        if cluster is None:
            return None
        setups = (cluster.get("logging") or {}).get("clusterLogging") or []
        return frozenset(log_type for setup in setups if setup.get("enabled") for log_type in setup.get("types") or [])

    def log_group(self) -> LogGroup | None:
        """The cluster's log group."""
        name = self._wanted.log_group
        for group in self._api.items("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name):
            if group["logGroupName"] == name:
                return LogGroup(name, group.get("retentionInDays"))
        return None

    def filters(self) -> tuple[SubscriptionFilter, ...] | None:
        """The log group's subscription filters; None where there is no log group."""
        operation, key = "describe_subscription_filters", "subscriptionFilters"
        try:
            found = list(self._api.items("logs", operation, key, logGroupName=self._wanted.log_group))
        except NotThere:
            return None
        return tuple(
            SubscriptionFilter(one["filterName"], one.get("filterPattern", ""), one["destinationArn"]) for one in found
        )

    def function(self) -> Function | None:
        """The function's state."""
        found = self._one("lambda", "get_function_configuration", FunctionName=self._wanted.function_arn)
        if not found:
            return None
        environment = (found.get("Environment") or {}).get("Variables") or {}
        return Function(found.get("State", ""), found.get("LastUpdateStatus", ""), environment)

    def statements(self) -> tuple[Statement, ...]:
        """The statements of the function's policy; none where it has no policy, or where there is no function."""
        policy = self._one("lambda", "get_policy", FunctionName=self._wanted.function_arn).get("Policy")
        return statements_of(json.loads(policy)) if policy else ()

    def apply(self, change: Change, waiting: Waiting) -> None:
        """Make one change, and wait until it has come to be."""
        match change:
            case EnableLogTypes():
                self._enable(change, waiting)
            case AwaitLogGroup(log_group):
                self._await_log_group(log_group, waiting)
            case SetRetention(log_group, days):
                self._api.call("logs", "put_retention_policy", logGroupName=log_group, retentionInDays=days)
            case Permit():
                self._permit(change)
            case Forbid():
                self._forbid(change)
            case Subscribe():
                self._subscribe(change, waiting)
            case Unsubscribe(log_group, name):
                with suppress(NotThere):
                    self._api.call("logs", "delete_subscription_filter", logGroupName=log_group, filterName=name)

    def _one(self, service: str, operation: str, **parameters: object) -> dict[str, Any]:
        """The answer to one request; empty where there is nothing of that name."""
        try:
            return self._api.call(service, operation, **parameters)
        except NotThere:
            return {}

    def _enable(self, change: EnableLogTypes, waiting: Waiting) -> None:
        logging = {"clusterLogging": [{"types": list(change.log_types), "enabled": True}]}
        update = self._api.call("eks", "update_cluster_config", name=change.cluster, logging=logging)["update"]["id"]
        waiting.until(
            lambda: self._is_finished(change.cluster, update),
            f"EKS is changing cluster {change.cluster}",
            f"see aws eks describe-update --name {change.cluster} --update-id {update} and run again",
        )

    def _is_finished(self, cluster: str, update_id: str) -> bool:
        update = self._api.call("eks", "describe_update", name=cluster, updateId=update_id)["update"]
        if update["status"] in ("Failed", "Cancelled"):
            reasons = "; ".join(str(error.get("errorMessage")) for error in update.get("errors") or [])
            raise UpdateFailed(
                f"EKS ended update {update_id} of cluster {cluster} as {update['status']}: "
                f"{reasons or 'no reason given'}. Mend that and run again"
            )
        return bool(update["status"] == "Successful")

    def _await_log_group(self, name: str, waiting: Waiting) -> None:
        waiting.until(
            lambda: self.log_group() is not None,
            f"EKS is making log group {name}",
            "check that the cluster writes logs at all, then run again",
        )

    def _permit(self, change: Permit) -> None:
        if change.replaces:
            self._forbid(Forbid(change.function_arn, change.statement_id))
        self._api.call(
            "lambda",
            "add_permission",
            FunctionName=change.function_arn,
            StatementId=change.statement_id,
            Action="lambda:InvokeFunction",
            Principal="logs.amazonaws.com",
            SourceArn=change.source_arn,
        )

    def _forbid(self, change: Forbid) -> None:
        with suppress(NotThere):
            self._api.call(
                "lambda", "remove_permission", FunctionName=change.function_arn, StatementId=change.statement_id
            )

    def _subscribe(self, change: Subscribe, waiting: Waiting) -> None:
        waiting = replace(waiting, limit=min(waiting.limit, _PERMISSION_SECONDS))
        waiting.until(
            lambda: self._is_subscribed(change),
            "CloudWatch Logs cannot invoke the function yet",
            "check the function's policy: aws lambda get-policy",
        )

    def _is_subscribed(self, change: Subscribe) -> bool:
        """Whether CloudWatch Logs took the filter: it tries the function, and a permission takes a while."""
        try:
            self._api.call(
                "logs",
                "put_subscription_filter",
                logGroupName=change.log_group,
                filterName=change.filter.name,
                filterPattern=change.filter.pattern,
                destinationArn=change.filter.destination_arn,
            )
        except Rejected as error:
            if "Could not execute the lambda function" not in str(error):
                raise
            return False
        return True
