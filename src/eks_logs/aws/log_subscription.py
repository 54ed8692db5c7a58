"""How a cluster's control-plane logs get to the function: what of it is there, and what would have to change.

EKS writes the log types that are enabled to the log group /aws/eks/<cluster>/cluster, a subscription filter of that
group sends them to the function, and a statement of the function's policy permits CloudWatch Logs to do so.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from eks_logs.aws.api import AwsApi
from eks_logs.aws.calls import AwsCall, CommandLine, PassingRefusal
from eks_logs.aws.iam import Statement, permits_log_group, statements_of
from eks_logs.aws.steps import Answer, AwsStep, Wait
from eks_logs.errors import NotThere, NotUsable, TooManyFilters, UpdateFailed
from eks_logs.plan import diff_of
from forwarder.sources import EKS_LOG_TYPES

FILTER = "eks-control-plane-logs"
# CloudWatch Logs user guide, "CloudWatch Logs quotas": subscription filters for each log group.
MOST_FILTERS = 2
# CloudWatch Logs user guide, "Log classes": the others have no subscription filters.
SUBSCRIBABLE = "STANDARD"
# CloudWatch Logs API reference, PutRetentionPolicy, retentionInDays.
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096),
    *(1827, 2192, 2557, 2922, 3288, 3653),
)
STAYS = (
    "the cluster's log types stay enabled, and its log group stays with its records and its retention; what the stack "
    "made goes with the stack: sam delete"
)


def _chosen_log_types(_context: click.Context, _option: click.Parameter, value: str) -> tuple[str, ...]:
    """The log types of a list with commas, in EKS_LOG_TYPES' order and spelling."""
    given = [one.strip().lower() for one in value.split(",") if one.strip()]
    known = {one.lower(): one for one in EKS_LOG_TYPES}
    if unknown := [one for one in given if one not in known and one != _ALL]:
        raise click.BadParameter(f"{', '.join(unknown)}: choose of {', '.join(EKS_LOG_TYPES)}, or {_ALL}")
    return EKS_LOG_TYPES if _ALL in given else tuple(one for one in EKS_LOG_TYPES if one.lower() in given)


_ALL = "all"
# The options of the command line that choose a DesiredLogging's further attributes, by their names.
OPTIONS: Mapping[str, Callable[[Callable[..., None]], Callable[..., None]]] = {
    "log_types": click.option(
        "--log-types",
        default="",
        metavar="TYPES",
        callback=_chosen_log_types,
        help=f"Log types that the cluster has to write, such as api,audit, or {_ALL}  [default: as they are]",
    ),
    "log_group_days": click.option(
        "--log-group-days",
        type=click.Choice([str(days) for days in RETENTION_DAYS]),
        metavar="DAYS",
        callback=lambda _context, _option, value: value and int(value),
        help="How long CloudWatch Logs keeps the cluster's log group  [default: as it is]",
    ),
}

