"""The AWS part of `check`: facts about AWS in, one finding for each link of the chain out. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from eks_logs.aws.calls import AwsCall, CommandLine
from eks_logs.aws.iam import Decision, Right, RoleRights, Statement, permits_log_group
from eks_logs.aws.log_subscription import (
    FILTER,
    SUBSCRIBABLE,
    DesiredLogging,
    Function,
    LogGroup,
    SubscriptionFilter,
    enable,
    find_log_group,
    permission_calls,
    subscribe,
    without_subscriptions,
)
from eks_logs.aws.stack import DeployedStack
from eks_logs.errors import RightMissing, SetupError
from eks_logs.findings import Finding, fail, ok, skipped, warn
from eks_logs.replay.objects import FAILED_EVENTS_PREFIX
from forwarder.delivery.dead_letters import PREFIX as DEAD_LETTERS_PREFIX
from forwarder.sources import API, AUDIT, EKS_LOG_TYPES, control_plane_stream

# How old the newest record of a log type may be. A stream's lastEventTimestamp "typically updates in less than an hour
# from ingestion" (CloudWatch Logs API reference, LogStream), so a shorter time would find faults that are none.
FRESH = timedelta(minutes=90)

# An API server in use writes these all the time; the others may have nothing to say for hours.
_NEVER_QUIET = (API, AUDIT)

# Lambda developer guide, "Types of metrics for Lambda functions".
INVOCATIONS, ERRORS, THROTTLES = "Invocations", "Errors", "Throttles"
EVENTS_DROPPED, EVENTS_LOST = "AsyncEventsDropped", "DestinationDeliveryFailures"
METRICS = (INVOCATIONS, ERRORS, THROTTLES, EVENTS_DROPPED, EVENTS_LOST)

_VARIABLES = {"OPENSEARCH_ENDPOINT": "endpoint", "INDEX_NAME": "index", "INDEX_ROTATION": "rotation"}


@dataclass(frozen=True, slots=True)
class Unread:
    """A fact that could not be read: why, and what to do."""

    why: str
    remedy: str

    @classmethod
    def because(cls, error: SetupError) -> "Unread":
        """As an error says it."""
        if isinstance(error, RightMissing):
            return cls(f"the caller lacks the right {error.right}", "have it granted, or name another --profile")
        return cls(str(error), "run again")


@dataclass(frozen=True, slots=True)
class LogStream:
    """A stream of the log group; `last_event` is None where it has no record yet."""

    name: str
    last_event: datetime | None


@dataclass(frozen=True, slots=True)
class BucketContents:
    """How many objects the bucket holds that were not stored in OpenSearch, `more` if they were not all counted."""

    dead_letters: int
    events: int
    newest: datetime | None
    more: bool = False


@dataclass(frozen=True, slots=True)
class AwsFacts:
    """What was found; None where there is nothing of that name, Unread where it could not be seen.

    Attributes:
        desired: how the cluster's logs are to get to the stack's function.
        time: when.
        metrics: the sums of METRICS over the last hour.
        role: what the function's role may do of what it needs.
        profile: AWS's, for what to type.
    """

    stack: DeployedStack
    desired: DesiredLogging
    time: datetime
    log_types: frozenset[str] | Unread | None
    log_group: LogGroup | Unread | None
    streams: tuple[LogStream, ...] | Unread | None
    filters: tuple[SubscriptionFilter, ...] | Unread | None
    statements: tuple[Statement, ...] | Unread
    function: Function | Unread | None
    metrics: Mapping[str, float] | Unread
    role: RoleRights | Unread | None
    bucket: BucketContents | Unread | None
    profile: str | None = None

    @property
    def line(self) -> CommandLine:
        """How commands are printed."""
        return CommandLine(self.stack.region, self.profile)


def check_aws(facts: AwsFacts) -> tuple[Finding, ...]:
    """Every link in AWS, in the order in which a record passes them; what may not be looked at is skipped."""
    return (
        _unless_unread("logging", facts.log_types, lambda found: check_log_types(facts, found)),
        _unless_unread("log-group", facts.log_group, lambda found: check_log_group(facts, found)),
        _unless_unread("streams", facts.streams, lambda found: check_streams(facts, found)),
        _unless_unread("filter", facts.filters, lambda found: check_filters(facts, found)),
        _unless_unread("permission", facts.statements, lambda found: check_permission(facts, found)),
        _unless_unread("function", facts.function, lambda found: check_function(facts, found)),
        _unless_unread("invocations", facts.metrics, lambda found: check_invocations(facts, found)),
        _unless_unread("errors", facts.metrics, lambda found: check_errors(facts, found)),
        _unless_unread("role", facts.role, lambda found: check_role(facts, found)),
        _unless_unread("kept", facts.bucket, lambda found: check_bucket(facts, found)),
    )


def check_log_types(facts: AwsFacts, enabled: frozenset[str] | None) -> Finding:
    """The log types that are expected are enabled; if none was named, any, and the others are off by choice."""
    name, cluster = "logging", facts.stack.cluster
    if enabled is None:
        return fail(name, f"there is no EKS cluster {cluster}", _deploy(facts, "the right ClusterName"))
    missing = facts.desired.missing_log_types(enabled) if facts.desired.log_types or enabled else EKS_LOG_TYPES
    if missing:
        message = f"{', '.join(missing)} of cluster {cluster} not enabled"
        return fail(name, message, facts.line.aws(enable(cluster, missing)))
    off = [one for one in EKS_LOG_TYPES if one not in enabled]
    if not off:
        return ok(name, "all five log types are enabled")
    on = [one for one in EKS_LOG_TYPES if one in enabled]
    return ok(name, f"enabled: {', '.join(on)}; off: {', '.join(off)}")


def check_log_group(facts: AwsFacts, log_group: LogGroup | None) -> Finding:
    """The log group exists, and can have subscription filters."""
    name = "log-group"
    if log_group is None:
        look = facts.line.aws(find_log_group(facts.desired.log_group))
        message = f"there is no log group {facts.desired.log_group}"
        return fail(name, message, f"EKS makes it within minutes of enabling log types; look again: {look}")
    if log_group.log_class != SUBSCRIBABLE:
        return fail(name, *without_subscriptions(log_group, facts.desired, facts.line))
    kept = f"for {log_group.retention_days} days" if log_group.retention_days else "for ever"
    return ok(name, f"{log_group.name} keeps records {kept}")


def check_streams(facts: AwsFacts, streams: Sequence[LogStream] | None) -> Finding:
    """Each log type that is enabled has a stream with a fresh record; if it cannot be known which are, each of all."""
    if streams is None:
        return skipped("streams", "there is no log group")
    expected = facts.log_types if isinstance(facts.log_types, frozenset) else EKS_LOG_TYPES
    since = facts.time - FRESH
    written = {control_plane_stream(one.name)[0] for one in streams if one.last_event and one.last_event >= since}
    quiet = [log_type for log_type in EKS_LOG_TYPES if log_type in expected and log_type not in written]
    minutes = FRESH // timedelta(minutes=1)
    if not quiet:
        return ok("streams", f"every enabled log type has records of the last {minutes} minutes")
    message = f"no records of the last {minutes} minutes of {', '.join(quiet)}"
    if any(log_type in _NEVER_QUIET for log_type in quiet):
        look = facts.line.aws(AwsCall("eks", "DescribeCluster", {"name": facts.stack.cluster}))
        return fail("streams", message, f"see whether the cluster is up: {look}")
    return warn("streams", message, "nothing if the cluster is quiet; else look again in an hour")


def check_filters(facts: AwsFacts, filters: Sequence[SubscriptionFilter] | None) -> Finding:
    """One filter sends the records to the function that the stack's FilterPattern names."""
    name, desired = "filter", facts.desired
    if filters is None:
        return skipped(name, "there is no log group")
    if isinstance(facts.log_group, LogGroup) and facts.log_group.log_class != SUBSCRIBABLE:
        return skipped(name, "the log group cannot have one")
    sending = [one for one in filters if one.sends_to(desired.function_arn)]
    names = ", ".join(one.name for one in sending)
    if not sending:
        there = ", ".join(one.name for one in filters) or "none"
        message = f"no subscription filter of {desired.log_group} sends to the function (there: {there})"
        return fail(name, message, facts.line.aws(subscribe(desired)))
    if len(sending) > 1:
        # The stack's own stays, if there is one: what is taken away from a stack comes back with its next change.
        surplus = FILTER if FILTER in names.split(", ") else sending[-1].name
        parameters = {"logGroupName": desired.log_group, "filterName": surplus}
        delete = AwsCall("logs", "DeleteSubscriptionFilter", parameters)
        return warn(name, f"{names} send records twice", f"remove one: {facts.line.aws(delete)}")
    if sending[0].pattern.strip() != desired.pattern.strip():
        sent, meant = _records(sending[0].pattern), _records(desired.pattern)
        message = f"{names} sends {sent}, and the stack's FilterPattern says {meant}"
        return warn(name, message, facts.line.aws(subscribe(desired, names)))
    return ok(name, f"{names} sends {_records(desired.pattern)} to the function")


