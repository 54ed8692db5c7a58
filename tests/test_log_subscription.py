"""What would have to change for a cluster's logs to reach the function, decided on plain data."""

import json
import shlex
from dataclasses import replace
from typing import Any

import botocore.session
import click
import pytest
from botocore import xform_name
from click.testing import CliRunner

from eks_logs.aws.calls import AwsCall, CommandLine
from eks_logs.aws.log_subscription import (
    FILTER,
    OPTIONS,
    RETENTION_DAYS,
    CurrentLogging,
    DesiredLogging,
    Function,
    LogGroup,
    Subscription,
    SubscriptionFilter,
    notes_on,
    plan_logging,
    plan_removal,
)
from eks_logs.aws.steps import AwsStep
from eks_logs.commands.log_subscription import AwsChoices
from eks_logs.errors import NotThere, NotUsable, TooManyFilters
from forwarder.sources import EKS_LOG_TYPES
from tests.aws_account import CLUSTER, FUNCTION_ARN, LOG_GROUP, REGION
from tests.stack_template import read_template

BOTOCORE = botocore.session.get_session()
LINE = CommandLine(REGION)
AWS_EKS, AWS_LOGS, IN_REGION = ("aws", "eks"), ("aws", "logs"), ("--region", REGION)
DESIRED = DesiredLogging(CLUSTER, FUNCTION_ARN)
OTHER_ARN = FUNCTION_ARN.replace(":function:forwarder", ":function:theirs")
OURS = SubscriptionFilter(FILTER, "", FUNCTION_ARN)
# As CloudFormation names it: stack, logical id, letters.
STACKS = SubscriptionFilter("eks-control-plane-logs-ForwarderFunctionControlPlaneLogs-1XY2", "", FUNCTION_ARN)
THEIRS = SubscriptionFilter("theirs", "", OTHER_ARN)
ALSO_THEIRS = SubscriptionFilter("also-theirs", "", OTHER_ARN)
PATTERN = '{ $.verb = "delete" }'


def statement(sid: str, source_arn: str = DESIRED.source_arn) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": "logs.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": FUNCTION_ARN,
        "Condition": {"ArnLike": {"AWS:SourceArn": source_arn}},
    }


def subscription(*filters: SubscriptionFilter, sid: str | None = DESIRED.statement_id) -> Subscription:
    return Subscription(filters, (statement(sid),) if sid else ())


DONE = CurrentLogging(
    log_types=frozenset(EKS_LOG_TYPES),
    log_group=LogGroup(LOG_GROUP, None),
    function=Function("Active", "Successful", {}),
    subscription=subscription(OURS),
)


def only(current: CurrentLogging, desired: DesiredLogging = DESIRED) -> AwsStep:
    (step,) = plan_logging(current, desired)
    return step


def with_filters(*filters: SubscriptionFilter) -> CurrentLogging:
    return replace(DONE, subscription=subscription(*filters))


def operations(steps: tuple[AwsStep, ...]) -> list[str]:
    return [call.operation for step in steps for call in step.calls]


def changed(step: AwsStep) -> list[str]:
    """The lines that go and come, without the diff's heading."""
    return [line for line in step.diff[3:] if not line.startswith(" ")]


def test_nothing_there_enables_waits_permits_and_subscribes_in_this_order() -> None:
    current = replace(DONE, log_types=frozenset(), log_group=None, subscription=subscription(sid=None))
    desired = replace(DESIRED, log_types=EKS_LOG_TYPES, log_group_days=30)
    enabled = json.dumps({"clusterLogging": [{"types": EKS_LOG_TYPES, "enabled": True}]})
    assert [shlex.split(step.command(LINE)) for step in plan_logging(current, desired)] == [
        [*AWS_EKS, "update-cluster-config", "--name", "prod", "--logging", enabled, *IN_REGION],
        [*AWS_LOGS, "describe-log-groups", "--log-group-name-prefix", LOG_GROUP, *IN_REGION],
        [*AWS_LOGS, "put-retention-policy", "--log-group-name", LOG_GROUP, "--retention-in-days", "30", *IN_REGION],
        [
            *("aws", "lambda", "add-permission", "--function-name", FUNCTION_ARN),
            *("--statement-id", "eks-control-plane-logs-prod", "--action", "lambda:InvokeFunction"),
            *("--principal", "logs.amazonaws.com", "--source-arn", DESIRED.source_arn, *IN_REGION),
        ],
        [
            *(*AWS_LOGS, "put-subscription-filter", "--log-group-name", LOG_GROUP, "--filter-name", FILTER),
            *("--filter-pattern", "", "--destination-arn", FUNCTION_ARN, *IN_REGION),
        ],
    ]
    assert DESIRED.source_arn == "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/eks/prod/cluster:*"


