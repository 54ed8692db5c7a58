"""The option --stack-name: what is not given is taken from the deployed stack, as CloudFormation tells of it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from moto.server import ThreadedMotoServer
from opensearchpy import OpenSearch

from eks_logs.__main__ import main
from eks_logs.aws.stack import DESCRIPTION, OUTPUTS, PARAMETERS
from local.rig import Rig
from tests.aws_account import CLUSTER, FUNCTION_ARN, LOG_GROUP, ROLE, STACK, Account
from tests.conftest import SAMPLES
from tests.operator_commands import MASTER, assert_one_line
from tests.payloads import STREAMS, envelope, lambda_event

PATTERN = '{ $.verb = "delete" }'
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-central-1"}


@pytest.fixture(scope="module")
def aws(prepared: Rig) -> Iterator[str]:
    """An account with a stack whose function is the rig's; nothing else is in it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    deploy(f"http://{host}:{port}", prepared)
    yield f"http://{host}:{port}"
    server.stop()


def deploy(url: str, rig: Rig) -> None:
    stack = replace(
        STACK,
        filter_pattern=PATTERN,
        endpoint=rig.edge_url,
        redact_names="shoe-size",
        function_role_arn=rig.function_identity.role_arn,
    )
    template = {
        "Description": DESCRIPTION,
        "Parameters": {key: {"Type": "String", "Default": getattr(stack, of)} for key, of in PARAMETERS.items()},
        "Resources": {"KeptBucket": {"Type": "AWS::S3::Bucket"}},
        "Outputs": {key: {"Value": getattr(stack, of)} for key, of in OUTPUTS.items()},
    }
    identity = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-central-1"}
    client = boto3.client("cloudformation", endpoint_url=url, **identity)
    client.create_stack(StackName=stack.name, TemplateBody=json.dumps(template))
    boto3.client("s3", endpoint_url=url, **identity).create_bucket(
        Bucket=stack.dead_letter_bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )


def s3_of(url: str) -> Any:
    identity = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-central-1"}
    return boto3.client("s3", endpoint_url=url, **identity)


def failed_event(record: str) -> bytes:
    """The object that Lambda makes of an event with this record."""
    return json.dumps({"requestPayload": lambda_event(envelope([record], STREAMS["api"]))}).encode()


def run(aws: str, rig: Rig, command: str, *more: str) -> Result:
    arguments = [*command.split(), "--stack-name", STACK.name, "--ca-file", str(rig.ca_file), *more]
    # moto refuses SimulatePrincipalPolicy as a server does that is in trouble: not to be tried again.
    return CliRunner().invoke(main, arguments, env=MASTER | KEYS | {"AWS_ENDPOINT_URL": aws, "AWS_MAX_ATTEMPTS": "1"})


def test_endpoint_role_and_index_are_the_stacks(aws: str, prepared: Rig) -> None:
    result = run(aws, prepared, "plan", "--without-aws")
    assert result.output == "nothing to change: OpenSearch is set up\n"


def test_what_is_given_wins_over_the_stack(aws: str, prepared: Rig) -> None:
    other = "arn:aws:iam::111122223333:role/other"
    assert f'+    "{other}"' in run(aws, prepared, "plan", "--without-aws", "--role-arn", other).output


def test_the_bucket_to_replay_is_the_stacks(aws: str, prepared: Rig) -> None:
    result = run(aws, prepared, "replay", "--dry-run")
    assert (result.exit_code, result.output) == (0, "nothing to replay\n")


def test_events_of_other_functions_are_left_in_a_bucket_of_several_stacks(aws: str, prepared: Rig) -> None:
    s3 = s3_of(aws)
    of_function = "aws/lambda/async/{}/2026/11/20/2026-11-20T23.59.58-b5a0"
    keys = [of_function.format(name) for name in (STACK.function_name, "other")]
    for key in keys:
        s3.put_object(Bucket=STACK.dead_letter_bucket, Key=key, Body=failed_event("one"))
    try:
        result = run(aws, prepared, "replay", "--dry-run")
        assert result.exit_code == 1
        assert f"would replay {keys[0]}: failed event, 1 records\n" in result.output
        assert f"left {keys[1]}: is an event of the function other, not of the stack's" in result.output
        meant = run(aws, prepared, "replay", "--dry-run", "--bucket", STACK.dead_letter_bucket)
        assert meant.exit_code == 0
        assert f"would replay {keys[1]}: failed event, 1 records\n" in meant.output
    finally:
        for key in keys:
            s3.delete_object(Bucket=STACK.dead_letter_bucket, Key=key)


def test_the_secrets_that_a_stack_names_are_taken_out_of_what_is_replayed(
    aws: str, prepared: Rig, server: OpenSearch
) -> None:
    index = f"{STACK.index}-redacted-by-the-stack"
    s3 = s3_of(aws)
    record = 'I1120 09:12:31.000000       1 a.go:1] "Done" shoesize="44"'
    key = f"aws/lambda/async/{STACK.function_name}/2026/11/20/2026-11-20T23.59.58-c6b1"
    s3.put_object(Bucket=STACK.dead_letter_bucket, Key=key, Body=failed_event(record))
    result = run(aws, prepared, "replay", "--index", index)
    assert result.exit_code == 0, result.output
    server.indices.refresh(index=index)
    (hit,) = server.search(index=index)["hits"]["hits"]
    assert (hit["_source"]["redacted"], hit["_source"]["region"]) == (True, "eu-central-1")
    assert "44" not in hit["_source"]["@message"]