def _records(pattern: str) -> str:
    return f"the records that match {pattern}" if pattern.strip() else "every record"


def check_permission(facts: AwsFacts, statements: Sequence[Statement]) -> Finding:
    """CloudWatch Logs may invoke the function for the log group."""
    desired = facts.desired
    if any(permits_log_group(statement, desired.source_arn) for statement in statements):
        return ok("permission", "CloudWatch Logs may invoke the function")
    message = f"CloudWatch Logs may not invoke the function for {desired.log_group}"
    return fail("permission", message, facts.line.aws(*permission_calls(tuple(statements), desired)))


def check_function(facts: AwsFacts, function: Function | None) -> Finding:
    """The function can run, with the settings of the stack."""
    name, stack = "function", facts.stack
    if function is None:
        return fail(name, f"there is no function {stack.function_arn}", _deploy(facts, "the template unchanged"))
    states = f"{function.state}, its last update {function.last_update}"
    if function.state == "Failed" or function.last_update == "Failed":
        return fail(name, f"{stack.function_name} is {states}", _deploy(facts, "what its StateReason asks for"))
    differing = [key for key, of in _VARIABLES.items() if function.environment.get(key) != getattr(stack, of)]
    if differing:
        message = f"{', '.join(differing)} of the function differ from the stack's parameters"
        return warn(name, message, _deploy(facts, "the parameters that are meant"))
    if function.last_update == "InProgress" or function.state == "Pending":
        return warn(name, f"{stack.function_name} is {states}", "look again in a minute")
    return ok(name, f"{stack.function_name} is {states}")