# Lambda API reference, AddPermission, StatementId.
_LONGEST_STATEMENT_ID = 100
_FUNCTION_ARN = re.compile(r"arn:(aws[a-z-]*):lambda:([a-z0-9-]+):(\d{12}):function:[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class LogGroup:
    """A log group; `retention_days` is None where its records never expire, `log_class` is CloudWatch Logs' word."""

    name: str
    retention_days: int | None
    log_class: str = SUBSCRIBABLE


@dataclass(frozen=True, slots=True)
class SubscriptionFilter:
    """A subscription filter of a log group; an empty pattern is every record."""

    name: str
    pattern: str
    destination_arn: str

    def sends_to(self, function_arn: str) -> bool:
        """Whether it sends to the function, or to a version or alias of it."""
        return self.destination_arn == function_arn or self.destination_arn.startswith(f"{function_arn}:")


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function: `state` and `last_update` as Lambda spells them (Active, Successful), and its variables."""

    state: str
    last_update: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Subscription:
    """What sends records to the function: the log group's filters and the statements of the function's policy."""

    filters: tuple[SubscriptionFilter, ...]
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class CurrentLogging:
    """What AWS holds; None for a cluster, log group or function that is not there."""

    log_types: frozenset[str] | None
    log_group: LogGroup | None
    function: Function | None
    subscription: Subscription


@dataclass(frozen=True, slots=True)
class DesiredLogging:
    """A cluster's records in a function.

    Attributes:
        cluster: the EKS cluster's name.
        function_arn: the function's ARN, without version or alias.
        pattern: which records CloudWatch Logs is to send, its filter pattern; empty for all.
        log_types: which EKS is to write, as EKS_LOG_TYPES spells them; those that are not named, and all where it is
            empty, stay on or off as they are.
        log_group_days: how long CloudWatch Logs keeps the cluster's records; None leaves that as it is.

    Raises:
        NotUsable: no function's ARN, no log type, or a retention that CloudWatch Logs does not offer.
    """

    cluster: str
    function_arn: str
    pattern: str = ""
    log_types: tuple[str, ...] = ()
    log_group_days: int | None = None

    def __post_init__(self) -> None:
        """Refuse what AWS would refuse half-way."""
        if not _FUNCTION_ARN.fullmatch(self.function_arn):
            raise NotUsable(
                f"{self.function_arn!r} is not the ARN of a function without version or alias; it is the stack's "
                "output FunctionArn"
            )
        if unknown := [one for one in self.log_types if one not in EKS_LOG_TYPES]:
            raise NotUsable(f"{', '.join(unknown)} is no log type of EKS; there are {', '.join(EKS_LOG_TYPES)}")
        if self.log_group_days is not None and self.log_group_days not in RETENTION_DAYS:
            days = ", ".join(map(str, RETENTION_DAYS))
            raise NotUsable(f"{self.log_group_days} days of retention are not on offer; CloudWatch Logs has {days}")

    @property
    def log_group(self) -> str:
        """The log group's name (Amazon EKS User Guide, "Send control plane logs to CloudWatch Logs")."""
        return f"/aws/eks/{self.cluster}/cluster"

    @property
    def region(self) -> str:
        """The function's region, which is also the log group's."""
        return self.function_arn.split(":")[3]

    @property
    def source_arn(self) -> str:
        """For what CloudWatch Logs invokes the function: the log group's ARN with `:*` behind it."""
        _, partition, _, region, account, *_ = self.function_arn.split(":")
        return f"arn:{partition}:logs:{region}:{account}:log-group:{self.log_group}:*"

    @property
    def principal(self) -> str:
        """CloudWatch Logs, as the policy of a function in this partition names it.

        China refuses the name that the others have ("The provided principal was invalid"); it takes the one with region
        and its own suffix, as the AWS CDK writes it.
        """
        is_china = self.function_arn.startswith("arn:aws-cn:")
        return f"logs.{self.region}.amazonaws.com.cn" if is_china else "logs.amazonaws.com"

    @property
    def statement_id(self) -> str:
        """Our statement in the function's policy; each cluster has its own, since several may send to one function."""
        name = f"{FILTER}-{self.cluster}"
        if len(name) <= _LONGEST_STATEMENT_ID:
            return name
        return f"{name[: _LONGEST_STATEMENT_ID - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"

    def missing_log_types(self, enabled: frozenset[str]) -> tuple[str, ...]:
        """Those that are desired and off, in EKS_LOG_TYPES' order."""
        return tuple(one for one in EKS_LOG_TYPES if one in self.log_types and one not in enabled)


class LoggingReader:
    """Reads what AWS holds of one cluster's way to the function.

    Args:
        api: AWS, as one caller may use it.
        desired: which cluster and which function.
    """

    def __init__(self, api: AwsApi, desired: DesiredLogging) -> None:
        self._api = api
        self._desired = desired

    def current(self) -> CurrentLogging:
        """Everything that a plan compares."""
        return CurrentLogging(self.log_types(), self.log_group(), self.function(), self.subscription())

    def subscription(self) -> Subscription:
        """What sends the records to the function; all that a removal has to know."""
        return Subscription(self.filters() or (), self.statements())

    def log_types(self) -> frozenset[str] | None:
        """The log types that are enabled; None where there is no such cluster."""
        cluster = self._one("eks", "describe_cluster", name=self._desired.cluster).get("cluster")
        if cluster is None:
            return None
        setups = (cluster.get("logging") or {}).get("clusterLogging") or []
        return frozenset(log_type for setup in setups if setup.get("enabled") for log_type in setup.get("types") or [])

    def log_group(self) -> LogGroup | None:
        """The cluster's log group."""
        name = self._desired.log_group
        for group in self._api.items("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name):
            if group["logGroupName"] == name:
                return LogGroup(name, group.get("retentionInDays"), group.get("logGroupClass") or SUBSCRIBABLE)
        return None

    def filters(self) -> tuple[SubscriptionFilter, ...] | None:
        """The log group's subscription filters; None where there is no log group."""
        operation, key = "describe_subscription_filters", "subscriptionFilters"
        try:
            found = list(self._api.items("logs", operation, key, logGroupName=self._desired.log_group))
        except NotThere:
            return None
        return tuple(
            SubscriptionFilter(one["filterName"], one.get("filterPattern", ""), one["destinationArn"]) for one in found
        )

    def statements(self) -> tuple[Statement, ...]:
        """The statements of the function's policy."""
        answer = self._one("lambda", "get_policy", FunctionName=self._desired.function_arn)
        return statements_of(json.loads(answer["Policy"])) if answer else ()

    def function(self) -> Function | None:
        """The function."""
        answer = self._one("lambda", "get_function_configuration", FunctionName=self._desired.function_arn)
        if not answer:
            return None
        variables = (answer.get("Environment") or {}).get("Variables") or {}
        return Function(answer.get("State") or "Active", answer.get("LastUpdateStatus") or "Successful", variables)

    def _one(self, service: str, operation: str, **parameters: object) -> dict[str, Any]:
        """The answer to one request; empty where there is nothing of that name."""
        try:
            return self._api.call(service, operation, **parameters)
        except NotThere:
            return {}


def plan_logging(current: CurrentLogging, desired: DesiredLogging) -> tuple[AwsStep, ...]:
    """The steps from what is there to what is desired, in the order to take them; none if nothing differs.

    What sends to the function already, the stack's filter and permission above all, counts and is left alone.

    Raises:
        NotThere: the cluster or the function does not exist.
        NotUsable: the log group is of a class that has no subscription filters.
        TooManyFilters: the log group's filters are all of others.
    """
    if current.log_types is None:
        raise NotThere(
            f"there is no EKS cluster {desired.cluster} in this account and region; aws eks list-clusters names them"
        )
    if current.function is None:
        raise NotThere(f"there is no function {desired.function_arn}; deploy the stack first: sam deploy")
    if current.log_group and current.log_group.log_class != SUBSCRIBABLE:
        message, remedy = without_subscriptions(current.log_group, desired, CommandLine(desired.region))
        raise NotUsable(f"{message}: {remedy}")
    steps: list[AwsStep | None] = [_log_types_step(current.log_types, desired)]
    if current.log_group is not None or current.log_types or desired.log_types:
        steps += [
            _log_group_step(current.log_group, desired),
            _retention_step(current.log_group, desired),
            _permission_step(current.subscription.statements, desired),
            _filter_step(current.subscription.filters, desired),
        ]
    return tuple(step for step in steps if step is not None)


def notes_on(current: CurrentLogging, desired: DesiredLogging) -> tuple[str, ...]:
    """What no step changes, since it is the operator's choice, and should be known."""
    if current.log_types or desired.log_types:
        return ()
    without = f"cluster {desired.cluster} has no log type enabled, so that no record will come"
    return (f"{without}; choose some: --log-types api,audit,authenticator",)


def plan_removal(found: Subscription, desired: DesiredLogging) -> tuple[AwsStep, ...]:
    """The steps that take away what `plan_logging` made; all else stays, as STAYS says.

    These are the filter of exactly our name, if it sends to this function, and the statement of exactly our id, if it
    is for this log group. The stack's have other names: CloudFormation's end in letters of its own choice.
    """
    ours = _named(found.filters)
    statement = _statement(found.statements, desired)
    steps = []
    if ours is not None and ours.sends_to(desired.function_arn):
        title = f"remove subscription filter {FILTER} of {desired.log_group}"
        parameters = {"logGroupName": desired.log_group, "filterName": FILTER}
        call = AwsCall("logs", "DeleteSubscriptionFilter", parameters, absent_is_done=True)
        steps.append(AwsStep(title, (call,), diff_of(_filter_shown(ours), {})))
    if statement is not None and permits_log_group(statement, desired.source_arn):
        title = f"remove permission {desired.statement_id}"
        steps.append(AwsStep(title, (_forbid(desired),), diff_of(statement, {})))
    return tuple(steps)


def enable(cluster: str, log_types: tuple[str, ...], *, enabled: bool = True) -> AwsCall:
    """Turn log types of a cluster on, or off; those that are not named stay as they are."""
    logging = {"clusterLogging": [{"types": list(log_types), "enabled": enabled}]}
    return AwsCall("eks", "UpdateClusterConfig", {"name": cluster, "logging": logging})


def find_log_group(name: str) -> AwsCall:
    """Look for a log group."""
    return AwsCall("logs", "DescribeLogGroups", {"logGroupNamePrefix": name})


def permit(desired: DesiredLogging) -> AwsCall:
    """Let CloudWatch Logs invoke the function for the log group."""
    parameters = {
        "FunctionName": desired.function_arn,
        "StatementId": desired.statement_id,
        "Action": "lambda:InvokeFunction",
        "Principal": desired.principal,
        "SourceArn": desired.source_arn,
    }
    return AwsCall("lambda", "AddPermission", parameters)


def subscribe(desired: DesiredLogging, name: str = FILTER) -> AwsCall:
    """Give the log group a subscription filter, or change the one of that name."""
    parameters = {
        "logGroupName": desired.log_group,
        "filterName": name,
        "filterPattern": desired.pattern,
        "destinationArn": desired.function_arn,
    }
    # CloudWatch Logs tries the function, and a permission takes a while to be known everywhere.
    refusal = PassingRefusal(
        "Could not execute the lambda function", "check the function's policy: aws lambda get-policy"
    )
    return AwsCall("logs", "PutSubscriptionFilter", parameters, passing=refusal)


def permission_calls(statements: tuple[Statement, ...], desired: DesiredLogging) -> tuple[AwsCall, ...]:
    """What permits CloudWatch Logs to invoke the function; a statement of our id for something else goes first."""
    taken = _statement(statements, desired) is not None
    return (_forbid(desired), permit(desired)) if taken else (permit(desired),)


def without_subscriptions(group: LogGroup, desired: DesiredLogging, line: CommandLine) -> tuple[str, str]:
    """What is wrong with a log group whose class has no subscription filters, and what to do."""
    delete = AwsCall("logs", "DeleteLogGroup", {"logGroupName": group.name})
    off = enable(desired.cluster, EKS_LOG_TYPES, enabled=False)
    message = (
        f"log group {group.name} is of class {group.log_class}, which has no subscription filters, and a log group's "
        "class cannot be changed"
    )
    remedy = (
        "export what you need of it, turn the cluster's log types off and delete it with its records, then turn them "
        f"on with eks-logs apply --log-types, and EKS makes it anew: {line.aws(off)}; {line.aws(delete)}"
    )
    return message, remedy


def _log_types_step(enabled: frozenset[str], desired: DesiredLogging) -> AwsStep | None:
    missing = desired.missing_log_types(enabled)
    if not missing:
        return None

    def look(answer: Answer) -> AwsCall:
        return AwsCall("eks", "DescribeUpdate", {"name": desired.cluster, "updateId": answer["update"]["id"]})

    return AwsStep(
        f"enable log types {', '.join(missing)} of cluster {desired.cluster}",
        (enable(desired.cluster, missing),),
        diff_of(
            {one: one in enabled for one in EKS_LOG_TYPES}, {one: one in {*enabled, *missing} for one in EKS_LOG_TYPES}
        ),
        Wait(
            f"EKS is changing cluster {desired.cluster}",
            look,
            _is_updated,
            f"see aws eks list-updates --name {desired.cluster} and run again",
        ),
    )


def _is_updated(answer: Answer) -> bool:
    update = answer["update"]
    if update["status"] in ("Failed", "Cancelled"):
        reasons = "; ".join(str(error.get("errorMessage")) for error in update.get("errors") or [])
        raise UpdateFailed(
            f"EKS ended update {update['id']} of the cluster as {update['status']}: {reasons or 'no reason given'}; "
            "put that right and run again"
        )
    return bool(update["status"] == "Successful")


def _log_group_step(log_group: LogGroup | None, desired: DesiredLogging) -> AwsStep | None:
    if log_group is not None:
        return None
    name = desired.log_group

    def is_there(answer: Answer) -> bool:
        # They come in the order of their names, so that the one of exactly this name is on the first page.
        return any(group["logGroupName"] == name for group in answer.get("logGroups") or [])

    return AwsStep(
        f"wait for log group {name}, which EKS makes",
        wait=Wait(
            f"EKS is making log group {name}",
            lambda _: find_log_group(name),
            is_there,
            "check that the cluster writes logs at all, then run again",
        ),
    )


def _retention_step(log_group: LogGroup | None, desired: DesiredLogging) -> AwsStep | None:
    before, days = log_group.retention_days if log_group else None, desired.log_group_days
    if days is None or days == before:
        return None
    parameters = {"logGroupName": desired.log_group, "retentionInDays": days}
    return AwsStep(
        f"set the retention of log group {desired.log_group}",
        (AwsCall("logs", "PutRetentionPolicy", parameters),),
        diff_of({"days": before or "for ever"}, {"days": days}),
    )


def _permission_step(statements: tuple[Statement, ...], desired: DesiredLogging) -> AwsStep | None:
    if any(permits_log_group(statement, desired.source_arn) for statement in statements):
        return None
    before = _statement(statements, desired)
    after = {"Sid": desired.statement_id, "Service": desired.principal, "SourceArn": desired.source_arn}
    return AwsStep(
        f"{'create' if before is None else 'change'} permission {desired.statement_id}",
        permission_calls(statements, desired),
        diff_of(before, after),
    )


def _filter_step(filters: tuple[SubscriptionFilter, ...], desired: DesiredLogging) -> AwsStep | None:
    ours = _named(filters)
    others = [one for one in filters if one is not ours]
    after = SubscriptionFilter(FILTER, desired.pattern, desired.function_arn)
    if ours == after or any(one.sends_to(desired.function_arn) for one in others):
        return None
    if ours is None and len(others) >= MOST_FILTERS:
        names = " and ".join(f"{one.name} (to {one.destination_arn})" for one in others)
        raise TooManyFilters(
            f"log group {desired.log_group} has {len(others)} subscription filters already, {names}, and CloudWatch "
            f"Logs takes {MOST_FILTERS}: remove one with aws logs delete-subscription-filter, or let one send to a "
            "Kinesis data stream or Firehose from which all read"
        )
    return AwsStep(
        f"{'change' if ours else 'create'} subscription filter {FILTER} of {desired.log_group}",
        (subscribe(desired),),
        diff_of(ours and _filter_shown(ours), _filter_shown(after)),
    )


def _forbid(desired: DesiredLogging) -> AwsCall:
    parameters = {"FunctionName": desired.function_arn, "StatementId": desired.statement_id}
    return AwsCall("lambda", "RemovePermission", parameters, absent_is_done=True)


def _named(filters: tuple[SubscriptionFilter, ...]) -> SubscriptionFilter | None:
    return next((one for one in filters if one.name == FILTER), None)


def _statement(statements: tuple[Statement, ...], desired: DesiredLogging) -> Statement | None:
    return next((one for one in statements if one.get("Sid") == desired.statement_id), None)


def _filter_shown(one: SubscriptionFilter) -> dict[str, str]:
    return {"name": one.name, "pattern": one.pattern, "destination": one.destination_arn}