def test_a_check_goes_from_the_cluster_to_the_documents(aws: str, prepared: Rig) -> None:
    result = run(aws, prepared, "check", "--index", "eks-control-plane-logs-never-written")
    names = [line.split()[1] for line in result.output.splitlines()]
    assert names[:3] == ["logging", "log-group", "streams"]
    assert names[-2:] == ["write", "documents"]
    assert f"there is no EKS cluster {STACK.cluster}" in result.output
    assert f"ok    kept         nothing waits in s3://{STACK.dead_letter_bucket}" in result.output
    assert result.exit_code == 1


@pytest.fixture
def account(aws: str) -> Iterator[Account]:
    """The same account with the cluster, its log group and the function, and nothing between them."""
    opened = Account(aws)
    opened.make_cluster()
    opened.make_log_group()
    opened.make_function()
    yield opened
    opened.client("eks").delete_cluster(name=CLUSTER)
    opened.client("logs").delete_log_group(logGroupName=LOG_GROUP)
    opened.client("lambda").delete_function(FunctionName=FUNCTION_ARN)
    opened.client("iam").delete_role_policy(RoleName=ROLE, PolicyName="forward")
    opened.client("iam").delete_role(RoleName=ROLE)
    opened.close()


def test_what_the_way_from_the_cluster_lacks_is_made_once_and_taken_away_again(
    aws: str, prepared: Rig, account: Account
) -> None:
    planned = run(aws, prepared, "plan", "--log-group-days", "30")
    assert planned.output.splitlines()[-1].startswith("3 to change: OPENSEARCH_USERNAME=admin eks-logs apply ")
    assert "create subscription filter eks-control-plane-logs" in planned.output
    assert account.filter_names() == []
    assert "3 changed" in run(aws, prepared, "apply", "--log-group-days", "30").output
    (made,) = account.logging().filters() or ()
    assert (made.name, made.pattern) == ("eks-control-plane-logs", PATTERN)
    assert account.statement_ids() == ["eks-control-plane-logs-prod"]
    assert "nothing to change" in run(aws, prepared, "apply", "--log-group-days", "30").output
    assert json.loads(run(aws, prepared, "plan", "--json").output)["aws_steps"] == []
    asked = json.loads(run(aws, prepared, "plan", "--json", "--log-types", "audit,scheduler").output)["aws_steps"]
    assert asked == []
    removed = run(aws, prepared, "destroy", "--yes")
    run(aws, prepared, "apply", "--without-aws")
    assert "remove subscription filter" in removed.output
    assert "log types stay enabled" in removed.output
    assert account.filter_names() == []


def test_log_types_are_the_operators_choice(aws: str, prepared: Rig, account: Account) -> None:
    account.client("eks").delete_cluster(name=CLUSTER)
    account.make_cluster(("audit",))
    account.make_filter("theirs", pattern=PATTERN)
    account.permit("theirs")
    assert "nothing to change" in run(aws, prepared, "plan").output
    (step,) = json.loads(run(aws, prepared, "plan", "--json", "--log-types", "API,audit").output)["aws_steps"]
    assert step["title"] == "enable log types api of cluster prod"
    assert step["command"].startswith("aws eks update-cluster-config --name prod --logging ")
    findings = {one["name"]: one for one in json.loads(run(aws, prepared, "check", "--json").output)["findings"]}
    assert findings["logging"]["status"] == "ok"
    assert "enabled: audit; off: api, authenticator" in findings["logging"]["message"]
    expected = run(aws, prepared, "check", "--log-types", "audit,scheduler").output
    assert "FAIL  logging" in expected
    assert "scheduler of cluster prod not enabled" in expected
    assert run(aws, prepared, "plan", "--log-types", "events").exit_code == 2


def test_a_log_group_without_room_for_a_filter_changes_nothing(aws: str, prepared: Rig, account: Account) -> None:
    other = account.make_function("theirs")
    account.make_filter("theirs", other)
    account.make_filter("also-theirs", other)
    result = run(aws, prepared, "apply")
    account.client("lambda").delete_function(FunctionName=other)
    assert_one_line(result, "has 2 subscription filters already", "aws logs delete-subscription-filter")
    assert sorted(account.filter_names()) == ["also-theirs", "theirs"]


def test_a_cluster_that_is_not_there_is_one_line(aws: str, prepared: Rig) -> None:
    assert_one_line(run(aws, prepared, "plan"), "there is no EKS cluster prod", "aws eks list-clusters")


def test_a_stack_that_is_not_there_is_one_line_with_what_to_do(aws: str, prepared: Rig) -> None:
    assert_one_line(run(aws, prepared, "apply", "--stack-name", "none"), "there is no stack none", "sam deploy")


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["plan"], "--endpoint"),
        (["check", "--endpoint", "https://127.0.0.1:9"], "--role-arn"),
        (["replay", "--endpoint", "https://127.0.0.1:9"], "--bucket"),
    ],
)
def test_without_a_stack_what_is_missing_is_named(arguments: list[str], option: str) -> None:
    result = CliRunner().invoke(main, arguments, env=MASTER | KEYS)
    assert result.exit_code == 2
    assert f"give --stack-name, or {option}" in result.output


def test_questions_are_about_the_stacks_cluster_unless_another_is_named(
    aws: str, prepared: Rig, samples: OpenSearch
) -> None:
    def asked(*options: str) -> tuple[str | None, int]:
        arguments = ("--json", "--index", SAMPLES, *options)
        found = json.loads(run(aws, prepared, "ask who-was-denied", *arguments).output)
        return found["cluster"], found["total"]

    assert samples.indices.exists(index=SAMPLES)
    assert asked() == (STACK.cluster, 0)
    name, total = asked("--all-clusters")
    assert name is None
    assert total > 0
    assert asked("--cluster", "shop-prod") == ("shop-prod", total)
