"""What a deployed stack is for the commands, from what CloudFormation says of it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from eks_logs.aws.stack import OUTPUTS, PARAMETERS, find_stack, stack_of
from eks_logs.errors import Busy, NotThere, NotUsable, SetupError
from tests.aws_account import STACK, Account, open_account
from tests.stack_template import read_template

DESCRIBED: dict[str, Any] = {
    "StackName": STACK.name,
    "StackStatus": "CREATE_COMPLETE",
    "Outputs": [{"OutputKey": key, "OutputValue": getattr(STACK, field)} for key, field in OUTPUTS.items()],
    "Parameters": [{"ParameterKey": key, "ParameterValue": getattr(STACK, field)} for key, field in PARAMETERS.items()],
}


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account() as opened:
        yield opened


def deploy(account: Account, outputs: dict[str, str], parameters: dict[str, str]) -> None:
    """A plain stack with the real one's outputs and parameters: moto knows neither its transform nor its filter."""
    template = {
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


def test_a_stack_of_another_template_is_told_with_what_it_lacks(account: Account) -> None:
    deploy(account, {"FunctionArn": STACK.function_arn}, {"ClusterName": "prod"})
    with pytest.raises(NotUsable, match=r"lacks FunctionRoleArn, KeptBucketName, OpenSearchEndpoint, .*DocumentIds:"):
        find_stack(account.api, STACK.name)


def test_the_template_has_what_is_looked_for() -> None:
    template = read_template()
    assert set(OUTPUTS) <= set(template["Outputs"])
    assert set(PARAMETERS) <= set(template["Parameters"])


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (
            "ROLLBACK_COMPLETE",
            NotUsable,
            "is ROLLBACK_COMPLETE: no log group. aws cloudformation describe-stack-events",
        ),
        ("DELETE_FAILED", NotUsable, "is DELETE_FAILED"),
        ("UPDATE_IN_PROGRESS", Busy, "being changed .UPDATE_IN_PROGRESS.; run again"),
    ],
)
def test_a_stack_that_is_not_whole_is_told(status: str, error: type[SetupError], words: str) -> None:
    with pytest.raises(error, match=words):
        stack_of({**DESCRIBED, "StackStatus": status, "StackStatusReason": "no\nlog group"})


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_stack_that_was_changed_or_rolled_back_is_whole(status: str) -> None:
    assert stack_of({**DESCRIBED, "StackStatus": status}) == STACK