@pytest.mark.parametrize("there", [OURS, STACKS, replace(STACKS, destination_arn=f"{FUNCTION_ARN}:live")])
def test_where_everything_is_there_nothing_changes(there: SubscriptionFilter) -> None:
    assert plan_logging(with_filters(there, THEIRS), DESIRED) == ()
    assert notes_on(DONE, DESIRED) == ()


def test_log_types_that_are_off_stay_off_unless_they_are_asked_for() -> None:
    for enabled in (frozenset({"audit"}), frozenset[str]()):
        assert plan_logging(replace(DONE, log_types=enabled), DESIRED) == ()


def test_of_the_log_types_that_are_asked_for_only_the_missing_ones_are_enabled() -> None:
    step = only(replace(DONE, log_types=frozenset({"api", "scheduler"})), replace(DESIRED, log_types=("api", "audit")))
    assert step.title == "enable log types audit of cluster prod"
    assert changed(step) == ['-  "audit": false,', '+  "audit": true,']
    assert '"types": ["audit"], "enabled": true' in step.command(LINE)


def test_no_log_type_is_ever_turned_off() -> None:
    assert plan_logging(DONE, replace(DESIRED, log_types=("audit",))) == ()


def test_that_no_log_type_is_enabled_is_noted_and_nothing_is_waited_for_in_vain() -> None:
    silent = replace(DONE, log_types=frozenset(), log_group=None, subscription=subscription(sid=None))
    assert plan_logging(silent, DESIRED) == ()
    (note,) = notes_on(silent, DESIRED)
    assert "no log type enabled" in note
    assert "--log-types api,audit" in note
    assert notes_on(silent, replace(DESIRED, log_types=("audit",))) == ()


def test_a_filter_is_restored_where_no_log_type_is_enabled_too() -> None:
    silent = replace(DONE, log_types=frozenset(), subscription=subscription())
    assert operations(plan_logging(silent, DESIRED)) == ["PutSubscriptionFilter"]


def test_retention_is_set_only_where_it_is_asked_for_and_differs() -> None:
    current = replace(DONE, log_group=LogGroup(LOG_GROUP, 7))
    assert plan_logging(current, DESIRED) == plan_logging(current, replace(DESIRED, log_group_days=7)) == ()
    step = only(current, replace(DESIRED, log_group_days=30))
    assert step.calls == (AwsCall("logs", "PutRetentionPolicy", {"logGroupName": LOG_GROUP, "retentionInDays": 30}),)
    assert step.diff[-3:-1] == ('-  "days": 7', '+  "days": 30')


@pytest.mark.parametrize("there", [replace(OURS, destination_arn=OTHER_ARN), replace(OURS, pattern="ERROR")])
def test_a_filter_of_our_name_that_is_another_is_changed(there: SubscriptionFilter) -> None:
    step = only(with_filters(there, THEIRS))
    assert step.title == f"change subscription filter {FILTER} of {LOG_GROUP}"
    assert step.calls[0].parameters == {
        "logGroupName": LOG_GROUP,
        "filterName": FILTER,
        "filterPattern": "",
        "destinationArn": FUNCTION_ARN,
    }


def test_a_lost_filter_comes_back_with_the_stacks_pattern() -> None:
    step = only(with_filters(), replace(DESIRED, pattern=PATTERN))
    assert step.calls[0].parameters["filterPattern"] == PATTERN
    assert shlex.split(step.command(LINE))[8] == PATTERN
    assert plan_logging(with_filters(replace(OURS, pattern=PATTERN)), replace(DESIRED, pattern=PATTERN)) == ()


def test_a_pattern_that_begins_like_an_option_is_none_on_the_command_line() -> None:
    words = shlex.split(only(with_filters(), replace(DESIRED, pattern="-DEBUG -INFO")).command(LINE))
    assert "--filter-pattern=-DEBUG -INFO" in words


