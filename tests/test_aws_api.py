"""What AWS refuses, as errors that say what to do; the answers are botocore's, played at the wire."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, EndpointConnectionError, NoCredentialsError, NoRegionError
from botocore.stub import Stubber

from eks_logs.aws.api import AwsApi
from eks_logs.errors import (
    Busy,
    NotAllowed,
    NotReachable,
    NotThere,
    NotUsable,
    Rejected,
    RightMissing,
    SetupError,
)
from tests.aws_account import REGION

ClientOf = Callable[[str], Any]


@pytest.fixture(scope="module")
def client_of() -> Iterator[ClientOf]:
    session, made = boto3.Session(region_name=REGION), {}

    def make(service: str) -> Any:
        made[service] = session.client(service, aws_access_key_id="test", aws_secret_access_key="test")  # noqa: S106 - no secret
        return made[service]

    yield make
    for client in made.values():
        client.close()


@pytest.mark.parametrize(
    ("code", "expected", "words"),
    [
        ("AccessDeniedException", RightMissing, "lacks the right eks:DescribeCluster"),
        ("ExpiredTokenException", NotAllowed, "log in again"),
        ("ResourceNotFoundException", NotThere, "nothing of that name in this account and region"),
        ("ThrottlingException", Busy, "run again when that is over"),
        ("ServerException", Rejected, "ServerException at eks:DescribeCluster. AWS said: two lines"),
    ],
)
def test_refusals_say_what_to_do(client_of: ClientOf, code: str, expected: type[SetupError], words: str) -> None:
    client = client_of("eks")
    with Stubber(client) as stubber:
        stubber.add_client_error("describe_cluster", code, "two\nlines")
        with pytest.raises(expected, match=words):
            AwsApi(lambda _service: client).call("eks", "describe_cluster", name="prod")


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (NoCredentialsError(), NotAllowed, "give --profile and --region"),
        (NoRegionError(), NotAllowed, "give --profile and --region"),
        (
            EndpointConnectionError(endpoint_url="https://eks"),
            NotReachable,
            "check --region and this machine's network",
        ),
    ],
)
def test_what_keeps_a_request_from_leaving_says_what_to_do(
    error: BotoCoreError, expected: type[SetupError], words: str
) -> None:
    def no_client(_service: str) -> None:
        raise error

    with pytest.raises(expected, match=words):
        AwsApi(no_client).call("eks", "describe_cluster", name="prod")
    with pytest.raises(expected, match=words):
        list(AwsApi(no_client).items("logs", "describe_log_groups", "logGroups"))


def test_a_right_has_its_name_in_iam(client_of: ClientOf) -> None:
    client = client_of("s3")
    with Stubber(client) as stubber:
        stubber.add_client_error("list_objects_v2", "AccessDenied", "no")
        with pytest.raises(RightMissing, match="lacks the right s3:ListBucket"):
            list(AwsApi(lambda _service: client).items("s3", "list_objects_v2", "Contents", Bucket="kept"))


def test_what_cannot_be_a_name_is_refused_before_anything_is_asked(client_of: ClientOf) -> None:
    with pytest.raises(NotUsable, match="cannot be one of AWS's service s3"):
        AwsApi(client_of).call("s3", "list_objects_v2", Bucket="no bucket")
