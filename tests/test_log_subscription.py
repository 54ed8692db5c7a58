"""What would have to change for a cluster's logs to reach the function, decided on plain data."""

from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from eks_logs.aws.calls import command_of
from eks_logs.aws.control_plane_logging import (
    FILTER,
    RETENTION_DAYS,
    AwaitLogGroup,
    Change,
    EnableLogTypes,
    Forbid,
    FoundLogging,
    Function,
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
from eks_logs.aws.log_subscription import plan_logging, plan_removal
from eks_logs.errors import NotThere, NotUsable, TooManyFilters
from forwarder.control_plane import LOG_TYPES
from tests.aws_account import CLUSTER, FUNCTION_ARN, LOG_GROUP, REGION
from tests.stack_template import read_template

BOTOCORE = botocore.session.get_session()
WANTED = WantedLogging(CLUSTER, FUNCTION_ARN)
OTHER_ARN = FUNCTION_ARN.replace(":function:forwarder", ":function:theirs")
OURS = SubscriptionFilter(FILTER, "", FUNCTION_ARN)
# As CloudFormation names it: stack, logical id, letters.
STACKS = SubscriptionFilter("eks-control-plane-logs-ForwarderFunctionControlPlaneLogs-1XY2", "", FUNCTION_ARN)
THEIRS = SubscriptionFilter("theirs", "", OTHER_ARN)
ALSO_THEIRS = SubscriptionFilter("also-theirs", "", OTHER_ARN)


def statement(sid: str, source_arn: str = WANTED.source_arn) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": "logs.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": FUNCTION_ARN,
        "Condition": {"ArnLike": {"AWS:SourceArn": source_arn}},
    }


def subscription(*filters: SubscriptionFilter, sid: str | None = WANTED.statement_id) -> Subscription:
    return Subscription(filters, (statement(sid),) if sid else ())


DONE = FoundLogging(
    log_types=frozenset(LOG_TYPES),
    log_group=LogGroup(LOG_GROUP, None),
    function=Function("Active", "Successful", {}),
    subscription=subscription(OURS),
)


def only(found: FoundLogging, wanted: WantedLogging = WANTED) -> LoggingStep:
    (step,) = plan_logging(found, wanted)
    return step


def with_filters(*filters: SubscriptionFilter) -> FoundLogging:
    return replace(DONE, subscription=subscription(*filters))


def test_nothing_there_enables_waits_permits_and_subscribes_in_this_order() -> None:
    found = replace(DONE, log_types=frozenset(), log_group=None, subscription=subscription(sid=None))
    steps = plan_logging(found, replace(WANTED, retention_days=30))
    assert [step.change for step in steps] == [
        EnableLogTypes(CLUSTER, LOG_TYPES),
        AwaitLogGroup(LOG_GROUP),
        SetRetention(LOG_GROUP, 30),
        Permit(FUNCTION_ARN, "eks-control-plane-logs-prod", WANTED.source_arn),
        Subscribe(LOG_GROUP, OURS),
    ]
    assert WANTED.source_arn == "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/eks/prod/cluster:*"


@pytest.mark.parametrize("there", [OURS, STACKS, replace(STACKS, destination_arn=f"{FUNCTION_ARN}:live")])
def test_where_everything_is_there_nothing_changes(there: SubscriptionFilter) -> None:
    assert plan_logging(with_filters(there, THEIRS), WANTED) == ()


def test_only_the_missing_log_types_are_enabled() -> None:
    step = only(replace(DONE, log_types=frozenset({"api", "audit", "scheduler"})))
    assert step.change == EnableLogTypes(CLUSTER, ("authenticator", "controllerManager"))
    assert [line for line in step.diff[3:] if not line.startswith(" ")] == [
        *('-  "authenticator": false,', '-  "controllerManager": false,'),
        *('+  "authenticator": true,', '+  "controllerManager": true,'),
    ]


def test_retention_is_set_only_where_it_is_asked_for_and_differs() -> None:
    found = replace(DONE, log_group=LogGroup(LOG_GROUP, 7))
    assert plan_logging(found, WANTED) == plan_logging(found, replace(WANTED, retention_days=7)) == ()
    step = only(found, replace(WANTED, retention_days=30))
    assert step.change == SetRetention(LOG_GROUP, 30)
    assert step.diff[-3:-1] == ('-  "days": 7', '+  "days": 30')


@pytest.mark.parametrize("there", [replace(OURS, destination_arn=OTHER_ARN), replace(OURS, pattern="ERROR")])
def test_a_filter_of_our_name_that_is_another_is_changed(there: SubscriptionFilter) -> None:
    step = only(with_filters(there, THEIRS))
    assert step.title == f"change subscription filter {FILTER} of {LOG_GROUP}"
    assert step.change == Subscribe(LOG_GROUP, OURS)