def test_a_permission_for_another_log_group_is_not_enough() -> None:
    other = statement("theirs", DESIRED.source_arn.replace("prod", "test"))
    step = only(replace(DONE, subscription=Subscription((OURS,), (other,))))
    assert [call.operation for call in step.calls] == ["AddPermission"]
    ours = {**other, "Sid": DESIRED.statement_id}
    step = only(replace(DONE, subscription=Subscription((OURS,), (ours,))))
    assert [call.operation for call in step.calls] == ["RemovePermission", "AddPermission"]
    assert step.command(LINE).count(" && ") == 1


def test_two_filters_of_others_leave_no_room() -> None:
    with pytest.raises(
        TooManyFilters, match=r"theirs .* and also-theirs .* remove one .* or let one send to a Kinesis"
    ):
        plan_logging(with_filters(THEIRS, ALSO_THEIRS), DESIRED)


@pytest.mark.parametrize("log_class", ["INFREQUENT_ACCESS", "DELIVERY"])
def test_a_log_group_of_a_class_without_subscription_filters_is_named_with_what_to_do(log_class: str) -> None:
    current = replace(DONE, log_group=LogGroup(LOG_GROUP, None, log_class), subscription=subscription())
    with pytest.raises(NotUsable) as refused:
        plan_logging(current, DESIRED)
    for words in (
        f"{LOG_GROUP} is of class {log_class}",
        "aws logs delete-log-group",
        "--log-types",
        '"enabled": false',
    ):
        assert words in str(refused.value)


def test_without_cluster_or_function_it_is_said_what_to_do() -> None:
    with pytest.raises(NotThere, match=r"no EKS cluster prod .* aws eks list-clusters"):
        plan_logging(replace(DONE, log_types=None), DESIRED)
    with pytest.raises(NotThere, match=r"no function arn:.* sam deploy"):
        plan_logging(replace(DONE, function=None), DESIRED)


def test_a_removal_takes_our_filter_and_our_permission_and_nothing_else() -> None:
    found = Subscription((OURS, THEIRS), (statement("stacks"), statement(DESIRED.statement_id)))
    steps = plan_removal(found, DESIRED)
    assert [(call.operation, dict(call.parameters)) for step in steps for call in step.calls] == [
        ("DeleteSubscriptionFilter", {"logGroupName": LOG_GROUP, "filterName": FILTER}),
        ("RemovePermission", {"FunctionName": FUNCTION_ARN, "StatementId": DESIRED.statement_id}),
    ]
    assert f'-  "name": "{FILTER}",' in steps[0].diff


def test_a_removal_leaves_what_the_stack_or_others_made() -> None:
    assert plan_removal(subscription(STACKS, THEIRS, sid="stacks"), DESIRED) == ()
    of_another_function = replace(OURS, destination_arn=OTHER_ARN)
    of_another_group = statement(DESIRED.statement_id, DESIRED.source_arn.replace("prod", "test"))
    assert plan_removal(Subscription((of_another_function,), (of_another_group,)), DESIRED) == ()


@pytest.mark.parametrize(
    ("region", "partition", "principal"),
    [
        ("eu-central-1", "aws", "logs.amazonaws.com"),
        ("us-gov-west-1", "aws-us-gov", "logs.amazonaws.com"),
        ("cn-north-1", "aws-cn", "logs.cn-north-1.amazonaws.com.cn"),
        ("cn-northwest-1", "aws-cn", "logs.cn-northwest-1.amazonaws.com.cn"),
    ],
)
def test_each_partition_has_its_own_arns_and_its_own_name_of_cloudwatch_logs(
    region: str, partition: str, principal: str
) -> None:
    desired = DesiredLogging(CLUSTER, f"arn:{partition}:lambda:{region}:123456789012:function:forwarder")
    step, _ = plan_logging(replace(DONE, subscription=subscription(sid=None)), desired)
    assert step.calls[0].parameters["Principal"] == principal
    source = f"arn:{partition}:logs:{region}:123456789012:log-group:{LOG_GROUP}:*"
    assert step.calls[0].parameters["SourceArn"] == source
    made = {**statement("ours", source), "Principal": {"Service": principal}}
    there = SubscriptionFilter(FILTER, "", desired.function_arn)
    assert plan_logging(replace(DONE, subscription=Subscription((there,), (made,))), desired) == ()


