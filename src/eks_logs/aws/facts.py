"""Gathers in AWS what the checks judge; what cannot be read is Unread, and the rest is read all the same."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from eks_logs.aws.api import AwsApi
from eks_logs.aws.checks import FRESH, METRICS, AwsFacts, BucketContents, LogStream, Unread, needed_rights
from eks_logs.aws.iam import RoleRights, rights_of
from eks_logs.aws.log_subscription import DesiredLogging, LoggingReader
from eks_logs.aws.stack import DeployedStack
from eks_logs.errors import Busy, NotThere, Rejected, RightMissing
from eks_logs.replay.objects import FAILED_EVENTS_PREFIX
from forwarder.delivery.dead_letters import PREFIX as DEAD_LETTERS_PREFIX

_HOUR = timedelta(hours=1)
_MOST_COUNTED = 10_000

_Found = TypeVar("_Found")


def gather(api: AwsApi, stack: DeployedStack, time: datetime, log_types: tuple[str, ...] = ()) -> AwsFacts:
    """Everything that `check_aws` judges.

    Args:
        api: AWS, as the caller may use it.
        stack: whose links are checked.
        time: now, with its zone.
        log_types: which have to be enabled; where none is named, those that are off are off by choice.

    Raises:
        SetupError: AWS cannot be asked at all: no credentials, no answer.
    """
    desired = DesiredLogging(stack.cluster, stack.function_arn, stack.filter_pattern, log_types)
    logs = LoggingReader(api, desired)
    return AwsFacts(
        stack=stack,
        desired=desired,
        time=time,
        profile=api.profile,
        log_types=_or_unread(logs.log_types),
        log_group=_or_unread(logs.log_group),
        streams=_or_unread(lambda: _or_none(lambda: _streams(api, stack, time))),
        filters=_or_unread(logs.filters),
        statements=_or_unread(logs.statements),
        function=_or_unread(logs.function),
        metrics=_or_unread(lambda: _metrics(api, stack, time)),
        role=_or_unread(lambda: _or_none(lambda: _role(api, stack))),
        bucket=_or_unread(lambda: _or_none(lambda: _bucket_contents(api, stack))),
    )


def _or_unread(read: Callable[[], _Found]) -> _Found | Unread:
    try:
        return read()
    except (Busy, Rejected, RightMissing) as error:
        return Unread.because(error)


def _or_none(read: Callable[[], _Found]) -> _Found | None:
    try:
        return read()
    except NotThere:
        return None


def _streams(api: AwsApi, stack: DeployedStack, time: datetime) -> tuple[LogStream, ...]:
    """The log group's streams, newest first, as far as they have a fresh record."""
    group = DesiredLogging(stack.cluster, stack.function_arn).log_group
    parameters = {"logGroupName": group, "orderBy": "LastEventTime", "descending": True}
    found = []
    for one in api.items("logs", "describe_log_streams", "logStreams", **parameters):
        stream = LogStream(one["logStreamName"], _time_of(one.get("lastEventTimestamp")))
        if stream.last_event is None or stream.last_event < time - FRESH:
            break
        found.append(stream)
    return tuple(found)


def _time_of(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


def _metrics(api: AwsApi, stack: DeployedStack, time: datetime) -> Mapping[str, float]:
    """The sums over the last hour; a metric without data points is 0."""
    queries = [_query(f"m{number}", metric, stack.function_name) for number, metric in enumerate(METRICS)]
    answer = api.call("cloudwatch", "get_metric_data", MetricDataQueries=queries, StartTime=time - _HOUR, EndTime=time)
    sums = {result["Id"]: sum(result["Values"]) for result in answer["MetricDataResults"]}
    return {metric: sums.get(f"m{number}", 0.0) for number, metric in enumerate(METRICS)}


def _query(number: str, metric: str, function_name: str) -> dict[str, Any]:
    dimensions = [{"Name": "FunctionName", "Value": function_name}]
    measured = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions}
    return {"Id": number, "MetricStat": {"Metric": measured, "Period": 300, "Stat": "Sum"}}


def _role(api: AwsApi, stack: DeployedStack) -> RoleRights:
    return rights_of(api, stack.function_role_arn, needed_rights(stack))


def _bucket_contents(api: AwsApi, stack: DeployedStack) -> BucketContents:
    letters, events = (_objects(api, stack, f"{prefix}/") for prefix in (DEAD_LETTERS_PREFIX, FAILED_EVENTS_PREFIX))
    times = [time.astimezone(UTC) for time in letters + events]
    more = max(len(letters), len(events)) == _MOST_COUNTED
    return BucketContents(len(letters), len(events), max(times, default=None), more)


def _objects(api: AwsApi, stack: DeployedStack, prefix: str) -> list[datetime]:
    """When each object below a prefix was last written, of no more than _MOST_COUNTED."""
    objects = api.items("s3", "list_objects_v2", "Contents", Bucket=stack.dead_letter_bucket, Prefix=prefix)
    return [one["LastModified"] for one in islice(objects, _MOST_COUNTED)]