def check_invocations(facts: AwsFacts, sums: Mapping[str, float]) -> Finding:
    """CloudWatch Logs invoked the function within the last hour."""
    count = sums.get(INVOCATIONS, 0)
    if count:
        return ok("invocations", f"{count:.0f} in the last hour")
    remediation = "see to the links above; if they hold, look again when the cluster has written something"
    return warn("invocations", f"{facts.stack.function_name} was not invoked in the last hour", remediation)


def check_errors(facts: AwsFacts, sums: Mapping[str, float]) -> Finding:
    """Nothing failed within the last hour; an error alone heals itself, as Lambda tries again."""
    name, stack = "errors", facts.stack
    log = facts.line.sam("logs", stack.name)
    found = {metric: sums.get(metric, 0) for metric in (ERRORS, THROTTLES, EVENTS_DROPPED, EVENTS_LOST)}
    counted = ", ".join(f"{metric} {count:.0f}" for metric, count in found.items() if count)
    if found[EVENTS_LOST]:
        message = f"{counted} in the last hour: events that failed for good could not be kept and are lost"
        return fail(name, message, f"let {stack.function_role_name} write to s3://{stack.dead_letter_bucket}; {log}")
    if found[EVENTS_DROPPED]:
        message = f"{counted} in the last hour: events failed for good and are kept in the bucket"
        return fail(name, message, f"{log}; then {_replay(facts)}")
    if counted:
        return warn(name, f"{counted} in the last hour; Lambda tries again", log)
    return ok(name, "none in the last hour")