@pytest.mark.parametrize("arn", ["forwarder", f"{FUNCTION_ARN}:live", "arn:aws:iam::123456789012:role/forwarder"])
def test_what_is_no_arn_of_a_function_is_refused(arn: str) -> None:
    with pytest.raises(NotUsable, match="FunctionArn"):
        DesiredLogging(CLUSTER, arn)


def test_what_is_not_on_offer_is_refused() -> None:
    with pytest.raises(NotUsable, match=r"31 days .* 30, 60"):
        DesiredLogging(CLUSTER, FUNCTION_ARN, log_group_days=31)
    with pytest.raises(NotUsable, match=r"events is no log type of EKS; there are api, audit"):
        DesiredLogging(CLUSTER, FUNCTION_ARN, log_types=("audit", "events"))


def test_the_template_offers_the_same_retentions() -> None:
    template = read_template()
    assert tuple(template["Parameters"]["LogRetentionDays"]["AllowedValues"]) == RETENTION_DAYS


def test_the_longest_cluster_names_have_statement_ids_of_their_own() -> None:
    one, other = (DesiredLogging("x" * 99 + letter, FUNCTION_ARN).statement_id for letter in "ab")
    assert len(one) == len(other) == 100
    assert one != other


def chosen(*arguments: str) -> Any:
    """What the options of the command line make of arguments, and what they say of them where they refuse them."""
    got: dict[str, Any] = {}

    def command(**options: Any) -> None:
        got.update(options)

    for option in OPTIONS.values():
        command = option(command)
    result = CliRunner().invoke(click.command()(command), arguments)
    return got if result.exit_code == 0 else result.output


@pytest.mark.parametrize(
    ("arguments", "log_types", "days"),
    [
        ((), (), None),
        (("--log-types", ""), (), None),
        (("--log-types", "scheduler, API,api"), ("api", "scheduler"), None),
        (("--log-types", "controllermanager"), ("controllerManager",), None),
        (("--log-types", "all", "--log-group-days", "30"), EKS_LOG_TYPES, 30),
    ],
)
def test_log_types_and_retention_are_chosen_on_the_command_line(
    arguments: tuple[str, ...], log_types: tuple[str, ...], days: int | None
) -> None:
    assert chosen(*arguments) == {"log_types": log_types, "log_group_days": days}
    assert DesiredLogging(CLUSTER, FUNCTION_ARN, **chosen(*arguments)).log_types == log_types


def test_what_was_chosen_can_be_typed_again() -> None:
    arguments = ("--log-types", "api,audit", "--log-group-days", "30")
    assert AwsChoices(without_aws=False, chosen=chosen(*arguments)).words() == [*arguments]
    assert AwsChoices(without_aws=True, chosen=chosen()).words() == ["--without-aws"]


def test_a_log_type_that_eks_does_not_have_is_refused_with_those_that_it_has() -> None:
    assert "events: choose of api, audit, authenticator, controllerManager, scheduler" in chosen(
        "--log-types", "events,api"
    )


def steps_of_every_kind() -> list[AwsStep]:
    nothing = replace(
        DONE,
        log_types=frozenset(),
        log_group=None,
        subscription=Subscription((), (statement(DESIRED.statement_id, "arn:x"),)),
    )
    everything = replace(DESIRED, log_types=EKS_LOG_TYPES, log_group_days=30)
    removal = plan_removal(Subscription((OURS,), (statement(DESIRED.statement_id),)), DESIRED)
    return [*plan_logging(nothing, everything), *removal]


@pytest.mark.parametrize("step", steps_of_every_kind(), ids=lambda step: step.title)
def test_commands_are_ones_that_the_aws_command_line_has(step: AwsStep) -> None:
    for command in step.command(LINE).split(" && "):
        aws, service, operation, *words = shlex.split(command)
        model = BOTOCORE.get_service_model(service)
        (shape,) = [model.operation_model(name) for name in model.operation_names if xform_name(name, "-") == operation]
        known = {f"--{xform_name(name, '-')}" for name in shape.input_shape.members} | {"--region"}
        assert aws == "aws"
        assert {word for word in words if word.startswith("--")} <= known
        required = {f"--{xform_name(name, '-')}" for name in shape.input_shape.required_members}
        assert required <= set(words)


def test_a_named_profile_is_in_every_command() -> None:
    line = CommandLine(REGION, "ops team")
    for step in steps_of_every_kind():
        assert all(
            part.endswith("--region eu-central-1 --profile 'ops team'") for part in step.command(line).split(" && ")
        )
