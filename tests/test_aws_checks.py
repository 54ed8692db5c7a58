"""Every link in AWS: what is well is told so, and each fault is found with its remediation."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.stub import Stubber

from eks_logs.aws.api import AwsApi
from eks_logs.aws.checks import METRICS, AwsFacts, BucketContents, LogStream, Unread, check_aws, needed_rights
from eks_logs.aws.facts import gather
from eks_logs.aws.iam import Decision, Right, RoleRights
from eks_logs.aws.log_subscription import DesiredLogging, Function, LogGroup, SubscriptionFilter
from eks_logs.errors import NotAllowed
from eks_logs.findings import Finding, Status
from forwarder.sources import EKS_LOG_TYPES
from tests.aws_account import (
    BUCKET,
    DOMAIN_ARN,
    FUNCTION_ARN,
    LOG_GROUP,
    REGION,
    REQUEST_ID,
    STACK,
    STREAMS,
    VARIABLES,
    Account,
    open_account,
)

TIME = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LINKS = ("logging", "log-group", "streams", "filter", "permission", "function", "invocations", "errors", "role", "kept")
FILTER = SubscriptionFilter("stacks", "", FUNCTION_ARN)
PERMISSION = {
    "Effect": "Allow",
    "Principal": {"Service": "logs.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Condition": {"ArnLike": {"AWS:SourceArn": f"arn:aws:logs:{REGION}:123456789012:log-group:{LOG_GROUP}:*"}},
}
NEEDED = needed_rights(STACK)
BULK = NEEDED[0]


def role(*unseen: str, reason: str = "", **decisions: Decision) -> RoleRights:
    """All rights allowed, but for bulk requests or s3:PutObject as told."""
    names = {"es:ESHttpPost": decisions.get("bulk"), "s3:PutObject": decisions.get("put")}
    found = {right: names.get(right.action) or Decision.ALLOWED for right in NEEDED}
    return RoleRights(found, dict.fromkeys(NEEDED, reason) if reason else {}, unseen)


FACTS = AwsFacts(
    stack=STACK,
    desired=DesiredLogging(STACK.cluster, FUNCTION_ARN),
    time=TIME,
    log_types=frozenset(EKS_LOG_TYPES),
    log_group=LogGroup(LOG_GROUP, 30),
    streams=tuple(LogStream(name, TIME - timedelta(minutes=5)) for name in STREAMS.values()),
    filters=(FILTER,),
    statements=(PERMISSION,),
    function=Function("Active", "Successful", VARIABLES),
    metrics={"Invocations": 60.0},
    role=role(),
    bucket=BucketContents(0, 0, None),
)


def finding(facts: AwsFacts, name: str) -> Finding:
    return next(one for one in check_aws(facts) if one.name == name)


def streams(**minutes: int) -> tuple[LogStream, ...]:
    ages = dict.fromkeys(EKS_LOG_TYPES, 5) | minutes
    return tuple(LogStream(STREAMS[log_type], TIME - timedelta(minutes=age)) for log_type, age in ages.items())


def test_where_all_is_well_every_link_is_told_in_order() -> None:
    findings = check_aws(FACTS)
    assert tuple(one.name for one in findings) == LINKS
    assert {one.status for one in findings} == {Status.OK}
    assert findings[0].message == "all five log types are enabled"


@pytest.mark.parametrize(
    ("link", "fault", "status", "words", "remediation"),
    [
        ("logging", {"log_types": None}, "fail", "no EKS cluster prod", "the right ClusterName"),
        (
            "logging",
            {"log_types": frozenset()},
            "fail",
            "api, audit, auth",
            "aws eks update-cluster-config --name prod",
        ),
        (
            "logging",
            {"log_types": frozenset({"api", "audit"})},
            "ok",
            "enabled: api, audit; off: authenticator, con",
            "",
        ),
        (
            "logging",
            {"log_types": frozenset({"api"}), "desired": replace(FACTS.desired, log_types=("api", "audit"))},
            "fail",
            "audit of cluster prod not enabled",
            '"types": ["audit"]',
        ),
        (
            "log-group",
            {"log_group": LogGroup(LOG_GROUP, None, "INFREQUENT_ACCESS")},
            "fail",
            f"{LOG_GROUP} is of class INFREQUENT_ACCESS, which has no subscription filters",
            "aws logs delete-log-group --log-group-name",
        ),
        ("log-group", {"log_group": None}, "fail", f"no log group {LOG_GROUP}", "aws logs describe-log-groups"),
        ("streams", {"streams": None}, "skipped", "no log group", ""),
        ("streams", {"streams": ()}, "fail", "of api, audit, authenticator, controllerManager, scheduler", "eks"),
        ("streams", {"streams": streams(audit=91)}, "fail", "last 90 minutes of audit", "aws eks describe-cluster"),
        ("streams", {"streams": streams(scheduler=91)}, "warn", "of scheduler", "quiet"),
        ("filter", {"filters": None}, "skipped", "no log group", ""),
        (
            "filter",
            {"filters": (), "log_group": LogGroup(LOG_GROUP, None, "INFREQUENT_ACCESS")},
            "skipped",
            "cannot have one",
            "",
        ),
        ("filter", {"filters": ()}, "fail", "(there: none)", "aws logs put-subscription-filter --log-group-name"),
        ("filter", {"filters": (replace(FILTER, destination_arn="x"),)}, "fail", "(there: stacks)", FUNCTION_ARN),
        (
            "filter",
            {"filters": (replace(FILTER, pattern="ERROR"),)},
            "warn",
            "sends the records that match ERROR, and the stack's FilterPattern says every record",
            "aws logs put-subscription-filter --log-group-name /aws/eks/prod/cluster --filter-name stacks",
        ),
        (
            "filter",
            {"filters": (replace(FILTER, pattern="ERROR"),), "desired": replace(FACTS.desired, pattern="ERROR")},
            "ok",
            "stacks sends the records that match ERROR to the function",
            "",
        ),
        (
            "filter",
            {"filters": (), "desired": replace(FACTS.desired, pattern="ERROR")},
            "fail",
            "(there: none)",
            "--filter-pattern ERROR",
        ),
        ("filter", {"filters": (FILTER, replace(FILTER, name="too"))}, "warn", "stacks, too send", "--filter-name too"),
        (
            "filter",
            {"filters": (replace(FILTER, name="eks-control-plane-logs"), FILTER)},
            "warn",
            "eks-control-plane-logs, stacks send records twice",
            "aws logs delete-subscription-filter --log-group-name /aws/eks/prod/cluster --filter-name eks-control",
        ),
        ("permission", {"statements": ()}, "fail", f"not invoke the function for {LOG_GROUP}", "aws lambda add-perm"),
        ("function", {"function": None}, "fail", f"no function {FUNCTION_ARN}", "sam deploy --stack-name eks-logs"),
        ("function", {"function": Function("Failed", "Successful", {})}, "fail", "is Failed", "StateReason"),
        ("function", {"function": Function("Active", "Failed", {})}, "fail", "last update Failed", "sam deploy"),
        ("function", {"function": Function("Pending", "InProgress", VARIABLES)}, "warn", "is Pending", "in a minute"),
        ("function", {"function": Function("Active", "Successful", {})}, "warn", "INDEX_NAME, INDEX_ROT", "sam deploy"),
        ("invocations", {"metrics": {}}, "warn", "not invoked in the last hour", "links above"),
        ("errors", {"metrics": {"Errors": 2.0, "Throttles": 1.0}}, "warn", "Errors 2, Throttles 1 in", "sam logs"),
        ("errors", {"metrics": {"AsyncEventsDropped": 1.0}}, "fail", "kept in the bucket", "eks-logs replay"),
        ("errors", {"metrics": {"DestinationDeliveryFailures": 1.0}}, "fail", "are lost", f"s3://{BUCKET}"),
        ("role", {"role": None}, "fail", "no role forwarder", "sam deploy"),
        (
            "role",
            {"role": role(bulk=Decision.NOT_ALLOWED)},
            "fail",
            f"forwarder may not es:ESHttpPost on {DOMAIN_ARN}/_bulk",
            "OpenSearchDomainArn",
        ),
        (
            "role",
            {"role": role(put=Decision.DENIED, reason="the role's permissions boundary does not allow it")},
            "fail",
            f"{BUCKET}/dead-letters/key (the role's permissions boundary does not allow it)",
            "a permissions boundary that allows it",
        ),
        ("role", {"role": role("policies of the organization")}, "ok", "not seen: policies of the organization", ""),
        ("role", {"role": role("organization", "managed policy x")}, "ok", "managed policy x", ""),
        ("role", {"role": role("organization", bulk=Decision.NOT_ALLOWED)}, "fail", "may not es:ESHttpPost", "deploy"),
        (
            "role",
            {"role": role("organization", "managed policy x (iam:GetPolicy)", bulk=Decision.NOT_ALLOWED)},
            "warn",
            "cannot be told from here (not seen: organization, managed policy x (iam:GetPolicy))",
            "iam:SimulatePrincipalPolicy",
        ),
        (
            "role",
            {"role": role("organization", "managed policy x", bulk=Decision.DENIED)},
            "fail",
            "may not es:ESHttpPost",
            "deploy",
        ),
        ("role", {"role": role(bulk=Decision.CONDITIONAL)}, "warn", "cannot be told", "iam:SimulatePrincipalPolicy"),
        ("kept", {"bucket": None}, "fail", f"no bucket {BUCKET}", "sam deploy"),
        (
            "kept",
            {"bucket": BucketContents(2, 1, TIME)},
            "warn",
            "2 objects of refused documents and 1 failed events, newest 2026-11-21 12:00 UTC",
            "eks-logs replay --stack-name eks-logs",
        ),
        ("kept", {"bucket": BucketContents(10_000, 0, TIME, more=True)}, "warn", "at least 10000 objects", "replay"),
    ],
)
def test_each_fault_is_found_with_what_mends_it(
    link: str, fault: dict[str, Any], status: str, words: str, remediation: str
) -> None:
    found = finding(replace(FACTS, **fault), link)
    assert found.status == status
    assert words in found.message
    assert remediation in (found.remediation or "")


def test_only_log_types_that_are_enabled_must_write() -> None:
    facts = replace(FACTS, log_types=frozenset({"audit"}), streams=streams(api=100, scheduler=100))
    assert finding(facts, "streams").status == "ok"
    assert finding(replace(facts, log_types=Unread("no right", "ask")), "streams").status == "fail"


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account() as opened:
        yield opened


def whole(account: Account, time: datetime) -> None:
    """Everything as it is some time after a deployment that went well."""
    account.make_cluster()
    account.make_log_group()
    account.write_streams(int((time - timedelta(minutes=5)).timestamp() * 1000))
    account.make_function()
    account.make_filter("stacks")
    account.permit("stacks")
    put_metric(account, "Invocations", time)
    location = {"LocationConstraint": REGION}
    account.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=location)


def put_metric(account: Account, metric: str, time: datetime, function: str = "forwarder") -> None:
    dimensions = [{"Name": "FunctionName", "Value": function}]
    datum = {"MetricName": metric, "Dimensions": dimensions, "Value": 2.0, "Timestamp": time - timedelta(minutes=30)}
    account.client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=[datum])


def statuses(findings: tuple[Finding, ...]) -> Mapping[str, str]:
    return {one.name: one.status.value for one in findings}


def test_a_whole_account_is_found_whole(account: Account) -> None:
    time = datetime.now(UTC)
    whole(account, time)
    findings = check_aws(gather(AwsApi(account.client, page_size=2), STACK, time))
    assert statuses(findings) == dict.fromkeys(LINKS, "ok"), findings


def test_an_empty_account_is_found_empty(account: Account) -> None:
    found = statuses(check_aws(gather(account.api, STACK, datetime.now(UTC))))
    assert found == dict.fromkeys(LINKS, "fail") | {
        "streams": "skipped",
        "filter": "skipped",
        "invocations": "warn",
        "errors": "ok",
    }


def test_streams_metrics_and_kept_objects_are_read_as_they_are(account: Account) -> None:
    time = datetime.now(UTC)
    account.make_log_group()
    account.write_streams(int((time - timedelta(minutes=100)).timestamp() * 1000), ("scheduler",))
    account.write_streams(int((time - timedelta(minutes=10)).timestamp() * 1000), ("audit", "api", "authenticator"))
    for metric in METRICS[1:]:
        put_metric(account, metric, time)
        put_metric(account, metric, time - timedelta(hours=1))
        put_metric(account, metric, time, "another")
    s3 = account.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for key in ("dead-letters/2026/11/20/a", "dead-letters/2026/11/21/b", "aws/lambda/async/f/c", "dead-letters-too/d"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    facts = gather(AwsApi(account.client, page_size=1), STACK, time)
    assert isinstance(facts.streams, tuple)
    assert {stream.name for stream in facts.streams} == {STREAMS[name] for name in ("audit", "api", "authenticator")}
    assert facts.metrics == {"Invocations": 0.0} | dict.fromkeys(METRICS[1:], 2.0)
    assert isinstance(facts.bucket, BucketContents)
    assert (facts.bucket.dead_letters, facts.bucket.events, facts.bucket.more) == (2, 1, False)
    assert facts.bucket.newest is not None


# As each service spells it; moto's own IAM cannot check the signatures of all of these.
REFUSED = {
    "eks": ("describe_cluster", "AccessDeniedException"),
    "cloudwatch": ("get_metric_data", "AccessDenied"),
    "s3": ("list_objects_v2", "AccessDenied"),
}


def test_what_the_caller_may_not_read_is_skipped_and_the_rest_is_checked(account: Account) -> None:
    time = datetime.now(UTC)
    whole(account, time)
    with ExitStack() as stack:
        for service, (operation, code) in REFUSED.items():
            stack.enter_context(Stubber(account.client(service))).add_client_error(
                operation, code, http_status_code=403, response_meta=REQUEST_ID
            )
        findings = check_aws(gather(account.api, STACK, time))
    rights = {one.name: one.message.rpartition(" ")[2] for one in findings if one.status is Status.SKIPPED}
    assert rights == {
        "logging": "eks:DescribeCluster",
        "invocations": "cloudwatch:GetMetricData",
        "errors": "cloudwatch:GetMetricData",
        "kept": "s3:ListBucket",
    }
    assert {one.status for one in findings if one.name not in rights} == {Status.OK}


def test_what_aws_cannot_tell_now_is_skipped_and_the_rest_is_checked(account: Account) -> None:
    time = datetime.now(UTC)
    whole(account, time)
    with Stubber(account.client("cloudwatch")) as stubber:
        stubber.add_client_error("get_metric_data", "Throttling", "Rate exceeded", 400, response_meta=REQUEST_ID)
        stubber.add_client_error("get_metric_data", "Throttling", "Rate exceeded", 400, response_meta=REQUEST_ID)
        found = {one.name: one for one in check_aws(gather(account.api, STACK, time))}
    assert "Rate exceeded" in found["invocations"].message
    assert {name for name, one in found.items() if one.status is Status.SKIPPED} == {"invocations", "errors"}


def test_on_serverless_the_role_needs_another_right() -> None:
    arn = f"arn:aws:aoss:{REGION}:123456789012:collection/abc123"
    assert needed_rights(replace(STACK, domain_arn=arn))[0] == Right("aoss:APIAccessAll", arn)
    assert Right("es:ESHttpPost", f"{DOMAIN_ARN}/_bulk") == BULK


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_the_bucket_is_looked_for_in_the_stacks_own_partition(partition: str) -> None:
    stack = replace(STACK, function_arn=FUNCTION_ARN.replace("arn:aws:", f"arn:{partition}:"))
    buckets = [right.resource for right in needed_rights(stack)[1:]]
    assert buckets == [
        f"arn:{partition}:s3:::{BUCKET}{key}" for key in ("/dead-letters/key", "/aws/lambda/async/key", "")
    ]


def test_what_is_printed_names_region_and_profile() -> None:
    facts = replace(
        FACTS, profile="ops", filters=(), statements=(), log_types=frozenset(), bucket=BucketContents(1, 0, TIME)
    )
    for link in ("logging", "filter", "permission", "kept"):
        assert (finding(facts, link).remediation or "").endswith("--region eu-central-1 --profile ops")


def test_without_valid_credentials_nothing_is_checked(account: Account) -> None:
    with Stubber(account.client("eks")) as stubber:
        stubber.add_client_error("describe_cluster", "ExpiredTokenException", response_meta=REQUEST_ID)
        with pytest.raises(NotAllowed, match="renew them"):
            gather(account.api, STACK, TIME)
