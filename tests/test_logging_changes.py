"""The cluster's logs in an AWS account in memory: found, subscribed, waited for, and removed again."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import Stubber

from eks_logs.aws.log_subscription import (
    FILTER,
    CurrentLogging,
    DesiredLogging,
    Function,
    LogGroup,
    Subscription,
    SubscriptionFilter,
    plan_logging,
    plan_removal,
)
from eks_logs.aws.steps import AwsStep, apply_step
from eks_logs.errors import Busy, Rejected, TookTooLong, UpdateFailed
from forwarder.sources import EKS_LOG_TYPES
from tests.aws_account import CLUSTER, FUNCTION_ARN, LOG_GROUP, OF_AWS, REQUEST_ID, Account, Timeline, open_account

DESIRED = DesiredLogging(CLUSTER, FUNCTION_ARN)
PATTERN = '{ $.verb = "delete" }'
WHOLE = CurrentLogging(
    frozenset(EKS_LOG_TYPES),
    LogGroup(LOG_GROUP, None),
    Function("Active", "Successful", {}),
    Subscription((SubscriptionFilter("stacks", "", FUNCTION_ARN),), ({"Sid": "any"},)),
)


def step_of(current: CurrentLogging, desired: DesiredLogging, title: str) -> AwsStep:
    return next(step for step in plan_logging(current, desired) if title in step.title)


ENABLE = step_of(
    replace(WHOLE, log_types=frozenset({"api"})), replace(DESIRED, log_types=("audit", "scheduler")), "enable"
)
AWAIT_LOG_GROUP = step_of(replace(WHOLE, log_group=None), DESIRED, "wait for log group")
SUBSCRIBE = step_of(replace(WHOLE, subscription=Subscription((), ())), DESIRED, "subscription filter")


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account() as opened:
        yield opened


@pytest.fixture
def eks(account: Account) -> Iterator[Stubber]:
    """EKS at the wire, answering by the script: moto has no DescribeUpdate, and its UpdateClusterConfig gives none."""
    with Stubber(account.client("eks")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def play_update(eks: Stubber, *statuses: str, **more: Any) -> None:
    setups = [{"types": ["audit", "scheduler"], "enabled": True}]
    expected = {"name": CLUSTER, "logging": {"clusterLogging": setups}}
    eks.add_response("update_cluster_config", OF_AWS | {"update": {"id": "u-1", "status": "InProgress"}}, expected)
    for status in statuses:
        update = {"id": "u-1", "status": status, **more}
        eks.add_response("describe_update", OF_AWS | {"update": update}, {"name": CLUSTER, "updateId": "u-1"})


def test_everything_is_found_and_applied_once(account: Account) -> None:
    account.make_cluster()
    account.make_log_group()
    account.make_function()
    reader, timeline = account.logging(), Timeline()
    desired = replace(DESIRED, log_types=EKS_LOG_TYPES, log_group_days=30)
    for step in plan_logging(reader.current(), desired):
        apply_step(account.api, step, timeline.waiting())
    current = reader.current()
    assert plan_logging(current, desired) == ()
    assert (current.log_types, current.log_group) == (frozenset(EKS_LOG_TYPES), LogGroup(LOG_GROUP, 30))
    assert (account.filter_names(), account.statement_ids()) == ([FILTER], [DESIRED.statement_id])
    assert timeline.sleeps == 0


def test_a_lost_filter_comes_back_with_the_stacks_pattern_and_log_types_stay_off(account: Account) -> None:
    account.make_cluster(("audit",))
    account.make_log_group()
    account.make_function()
    desired = replace(DESIRED, pattern=PATTERN)
    for step in plan_logging(account.logging().current(), desired):
        apply_step(account.api, step, Timeline().waiting())
    assert account.logging().filters() == (SubscriptionFilter(FILTER, PATTERN, FUNCTION_ARN),)
    assert account.logging().log_types() == frozenset({"audit"})


def test_the_class_of_a_log_group_is_read(account: Account) -> None:
    # moto's log groups have no class.
    with Stubber(account.client("logs")) as logs:
        group = {"logGroupName": LOG_GROUP, "logGroupClass": "INFREQUENT_ACCESS"}
        logs.add_response("describe_log_groups", OF_AWS | {"logGroups": [group]})
        assert account.logging().log_group() == LogGroup(LOG_GROUP, None, "INFREQUENT_ACCESS")


def test_an_empty_account_is_found_empty(account: Account) -> None:
    found = account.logging().current()
    assert (found.log_types, found.log_group, found.function) == (None, None, None)
    assert (found.subscription.filters, found.subscription.statements) == ((), ())


def test_log_types_that_are_off_count_as_missing(account: Account) -> None:
    account.make_cluster(("api", "audit"))
    assert account.logging().log_types() == frozenset({"api", "audit"})


def test_the_log_group_is_found_by_its_whole_name(account: Account) -> None:
    account.make_log_group(f"{LOG_GROUP}-of-another")
    assert account.logging().log_group() is None
    account.make_log_group()
    assert account.logging().log_group() == LogGroup(LOG_GROUP, None)


def test_enabling_waits_for_eks_and_tells_so(account: Account, eks: Stubber) -> None:
    play_update(eks, "InProgress", "InProgress", "Successful")
    timeline = Timeline()
    apply_step(account.api, ENABLE, timeline.waiting())
    assert timeline.told == [f"EKS is changing cluster prod: {waited} of at most 900 seconds" for waited in (0, 10)]


def test_an_update_that_fails_is_told_with_its_reason(account: Account, eks: Stubber) -> None:
    errors = [{"errorCode": "AccessDenied", "errorMessage": "the cluster's role is gone"}]
    play_update(eks, "InProgress", "Failed", errors=errors)
    with pytest.raises(UpdateFailed, match="u-1 of the cluster as Failed: the cluster's role is gone"):
        apply_step(account.api, ENABLE, Timeline().waiting())


def test_an_update_is_not_waited_for_longer_than_a_quarter_of_an_hour(account: Account, eks: Stubber) -> None:
    play_update(eks, *["InProgress"] * 91)
    timeline = Timeline()
    with pytest.raises(TookTooLong, match=r"not within 900 seconds; see aws eks list-updates --name prod"):
        apply_step(account.api, ENABLE, timeline.waiting())
    assert timeline.now == 1900


def test_a_cluster_that_is_being_changed_is_told_in_one_line(account: Account, eks: Stubber) -> None:
    words = "Cannot LoggingUpdate because cluster prod currently has update in progress"
    eks.add_client_error("update_cluster_config", "ResourceInUseException", words, 409, response_meta=REQUEST_ID)
    with pytest.raises(Busy, match=f"eks:UpdateClusterConfig .* run again when that is over.* {words}"):
        apply_step(account.api, ENABLE, Timeline().waiting())


def test_the_log_group_is_waited_for(account: Account) -> None:
    timeline = Timeline({2: account.make_log_group})
    apply_step(account.api, AWAIT_LOG_GROUP, timeline.waiting())
    assert timeline.sleeps == 2
    assert timeline.told[0].startswith(f"EKS is making log group {LOG_GROUP}: 0 of")


def test_a_log_group_that_never_comes_is_given_up(account: Account) -> None:
    with pytest.raises(TookTooLong, match=f"{LOG_GROUP}: not within 900 seconds"):
        apply_step(account.api, AWAIT_LOG_GROUP, Timeline().waiting())


def test_a_permission_that_is_not_there_at_once_is_waited_for(account: Account) -> None:
    # As moto, like CloudWatch Logs, refuses a function that it cannot invoke: here it is made meanwhile.
    account.make_log_group()
    timeline = Timeline({1: account.make_function})
    apply_step(account.api, SUBSCRIBE, timeline.waiting())
    assert account.filter_names() == [FILTER]
    assert timeline.sleeps == 1


def test_a_function_that_stays_closed_is_given_up_after_a_minute(account: Account) -> None:
    account.make_log_group()
    timeline = Timeline()
    with pytest.raises(TookTooLong, match="not within 60 seconds; check the function's policy"):
        apply_step(account.api, SUBSCRIBE, timeline.waiting())


def test_a_third_filter_is_refused_by_cloudwatch_logs(account: Account) -> None:
    account.make_log_group()
    account.make_function()
    for name in ("theirs", "also-theirs"):
        account.make_filter(name)
    with pytest.raises(Rejected, match="LimitExceededException at logs:PutSubscriptionFilter"):
        apply_step(account.api, SUBSCRIBE, Timeline().waiting())


def test_a_permission_of_our_name_for_something_else_is_replaced(account: Account) -> None:
    account.make_function()
    account.permit("theirs", "/aws/lambda/theirs")
    account.permit(DESIRED.statement_id, "/aws/lambda/theirs")
    account.make_log_group()
    step = step_of(replace(WHOLE, subscription=account.logging().subscription()), DESIRED, "permission")
    apply_step(account.api, step, Timeline().waiting())
    assert account.statement_ids() == ["theirs", DESIRED.statement_id]
    assert "prod" in str(account.logging().statements()[1]["Condition"])


def test_a_removal_leaves_everything_of_others_and_a_second_one_nothing_to_do(account: Account) -> None:
    account.make_log_group()
    account.make_function()
    account.make_filter("theirs", account.make_function("theirs"))
    account.make_filter(FILTER)
    account.permit("stacks")
    account.permit(DESIRED.statement_id)
    logs = account.logging()
    steps = plan_removal(logs.subscription(), DESIRED)
    for step in [*steps, *steps]:
        apply_step(account.api, step, Timeline().waiting())
    assert (account.filter_names(), account.statement_ids()) == (["theirs"], ["stacks"])
    assert plan_removal(logs.subscription(), DESIRED) == ()
    assert logs.log_group() is not None
