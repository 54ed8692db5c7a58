"""What every command is told of OpenSearch and of its caller, as options of the command line."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeAlias

import boto3
import click
from botocore.exceptions import BotoCoreError
from requests.auth import AuthBase, HTTPBasicAuth
from requests_aws4auth import AWS4Auth

from forwarder.index_names import is_index_name
from forwarder.opensearch import Signature, service_of
from opensearch_setup.errors import NotAllowed

Command: TypeAlias = Callable[..., None]


def index_name(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """The value, if an index can be named so."""
    if not is_index_name(value):
        raise click.BadParameter("is not the name of an index (lower case, no spaces, no leading '-', '_', '+' or '.')")
    return value


_OPTIONS = (
    click.option("--endpoint", required=True, help="The domain's address, https://search-….es.amazonaws.com"),
    click.option(
        "--index",
        default="eks-control-plane-logs",
        show_default=True,
        callback=index_name,
        help="The stack's IndexName",
    ),
    click.option("--ca-file", type=click.Path(exists=True, dir_okay=False), help="Certificates to trust, PEM"),
    click.option("--profile", help="AWS profile that signs the requests"),
    click.option("--region", help="AWS region of the domain"),
)


@dataclass(frozen=True, slots=True)
class Connection:
    """Where OpenSearch is and who calls it: the shared options, as they were given."""

    endpoint: str
    index: str
    ca_file: str | None
    profile: str | None
    region: str | None

    def aws(self) -> Any:  # noqa: ANN401 - boto3 is published without types
        """The boto3 session of --profile and --region, or of the environment.

        Raises:
            NotAllowed: there is no such profile, or AWS's configuration files cannot be read.
        """
        with _aws_configuration():
            return boto3.Session(profile_name=self.profile, region_name=self.region)

    def s3(self) -> Any:  # noqa: ANN401 - boto3 is published without types
        """A client for S3.

        Raises:
            NotAllowed: as of aws().
        """
        session = self.aws()
        with _aws_configuration():
            return session.client("s3")

    def caller(self, environment: Mapping[str, str]) -> AuthBase:
        """How requests to OpenSearch are authenticated: basic with user and password from there, else SigV4.

        Raises:
            NotAllowed: there are neither.
        """
        user, password = environment.get("OPENSEARCH_USERNAME"), environment.get("OPENSEARCH_PASSWORD")
        return HTTPBasicAuth(user, password) if user and password else self._signature()

    def _signature(self) -> Signature:
        aws = self.aws()
        credentials = aws.get_credentials()
        if credentials is None or aws.region_name is None:
            raise NotAllowed(
                "no caller: set OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD for the domain's master user, or give AWS "
                "credentials (--profile) and --region"
            )
        service = service_of(self.endpoint)
        return Signature(AWS4Auth(region=aws.region_name, service=service, refreshable_credentials=credentials))


@contextmanager
def _aws_configuration() -> Iterator[None]:
    try:
        yield
    except BotoCoreError as error:
        raise NotAllowed(f"no AWS credentials: {error}; check --profile, --region and ~/.aws/config") from None


def connected(command: Command) -> Command:
    """Give a command the shared options; it gets them as one argument, a Connection, before its own."""

    @wraps(command)
    def bundled(
        *,
        endpoint: str,
        index: str,
        ca_file: str | None,
        profile: str | None,
        region: str | None,
        **own: object,
    ) -> None:
        command(Connection(endpoint.rstrip("/"), index, ca_file, profile, region), **own)

    for option in reversed(_OPTIONS):
        bundled = option(bundled)
    return bundled
