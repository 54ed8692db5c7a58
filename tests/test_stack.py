"""What a deployed stack is for the commands, from what CloudFormation says of it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from eks_logs.aws.stack import DESCRIPTION, OUTPUTS, PARAMETERS, find_stack, stack_of
from eks_logs.errors import Busy, NotThere, NotUsable, SetupError
from tests.aws_account import OF_AWS, STACK, Account, open_account
from tests.stack_template import read_template

DESCRIBED: dict[str, Any] = {
    "StackName": STACK.name,
    "StackId": f"arn:aws:cloudformation:eu-central-1:123456789012:stack/{STACK.name}/0a1b",
    "Description": DESCRIPTION,
    "StackStatus": "CREATE_COMPLETE",
    "Outputs": [{"OutputKey": key, "OutputValue": getattr(STACK, field)} for key, field in OUTPUTS.items()],
    "Parameters": [{"ParameterKey": key, "ParameterValue": getattr(STACK, field)} for key, field in PARAMETERS.items()],
}


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account() as opened:
        yield opened


def deploy(
    account: Account, outputs: dict[str, str], parameters: dict[str, str], description: str = DESCRIPTION
) -> None:
    """A plain stack with the real one's outputs and parameters: moto knows neither its transform nor its filter."""
    template = {
        "Description": description,
        "Parameters": {key: {"Type": "String", "Default": value} for key, value in parameters.items()},
        "Resources": {"KeptBucket": {"Type": "AWS::S3::Bucket"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    account.client("cloudformation").create_stack(StackName=STACK.name, TemplateBody=json.dumps(template))


def test_a_deployed_stack_is_found_by_its_name(account: Account) -> None:
    outputs = {key: getattr(STACK, field) for key, field in OUTPUTS.items()}
    deploy(account, outputs, {key: getattr(STACK, field) for key, field in PARAMETERS.items()})
    assert find_stack(account.api, STACK.name) == STACK
    assert (STACK.region, STACK.function_name, STACK.function_role_name) == ("eu-central-1", "forwarder", "forwarder")


def test_a_stack_that_is_not_there_is_told_in_one_line(account: Account) -> None:
    with pytest.raises(NotThere, match=r"no stack eks-logs in this account and region; check --stack-name"):
        find_stack(account.api, STACK.name)


def test_a_stack_of_an_earlier_version_is_told_with_what_it_lacks_and_to_deploy(account: Account) -> None:
    deploy(account, {"FunctionArn": STACK.function_arn}, {"ClusterName": "prod"})
    with pytest.raises(
        NotUsable, match=r"lacks FunctionRoleArn, KeptBucketName, OpenSearchEndpoint, .*DocumentIds"
    ) as told:
        find_stack(account.api, STACK.name)
    assert "sam deploy --stack-name eks-logs --region eu-central-1" in str(told.value)


FOREIGN = [{"ParameterKey": key, "ParameterValue": "x"} for key in ("ClusterName", "OpenSearchEndpoint")]


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS", "DELETE_FAILED"])
@pytest.mark.parametrize("parameters", [[], FOREIGN])
def test_a_stack_of_another_template_is_left_alone(status: str, parameters: list[dict[str, str]]) -> None:
    foreign = {**DESCRIBED, "Description": "Another forwarder", "Outputs": [], "Parameters": parameters}
    with pytest.raises(NotUsable, match="is of another template") as told:
        stack_of({**foreign, "StackStatus": status})
    assert "--stack-name" in str(told.value)
    assert "deploy" not in str(told.value)
    assert "delete" not in str(told.value)


def test_a_stack_of_another_template_is_told_by_the_command_line_too(account: Account) -> None:
    deploy(account, {"FunctionArn": STACK.function_arn}, {"ClusterName": "prod"}, "Another forwarder")
    with pytest.raises(NotUsable, match="is of another template"):
        find_stack(account.api, STACK.name)


def test_the_template_has_what_is_looked_for() -> None:
    template = read_template()
    assert set(OUTPUTS) <= set(template["Outputs"])
    assert set(PARAMETERS) <= set(template["Parameters"])
    assert template["Description"] == DESCRIPTION


DELETE = (
    "aws cloudformation delete-stack --stack-name eks-logs --region eu-central-1 && aws cloudformation wait stack-del"
)
DEPLOY = "sam deploy --stack-name eks-logs --region eu-central-1"


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        ("CREATE_FAILED", NotUsable, ("no log group", "can only be deleted", DELETE, DEPLOY)),
        ("ROLLBACK_COMPLETE", NotUsable, ("no log group", "can only be deleted", DELETE, DEPLOY)),
        ("ROLLBACK_FAILED", NotUsable, ("no log group", "can only be deleted", DELETE, DEPLOY)),
        ("ROLLBACK_IN_PROGRESS", Busy, ("first deployment failed", "describe-stack-events", DELETE)),
        ("DELETE_FAILED", NotUsable, ("no log group", "delete the rest", DELETE, DEPLOY)),
        ("DELETE_IN_PROGRESS", NotUsable, ("aws cloudformation wait stack-delete-complete", DEPLOY)),
        ("DELETE_COMPLETE", NotUsable, ("is DELETE_COMPLETE; deploy anew", DEPLOY)),
        ("UPDATE_FAILED", NotUsable, ("no log group", DEPLOY, "aws cloudformation rollback-stack --stack-name")),
        ("UPDATE_ROLLBACK_FAILED", NotUsable, ("no log group", "aws cloudformation continue-update-rollback")),
        ("IMPORT_ROLLBACK_FAILED", NotUsable, ("no log group", "describe-stack-events")),
        ("SOME_STATUS_OF_TOMORROW", NotUsable, ("SOME_STATUS_OF_TOMORROW", "describe-stack-events")),
        ("CREATE_IN_PROGRESS", Busy, ("being changed (CREATE_IN_PROGRESS); run again",)),
        ("UPDATE_IN_PROGRESS", Busy, ("being changed (UPDATE_IN_PROGRESS); run again",)),
        ("UPDATE_ROLLBACK_IN_PROGRESS", Busy, ("being changed (UPDATE_ROLLBACK_IN_PROGRESS); run again",)),
    ],
)
def test_a_stack_that_is_not_whole_is_told_with_what_to_do(
    status: str, error: type[SetupError], words: tuple[str, ...]
) -> None:
    with pytest.raises(error) as told:
        stack_of({**DESCRIBED, "StackStatus": status, "StackStatusReason": "no\nlog group", "Outputs": []})
    assert "\n" not in str(told.value)
    for word in words:
        assert word in str(told.value)


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"])
def test_over_a_failed_first_deployment_nobody_is_told_to_deploy_before_deleting(status: str) -> None:
    with pytest.raises(NotUsable) as told:
        stack_of({**DESCRIBED, "StackStatus": status})
    assert str(told.value).index("delete-stack") < str(told.value).index("sam deploy")


def test_a_stack_that_nobody_has_deployed_yet_is_told() -> None:
    named = {key: DESCRIBED[key] for key in ("StackName", "StackId")}
    with pytest.raises(NotUsable, match=r"nobody has executed its change set.* sam deploy --stack-name eks-logs"):
        stack_of({**named, "StackStatus": "REVIEW_IN_PROGRESS"})


def test_what_failed_first_is_told(account: Account) -> None:
    """Newest first, as CloudFormation tells it, with what was cancelled over it and an earlier operation behind it."""
    stack = {"StackId": DESCRIBED["StackId"], "StackName": STACK.name, "Timestamp": 0}
    own = {"PhysicalResourceId": DESCRIBED["StackId"], "LogicalResourceId": STACK.name}
    events = [
        {**own, "ResourceStatus": "ROLLBACK_COMPLETE"},
        {"LogicalResourceId": "Alarm", "ResourceStatus": "DELETE_COMPLETE"},
        {**own, "ResourceStatus": "ROLLBACK_IN_PROGRESS", "ResourceStatusReason": "The following failed"},
        {"LogicalResourceId": "Alarm", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "creation cancelled"},
        {"LogicalResourceId": "Filter", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "no\nsuch group"},
        {**own, "ResourceStatus": "CREATE_IN_PROGRESS"},
        {"LogicalResourceId": "Old", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "of another time"},
    ]
    shown = [{**stack, "EventId": str(number), **event} for number, event in enumerate(events)]
    described = {**DESCRIBED, "StackStatus": "ROLLBACK_COMPLETE", "CreationTime": 0, "Outputs": []}
    with Stubber(account.client("cloudformation")) as stubber:
        stubber.add_response("describe_stacks", OF_AWS | {"Stacks": [described]})
        stubber.add_response("describe_stack_events", OF_AWS | {"StackEvents": shown})
        with pytest.raises(NotUsable, match="is ROLLBACK_COMPLETE: Filter: no such group; its first deployment failed"):
            find_stack(account.api, STACK.name)


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_stack_that_was_changed_or_rolled_back_is_whole(status: str) -> None:
    assert stack_of({**DESCRIBED, "StackStatus": status}) == STACK