def test_a_permission_for_another_log_group_is_not_enough() -> None:
    other = statement("theirs", WANTED.source_arn.replace("prod", "test"))
    step = only(replace(DONE, subscription=Subscription((OURS,), (other,))))
    assert step.change == Permit(FUNCTION_ARN, WANTED.statement_id, WANTED.source_arn)
    ours = {**other, "Sid": WANTED.statement_id}
    step = only(replace(DONE, subscription=Subscription((OURS,), (ours,))))
    assert step.change == Permit(FUNCTION_ARN, WANTED.statement_id, WANTED.source_arn, replaces=True)


def test_two_filters_of_others_leave_no_room() -> None:
    with pytest.raises(
        TooManyFilters, match=r"theirs .* and also-theirs .* remove one .* or let one send to a Kinesis"
    ):
        plan_logging(with_filters(THEIRS, ALSO_THEIRS), WANTED)


def test_without_cluster_or_function_it_is_said_what_to_do() -> None:
    with pytest.raises(NotThere, match=r"no EKS cluster prod .* aws eks list-clusters"):
        plan_logging(replace(DONE, log_types=None), WANTED)
    with pytest.raises(NotThere, match=r"no function arn:.* sam deploy"):
        plan_logging(replace(DONE, function=None), WANTED)


def test_a_removal_takes_our_filter_and_our_permission_and_nothing_else() -> None:
    found = Subscription((OURS, THEIRS), (statement("stacks"), statement(WANTED.statement_id)))
    steps = plan_removal(found, WANTED)
    assert [step.change for step in steps] == [
        Unsubscribe(LOG_GROUP, FILTER),
        Forbid(FUNCTION_ARN, WANTED.statement_id),
    ]
    assert f'-  "name": "{FILTER}",' in steps[0].diff


def test_a_removal_leaves_what_the_stack_or_others_made() -> None:
    assert plan_removal(subscription(STACKS, THEIRS, sid="stacks"), WANTED) == ()
    of_another_function = replace(OURS, destination_arn=OTHER_ARN)
    of_another_group = statement(WANTED.statement_id, WANTED.source_arn.replace("prod", "test"))
    assert plan_removal(Subscription((of_another_function,), (of_another_group,)), WANTED) == ()


@pytest.mark.parametrize("arn", ["forwarder", f"{FUNCTION_ARN}:live", "arn:aws:iam::123456789012:role/forwarder"])
def test_what_is_no_arn_of_a_function_is_refused(arn: str) -> None:
    with pytest.raises(NotUsable, match="FunctionArn"):
        WantedLogging(CLUSTER, arn)


def test_a_retention_that_is_not_on_offer_is_refused() -> None:
    with pytest.raises(NotUsable, match=r"31 days .* 30, 60"):
        WantedLogging(CLUSTER, FUNCTION_ARN, 31)


def test_the_template_offers_the_same_retentions() -> None:
    template = read_template()
    assert tuple(template["Parameters"]["LogRetentionDays"]["AllowedValues"]) == RETENTION_DAYS


def test_the_longest_cluster_names_have_statement_ids_of_their_own() -> None:
    one, other = (WantedLogging("x" * 99 + letter, FUNCTION_ARN).statement_id for letter in "ab")
    assert len(one) == len(other) == 100
    assert one != other


@pytest.mark.parametrize(
    "change",
    [
        EnableLogTypes(CLUSTER, ("api",)),
        AwaitLogGroup(LOG_GROUP),
        SetRetention(LOG_GROUP, 30),
        Permit(FUNCTION_ARN, "ours", WANTED.source_arn, replaces=True),
        Subscribe(LOG_GROUP, OURS),
        Unsubscribe(LOG_GROUP, FILTER),
    ],
)
def test_commands_are_ones_that_the_aws_command_line_has(change: Change) -> None:
    for command in command_of(change, REGION).split(" && "):
        aws, service, operation, *words = command.split(" ")
        model = BOTOCORE.get_service_model(service)
        (shape,) = [model.operation_model(name) for name in model.operation_names if xform_name(name, "-") == operation]
        known = {f"--{xform_name(name, '-')}" for name in shape.input_shape.members} | {"--region"}
        assert aws == "aws"
        assert {word for word in words if word.startswith("--")} <= known
        required = {f"--{xform_name(name, '-')}" for name in shape.input_shape.required_members}
        assert required <= set(words)
