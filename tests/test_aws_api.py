"""What AWS refuses, as errors that say what to do; the answers are botocore's, played at the wire."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    InvalidRegionError,
    LoginRefreshRequired,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    ProxyConnectionError,
    SSLError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.stub import Stubber
from click.testing import CliRunner

from eks_logs.__main__ import main
from eks_logs.aws.api import AwsApi, translated
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
from tests.aws_account import NUMBER, REGION, REQUEST_ID
from tests.operator_commands import assert_one_line

ROLE_ARN = f"arn:aws:iam::{NUMBER}:role/forwarder"

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
        ("ExpiredTokenException", NotAllowed, "renew them, as by aws sso login"),
        ("UnrecognizedClientException", NotAllowed, "see that the region is enabled"),
        ("ResourceNotFoundException", NotThere, "nothing of that name in this account and region"),
        ("ThrottlingException", Busy, "run again when that is over"),
        ("ServerException", Rejected, "ServerException at eks:DescribeCluster. AWS said: two lines"),
    ],
)
def test_refusals_say_what_to_do(client_of: ClientOf, code: str, expected: type[SetupError], words: str) -> None:
    client = client_of("eks")
    with Stubber(client) as stubber:
        stubber.add_client_error("describe_cluster", code, "two\nlines", response_meta=REQUEST_ID)
        with pytest.raises(expected, match=words):
            AwsApi(lambda _service: client).call("eks", "describe_cluster", name="prod")


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (NoCredentialsError(), NotAllowed, "give --profile, or log in: aws sso login --profile ops"),
        (NoRegionError(), NotAllowed, "give --region"),
        (InvalidRegionError(region_name="no region"), NotAllowed, "give --region"),
        (EndpointConnectionError(endpoint_url="https://eks"), NotReachable, "--region and this machine's network"),
        (SSLError(endpoint_url="https://eks", error="self-signed"), NotReachable, "AWS_CA_BUNDLE"),
        (ProxyConnectionError(proxy_url="http://proxy:3128"), NotReachable, "HTTPS_PROXY"),
        (UnauthorizedSSOTokenError(), NotAllowed, "log in: aws sso login --profile ops"),
        (SSOTokenLoadError(error_msg="no token"), NotAllowed, "log in: aws sso login --profile ops"),
        (TokenRetrievalError(provider="sso", error_msg="expired"), NotAllowed, "log in: aws sso login --profile ops"),
        (LoginRefreshRequired(), NotAllowed, "log in: aws sso login --profile ops"),
        (ProfileNotFound(profile="none"), NotAllowed, "check --profile and ~/.aws/config"),
    ],
)
def test_what_keeps_a_request_from_leaving_says_what_to_do(
    error: BotoCoreError, expected: type[SetupError], words: str
) -> None:
    def no_client(_service: str) -> None:
        raise error

    with pytest.raises(expected, match=words):
        AwsApi(no_client, profile="ops").call("eks", "describe_cluster", name="prod")
    with pytest.raises(expected, match=words):
        list(AwsApi(no_client, profile="ops").items("logs", "describe_log_groups", "logGroups"))


def test_a_right_has_its_name_in_iam(client_of: ClientOf) -> None:
    client = client_of("s3")
    with Stubber(client) as stubber:
        stubber.add_client_error("list_objects_v2", "AccessDenied", "no", response_meta=REQUEST_ID)
        with pytest.raises(RightMissing, match="lacks the right s3:ListBucket"):
            list(AwsApi(lambda _service: client).items("s3", "list_objects_v2", "Contents", Bucket="kept"))


def test_what_cannot_be_a_name_is_refused_before_anything_is_asked(client_of: ClientOf) -> None:
    with pytest.raises(NotUsable, match="cannot be one of AWS's service s3"):
        AwsApi(client_of).call("s3", "list_objects_v2", Bucket="no bucket")


def test_a_role_that_may_not_be_assumed_is_told_by_the_right_for_that() -> None:
    # Credentials are got while a request of any service is signed, and their refusal comes up through it.
    error = ClientError({"Error": {"Code": "AccessDenied"}, "ResponseMetadata": REQUEST_ID}, "AssumeRole")
    assert "lacks the right sts:AssumeRole" in str(translated("eks", error))


@dataclass(frozen=True)
class Page:
    """An answer of something that stands between here and AWS."""

    status: int
    content_type: str
    body: bytes


SIGN_IN = Page(200, "text/html", b"<html><body>Sign in</body></html>")
PAGES = (
    SIGN_IN,
    Page(200, "text/xml", b"<html>blocked</html>"),
    Page(200, "application/json", b'{"error": "blocked"}'),
    Page(200, "application/json", b"[]"),
    Page(200, "application/octet-stream", b"\xff\xfe\x00"),
    Page(200, "text/plain", b""),
    Page(302, "text/html", b""),
    Page(403, "text/html", b"<html>Forbidden</html>"),
    Page(407, "text/html", b"<h1>Proxy authentication required</h1>"),
    Page(503, "text/html", b"<h1>Service unavailable</h1>"),
)
REQUESTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("cloudformation", "describe_stacks", {"StackName": "eks-logs"}),
    ("cloudwatch", "get_metric_data", {"MetricDataQueries": [], "StartTime": 0, "EndTime": 1}),
    ("eks", "describe_cluster", {"name": "prod"}),
    ("iam", "get_role", {"RoleName": "forwarder"}),
    ("lambda", "get_policy", {"FunctionName": "forwarder"}),
    ("logs", "describe_log_groups", {}),
    ("s3", "list_objects_v2", {"Bucket": "kept"}),
)


@contextmanager
def answering(page: Page) -> Iterator[str]:
    """The address of a server that answers everything with one page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(page.status)
            self.send_header("location", "https://login.example.com/")
            self.send_header("content-type", page.content_type)
            self.send_header("content-length", str(len(page.body)))
            self.end_headers()
            self.wfile.write(page.body)

        do_POST = do_PUT = do_GET  # noqa: N815 - the standard library's names

        def log_request(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.status} {page.content_type} {len(page.body)}")
