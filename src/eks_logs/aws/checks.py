"""The AWS part of a check of the whole chain: from what was found in AWS to one finding for each link. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from eks_logs.aws.calls import command_of
from eks_logs.aws.control_plane_logging import (
    EVERYTHING,
    FILTER,
    AwaitLogGroup,
    EnableLogTypes,
    Function,
    LogGroup,
    Permit,
    Subscribe,
    SubscriptionFilter,
    WantedLogging,
)
from eks_logs.aws.iam import Statement, allows, permits_log_group
from eks_logs.aws.stack import DeployedStack
from eks_logs.findings import Finding, fail, ok, skipped, warn
from forwarder.control_plane import API, AUDIT, LOG_TYPES, classify

# How old the newest record of a log type may be. A stream's lastEventTimestamp "typically updates in less than an hour
# from ingestion" (CloudWatch Logs API reference, LogStream), so a shorter time would find faults that are none.
FRESH = timedelta(minutes=90)

# An API server in use writes these all the time; the others may have nothing to say for hours.
_NEVER_QUIET = (API, AUDIT)

# Lambda developer guide, "Types of metrics for Lambda functions".
INVOCATIONS, ERRORS, THROTTLES = "Invocations", "Errors", "Throttles"
KEPT, LOST = "AsyncEventsDropped", "DestinationDeliveryFailures"
METRICS = (INVOCATIONS, ERRORS, THROTTLES, KEPT, LOST)

_VARIABLES = {"OPENSEARCH_ENDPOINT": "endpoint", "INDEX_NAME": "index", "INDEX_ROTATION": "rotation"}


@dataclass(frozen=True, slots=True)
class Denied:
    """What could not be read, and the right that the caller lacks for it."""

    right: str


@dataclass(frozen=True, slots=True)
class LogStream:
    """A stream of the log group; `last_event` is None where it has no record yet."""

    name: str
    last_event: datetime | None


@dataclass(frozen=True, slots=True)
class KeptObjects:
    """How many objects the bucket holds that were not stored in OpenSearch, `more` if they were not all counted."""

    dead_letters: int
    events: int
    newest: datetime | None
    more: bool = False


@dataclass(frozen=True, slots=True)
class AwsFacts:
    """What was found; None where there is nothing of that name, Denied where the caller may not look.

    Attributes:
        time: when.
        metrics: the sums of METRICS over the last hour.
        role: the statements of the inline policies of the function's role.
    """

    stack: DeployedStack
    time: datetime
    log_types: frozenset[str] | Denied | None
    log_group: LogGroup | Denied | None
    streams: tuple[LogStream, ...] | Denied | None
    filters: tuple[SubscriptionFilter, ...] | Denied | None
    statements: tuple[Statement, ...] | Denied
    function: Function | Denied | None
    metrics: Mapping[str, float] | Denied
    role: tuple[Statement, ...] | Denied | None
    kept: KeptObjects | Denied | None


def check_aws(facts: AwsFacts) -> tuple[Finding, ...]:
    """Every link in AWS, in the order in which a record passes them; what may not be looked at is skipped."""
    stack = facts.stack
    return (
        _unless_denied("logging", facts.log_types, lambda found: check_log_types(stack, found)),
        _unless_denied("log-group", facts.log_group, lambda found: check_log_group(stack, found)),
        _unless_denied("streams", facts.streams, lambda found: check_streams(facts, found)),
        _unless_denied("filter", facts.filters, lambda found: check_filters(stack, found)),
        _unless_denied("permission", facts.statements, lambda found: check_permission(stack, found)),
        _unless_denied("function", facts.function, lambda found: check_function(stack, found)),
        _unless_denied("invocations", facts.metrics, lambda found: check_invocations(stack, found)),
        _unless_denied("errors", facts.metrics, lambda found: check_errors(stack, found)),
        _unless_denied("role", facts.role, lambda found: check_role(stack, found)),
        _unless_denied("kept", facts.kept, lambda found: check_kept(stack, found)),
    )


def check_log_types(stack: DeployedStack, enabled: frozenset[str] | None) -> Finding:
    """All five log types are enabled."""
    name = "logging"
    if enabled is None:
        return fail(name, f"there is no EKS cluster {stack.cluster}", _deploy(stack, "the right ClusterName"))
    missing = tuple(log_type for log_type in LOG_TYPES if log_type not in enabled)
    if not missing:
        return ok(name, "all five log types are enabled")
    mend = command_of(EnableLogTypes(stack.cluster, missing), stack.region)
    message = f"{', '.join(missing)} of cluster {stack.cluster} not enabled"
    return warn(name, message, mend) if enabled else fail(name, message, mend)


def check_log_group(stack: DeployedStack, log_group: LogGroup | None) -> Finding:
    """The log group exists."""
    if log_group is None:
        look = command_of(AwaitLogGroup(_wanted(stack).log_group), stack.region)
        message = f"there is no log group {_wanted(stack).log_group}"
        return fail("log-group", message, f"EKS makes it within minutes of enabling log types; look again: {look}")
    kept = f"for {log_group.retention_days} days" if log_group.retention_days else "for ever"
    return ok("log-group", f"{log_group.name} keeps records {kept}")


def check_streams(facts: AwsFacts, streams: Sequence[LogStream] | None) -> Finding:
    """Each log type that is enabled has a stream with a fresh record; if it cannot be known which are, each of all."""
    if streams is None:
        return skipped("streams", "there is no log group")
    expected = facts.log_types if isinstance(facts.log_types, frozenset) else LOG_TYPES
    since = facts.time - FRESH
    written = {classify(one.name).log_type for one in streams if one.last_event and one.last_event >= since}
    quiet = [log_type for log_type in LOG_TYPES if log_type in expected and log_type not in written]
    minutes = FRESH // timedelta(minutes=1)
    if not quiet:
        return ok("streams", f"every enabled log type has records of the last {minutes} minutes")
    message = f"no records of the last {minutes} minutes of {', '.join(quiet)}"
    if any(log_type in _NEVER_QUIET for log_type in quiet):
        return fail(
            "streams", message, f"see whether the cluster is up: aws eks describe-cluster --name {facts.stack.cluster}"
        )
    return warn("streams", message, "none if the cluster is quiet; else look again in an hour")


def check_filters(stack: DeployedStack, filters: Sequence[SubscriptionFilter] | None) -> Finding:
    """One filter sends every record to the function."""
    name = "filter"
    if filters is None:
        return skipped(name, "there is no log group")
    sending = [one for one in filters if one.sends_to(stack.function_arn)]
    names = ", ".join(one.name for one in sending)
    if not sending:
        there = ", ".join(one.name for one in filters) or "none"
        message = f"no subscription filter of {_wanted(stack).log_group} sends to the function (there: {there})"
        return fail(name, message, _subscribe(stack))
    if all(one.pattern != EVERYTHING for one in sending):
        return warn(
            name, f"{names} sends only the records that match its pattern", "set an empty pattern, if not meant"
        )
    if len(sending) > 1:
        return warn(name, f"{names} send the same records twice", "remove one: aws logs delete-subscription-filter")
    return ok(name, f"{names} sends every record to the function")


def check_permission(stack: DeployedStack, statements: Sequence[Statement]) -> Finding:
    """CloudWatch Logs may invoke the function for the log group."""
    wanted = _wanted(stack)
    if any(permits_log_group(statement, wanted.source_arn) for statement in statements):
        return ok("permission", "CloudWatch Logs may invoke the function")
    taken = any(statement.get("Sid") == wanted.statement_id for statement in statements)
    change = Permit(wanted.function_arn, wanted.statement_id, wanted.source_arn, replaces=taken)
    message = f"CloudWatch Logs may not invoke the function for {wanted.log_group}"
    return fail("permission", message, command_of(change, stack.region))


def check_function(stack: DeployedStack, function: Function | None) -> Finding:
    """The function can run, with the settings of the stack."""
    name = "function"
    if function is None:
        return fail(name, f"there is no function {stack.function_arn}", _deploy(stack, "the template unchanged"))
    states = f"{function.state}, its last update {function.last_update}"
    if function.state == "Failed" or function.last_update == "Failed":
        return fail(name, f"{stack.function_name} is {states}", _deploy(stack, "what its StateReason asks for"))
    differing = [key for key, of in _VARIABLES.items() if function.environment.get(key) != getattr(stack, of)]
    if differing:
        message = f"{', '.join(differing)} of the function differ from the stack's parameters"
        return warn(name, message, _deploy(stack, "the parameters that are meant"))
    if function.last_update == "InProgress" or function.state == "Pending":
        return warn(name, f"{stack.function_name} is {states}", "look again in a minute")
    return ok(name, f"{stack.function_name} is {states}")


def check_invocations(stack: DeployedStack, sums: Mapping[str, float]) -> Finding:
    """CloudWatch Logs invoked the function within the last hour."""
    count = sums.get(INVOCATIONS, 0)
    if count:
        return ok("invocations", f"{count:.0f} in the last hour")
    mend = "mend the links above; if they hold, look again when the cluster has written something"
    return warn("invocations", f"{stack.function_name} was not invoked in the last hour", mend)


def check_errors(stack: DeployedStack, sums: Mapping[str, float]) -> Finding:
    """Nothing failed within the last hour; an error alone heals itself, as Lambda tries again."""
    name, log = "errors", f"sam logs --stack-name {stack.name}"
    found = {metric: sums.get(metric, 0) for metric in (ERRORS, THROTTLES, KEPT, LOST)}
    counted = ", ".join(f"{metric} {count:.0f}" for metric, count in found.items() if count)
    if found[LOST]:
        message = f"{counted} in the last hour: events that failed for good could not be kept and are lost"
        return fail(name, message, f"let {stack.function_role_name} write to s3://{stack.kept_bucket}; {log}")
    if found[KEPT]:
        message = f"{counted} in the last hour: events failed for good and are kept in the bucket"
        return fail(name, message, f"{log}; then {_replay(stack)}")
    if counted:
        return warn(name, f"{counted} in the last hour; Lambda tries again", log)
    return ok(name, "none in the last hour")


def check_role(stack: DeployedStack, statements: Sequence[Statement] | None) -> Finding:
    """The function's role may send bulk requests to the domain, or reach the Serverless collection's data API."""
    role, (action, target) = stack.function_role_name, _needed_right(stack.domain_arn)
    if statements is None:
        return fail("role", f"there is no role {role}", _deploy(stack, "the template unchanged"))
    if allows(statements, action, target):
        return ok("role", f"{role} may send to {target}")
    message = f"the inline policies of {role} do not allow {action} on {target}"
    return fail("role", message, _deploy(stack, "the right OpenSearchDomainArn"))


def _needed_right(arn: str) -> tuple[str, str]:
    """What template.yaml gives the role: an action and the resource it is for."""
    return ("aoss:APIAccessAll", arn) if arn.split(":")[2] == "aoss" else ("es:ESHttpPost", f"{arn}/_bulk")


def check_kept(stack: DeployedStack, kept: KeptObjects | None) -> Finding:
    """The bucket is empty of what OpenSearch should have."""
    if kept is None:
        message = f"there is no bucket {stack.kept_bucket}: what cannot be stored would be lost"
        return fail("kept", message, _deploy(stack, "the template unchanged"))
    if kept.newest is None:
        return ok("kept", f"nothing waits in s3://{stack.kept_bucket}")
    least = "at least " if kept.more else ""
    newest = f"{kept.newest:%Y-%m-%d %H:%M} UTC"
    message = (
        f"{least}{kept.dead_letters} objects of refused documents and {kept.events} failed events, newest {newest}"
    )
    return warn("kept", message, _replay(stack))


_Found = TypeVar("_Found")


def _unless_denied(name: str, found: _Found | Denied, check: Callable[[_Found], Finding]) -> Finding:
    if isinstance(found, Denied):
        return skipped(name, f"the caller lacks the right {found.right}", "have it granted, or name another --profile")
    return check(found)


def _wanted(stack: DeployedStack) -> WantedLogging:
    return WantedLogging(stack.cluster, stack.function_arn)


def _subscribe(stack: DeployedStack) -> str:
    change = Subscribe(_wanted(stack).log_group, SubscriptionFilter(FILTER, EVERYTHING, stack.function_arn))
    return command_of(change, stack.region)


def _deploy(stack: DeployedStack, what: str) -> str:
    return f"deploy with {what}: sam deploy --stack-name {stack.name}"


def _replay(stack: DeployedStack) -> str:
    return f"eks-logs replay --stack-name {stack.name}"
