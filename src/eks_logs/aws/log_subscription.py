"""What would have to change so that a cluster's logs reach the function, and what a removal takes away again."""

from collections.abc import Mapping

from eks_logs.aws.control_plane_logging import (
    EVERYTHING,
    FILTER,
    MOST_FILTERS,
    AwaitLogGroup,
    EnableLogTypes,
    Forbid,
    FoundLogging,
    LoggingStep,
    LogGroup,
    Permit,
    SetRetention,
    Subscribe,
    Subscription,
    SubscriptionFilter,
    Unsubscribe,
    WantedLogging,
)
from eks_logs.aws.iam import Statement, permits_log_group
from eks_logs.errors import NotThere, TooManyFilters
from eks_logs.plan import diff_of
from forwarder.control_plane import LOG_TYPES

STAYS = (
    "the cluster's log types stay enabled, and its log group stays with its records and its retention; what the stack "
    "made goes with the stack: sam delete"
)


def plan_logging(found: FoundLogging, wanted: WantedLogging) -> tuple[LoggingStep, ...]:
    """The steps from what is found to what is wanted, in the order to take them; none if nothing differs.

    What sends to the function already, the stack's filter and permission above all, counts and is left alone.

    Raises:
        NotThere: the cluster or the function does not exist.
        TooManyFilters: the log group's filters are all of others.
    """
    if found.log_types is None:
        raise NotThere(
            f"there is no EKS cluster {wanted.cluster} in this account and region; aws eks list-clusters names them"
        )
    if found.function is None:
        raise NotThere(f"there is no function {wanted.function_arn}; deploy the stack first: sam deploy")
    steps = (
        _log_types_step(found.log_types, wanted),
        _log_group_step(found.log_group, wanted),
        _retention_step(found.log_group, wanted),
        _permission_step(found.subscription.statements, wanted),
        _filter_step(found.subscription.filters, wanted),
    )
    return tuple(step for step in steps if step is not None)


def plan_removal(found: Subscription, wanted: WantedLogging) -> tuple[LoggingStep, ...]:
    """The steps that take away what `plan_logging` made; all else stays, as STAYS says.

    These are the filter of exactly our name, if it sends to this function, and the statement of exactly our id, if it
    is for this log group. The stack's have other names: CloudFormation's end in letters of its own choice.
    """
    ours = _named(found.filters)
    statement = _statement(found.statements, wanted)
    steps = []
    if ours is not None and ours.sends_to(wanted.function_arn):
        title = f"remove subscription filter {FILTER} of {wanted.log_group}"
        steps.append(LoggingStep(title, Unsubscribe(wanted.log_group, FILTER), _removal(_filter_shown(ours))))
    if statement is not None and permits_log_group(statement, wanted.source_arn):
        title = f"remove permission {wanted.statement_id}"
        steps.append(LoggingStep(title, Forbid(wanted.function_arn, wanted.statement_id), _removal(statement)))
    return tuple(steps)


def _log_types_step(enabled: frozenset[str], wanted: WantedLogging) -> LoggingStep | None:
    missing = tuple(log_type for log_type in LOG_TYPES if log_type not in enabled)
    if not missing:
        return None
    return LoggingStep(
        f"enable log types {', '.join(missing)} of cluster {wanted.cluster}",
        EnableLogTypes(wanted.cluster, missing),
        diff_of({one: one in enabled for one in LOG_TYPES}, dict.fromkeys(LOG_TYPES, True)),
    )


def _log_group_step(log_group: LogGroup | None, wanted: WantedLogging) -> LoggingStep | None:
    if log_group is not None:
        return None
    return LoggingStep(f"wait for log group {wanted.log_group}, which EKS makes", AwaitLogGroup(wanted.log_group))


def _retention_step(log_group: LogGroup | None, wanted: WantedLogging) -> LoggingStep | None:
    before = log_group.retention_days if log_group else None
    if wanted.retention_days is None or wanted.retention_days == before:
        return None
    return LoggingStep(
        f"set the retention of log group {wanted.log_group}",
        SetRetention(wanted.log_group, wanted.retention_days),
        diff_of({"days": before or "for ever"}, {"days": wanted.retention_days}),
    )


def _permission_step(statements: tuple[Statement, ...], wanted: WantedLogging) -> LoggingStep | None:
    if any(permits_log_group(statement, wanted.source_arn) for statement in statements):
        return None
    before = _statement(statements, wanted)
    after = {"Sid": wanted.statement_id, "Service": "logs.amazonaws.com", "SourceArn": wanted.source_arn}
    return LoggingStep(
        f"{'create' if before is None else 'change'} permission {wanted.statement_id}",
        Permit(wanted.function_arn, wanted.statement_id, wanted.source_arn, replaces=before is not None),
        diff_of(before, after),
    )


def _filter_step(filters: tuple[SubscriptionFilter, ...], wanted: WantedLogging) -> LoggingStep | None:
    ours = _named(filters)
    others = [one for one in filters if one is not ours]
    after = SubscriptionFilter(FILTER, EVERYTHING, wanted.function_arn)
    if ours == after or any(one.sends_to(wanted.function_arn) for one in others):
        return None
    if ours is None and len(others) >= MOST_FILTERS:
        raise TooManyFilters(_no_room(others, wanted))
    return LoggingStep(
        f"{'change' if ours else 'create'} subscription filter {FILTER} of {wanted.log_group}",
        Subscribe(wanted.log_group, after),
        diff_of(ours and _filter_shown(ours), _filter_shown(after)),
    )


def _no_room(others: list[SubscriptionFilter], wanted: WantedLogging) -> str:
    names = " and ".join(f"{one.name} (to {one.destination_arn})" for one in others)
    return (
        f"log group {wanted.log_group} has {len(others)} subscription filters already, {names}, and CloudWatch Logs "
        f"takes {MOST_FILTERS}: remove one with aws logs delete-subscription-filter, or let one send to a Kinesis data "
        "stream or Firehose from which all read"
    )


def _named(filters: tuple[SubscriptionFilter, ...]) -> SubscriptionFilter | None:
    return next((one for one in filters if one.name == FILTER), None)


def _statement(statements: tuple[Statement, ...], wanted: WantedLogging) -> Statement | None:
    return next((one for one in statements if one.get("Sid") == wanted.statement_id), None)


def _filter_shown(one: SubscriptionFilter) -> dict[str, str]:
    return {"name": one.name, "pattern": one.pattern, "destination": one.destination_arn}


def _removal(shown: Mapping[str, object]) -> tuple[str, ...]:
    return diff_of(shown, {})