def test_a_page_of_something_that_is_not_aws_is_told_in_one_line(page: Page) -> None:
    session, config = boto3.Session("test", "test", region_name=REGION), Config(retries={"total_max_attempts": 1})
    with answering(page) as url:
        clients = {name: session.client(name, endpoint_url=url, config=config) for name, *_ in REQUESTS}
        api = AwsApi(clients.__getitem__)
        for service, operation, parameters in REQUESTS:
            with pytest.raises(NotReachable, match="is not AWS") as told:
                api.call(service, operation, **parameters)
            assert "HTTPS_PROXY" in str(told.value)
            assert "\n" not in str(told.value)
        with pytest.raises(NotReachable, match="is not AWS"):
            list(api.items("logs", "describe_log_groups", "logGroups"))
        for client in clients.values():
            client.close()


@pytest.mark.parametrize("command", ["plan", "apply", "check", "destroy", "replay"])
def test_a_sign_in_page_instead_of_the_stack_ends_every_command_in_one_line(command: str) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
    with answering(SIGN_IN) as url:
        result = CliRunner().invoke(main, [command, "--stack-name", "eks-logs"], env=keys | {"AWS_ENDPOINT_URL": url})
    assert_one_line(result, "AWS's service cloudformation is not AWS", "HTTPS_PROXY")


def test_a_sign_in_page_is_no_empty_bucket() -> None:
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
    arguments = ["replay", "--endpoint", "https://127.0.0.1:9", "--bucket", "kept", "--dry-run"]
    with answering(SIGN_IN) as url:
        result = CliRunner().invoke(main, arguments, env=keys | {"AWS_ENDPOINT_URL": url})
    assert_one_line(result, "AWS's service s3 is not AWS", "HTTPS_PROXY")


SSO = """
[profile ops]
sso_session = company
sso_account_id = 123456789012
sso_role_name = operator
region = eu-central-1

[sso-session company]
sso_region = eu-central-1
sso_start_url = https://company.awsapps.com/start
"""


@pytest.mark.parametrize(
    "arguments", [("--stack-name", "eks-logs"), ("--endpoint", "https://127.0.0.1:9", "--role-arn", ROLE_ARN)]
)
def test_a_login_that_is_missing_or_has_expired_is_told_with_how_to_log_in(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    config = tmp_path / "config"
    config.write_text(SSO)
    home = {"AWS_CONFIG_FILE": str(config), "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    for options, environment in ((("--profile", "ops"), home), ((), home | {"AWS_PROFILE": "ops"})):
        result = CliRunner().invoke(main, ["plan", *arguments, *options], env=environment)
        assert_one_line(result, "log in: aws sso login --profile ops")