def needed_rights(stack: DeployedStack) -> tuple[Right, ...]:
    """What template.yaml gives the function's role beside its own log: bulk requests, and what could not be stored."""
    arn, bucket = stack.domain_arn, f"arn:{stack.partition}:s3:::{stack.dead_letter_bucket}"
    is_serverless = arn.split(":")[2] == "aoss"
    return (
        Right("aoss:APIAccessAll", arn) if is_serverless else Right("es:ESHttpPost", f"{arn}/_bulk"),
        Right("s3:PutObject", f"{bucket}/{DEAD_LETTERS_PREFIX}/key"),
        Right("s3:PutObject", f"{bucket}/{FAILED_EVENTS_PREFIX}/key"),
        Right("s3:ListBucket", bucket),
    )


def check_role(facts: AwsFacts, found: RoleRights | None) -> Finding:
    """The function's role may send bulk requests to the domain or collection, and keep what was refused."""
    name, role = "role", facts.stack.function_role_name
    if found is None:
        return fail(name, f"there is no role {role}", _deploy(facts, "the template unchanged"))
    lacking = [right for right, decision in found.decisions.items() if decision is not Decision.ALLOWED]
    unseen = f" (not seen: {', '.join(found.unseen)})" if found.unseen else ""
    if not lacking:
        return ok(name, f"{role} may send to {facts.stack.domain_arn} and keep what is refused{unseen}")
    told = ", ".join(f"{right}{f' ({why})' if (why := found.reasons.get(right)) else ''}" for right in lacking)
    # The organization's policies, which no role's reader sees, take away and grant nothing.
    is_certain = len(found.unseen) <= 1 or any(found.decisions[right] is Decision.DENIED for right in lacking)
    if not is_certain or all(found.decisions[right] is Decision.CONDITIONAL for right in lacking):
        return warn(
            name,
            f"whether {role} may {told} cannot be told from here{unseen}",
            "ask as somebody who has iam:SimulatePrincipalPolicy, or look at the role's policies",
        )
    return fail(
        name,
        f"{role} may not {told}{unseen}",
        _deploy(facts, "the right OpenSearchDomainArn, and a permissions boundary that allows it"),
    )


def check_bucket(facts: AwsFacts, contents: BucketContents | None) -> Finding:
    """The bucket is empty of what OpenSearch should have."""
    stack = facts.stack
    if contents is None:
        message = f"there is no bucket {stack.dead_letter_bucket}: what cannot be stored would be lost"
        return fail("kept", message, _deploy(facts, "the name of a bucket as ExistingBucketName"))
    if contents.newest is None:
        return ok("kept", f"nothing waits in s3://{stack.dead_letter_bucket}")
    least = "at least " if contents.more else ""
    newest = f"{contents.newest:%Y-%m-%d %H:%M} UTC"
    objects = f"{contents.dead_letters} objects of refused documents and {contents.events} failed events"
    message = f"{least}{objects}, newest {newest}"
    return warn("kept", message, _replay(facts))


_Found = TypeVar("_Found")


def _unless_unread(name: str, found: _Found | Unread, check: Callable[[_Found], Finding]) -> Finding:
    if isinstance(found, Unread):
        return skipped(name, found.why, found.remedy)
    return check(found)


def _deploy(facts: AwsFacts, what: str) -> str:
    return f"deploy with {what}: {facts.line.sam('deploy', facts.stack.name)}"


def _replay(facts: AwsFacts) -> str:
    return facts.line.eks_logs("replay", facts.stack.name)
