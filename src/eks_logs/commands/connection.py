"""Options that all commands share: the stack, OpenSearch and the caller."""

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TypeAlias

import boto3
import click
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError
from requests.auth import AuthBase, HTTPBasicAuth
from requests_aws4auth import AWS4Auth

from eks_logs.aws.api import AwsApi, guarded, translated
from eks_logs.aws.stack import DeployedStack, find_stack
from eks_logs.errors import NotAllowed
from eks_logs.opensearch.address import endpoint_address
from eks_logs.opensearch.client import Client
from eks_logs.opensearch.target import INDEX
from forwarder.delivery.client import Signature
from forwarder.delivery.endpoints import SERVERLESS_SERVICE, SigningScope, domain_arn_of, signing_scope
from forwarder.index_names import is_index_name

Command: TypeAlias = Callable[..., None]


def index_name(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """The value, if an index can be named so."""
    if value is not None and not is_index_name(value):
        raise click.BadParameter("is not the name of an index (lower case, no spaces, no leading '-', '_', '+' or '.')")
    return value


_OPTIONS = (
    click.option("--stack-name", help="The deployed stack; it says whatever of the others is not given"),
    click.option("--endpoint", help="The domain's address, https://search-….es.amazonaws.com"),
    click.option("--index", callback=index_name, help=f"The stack's IndexName  [default: {INDEX}]"),
    click.option("--ca-file", type=click.Path(exists=True, dir_okay=False), help="Certificates to trust, PEM"),
    click.option("--profile", help="AWS profile that signs the requests"),
    click.option("--region", help="AWS region of the stack and of the domain"),
)


@dataclass(frozen=True, slots=True)
class Connection:
    """Where OpenSearch is and who calls it: the shared options, and the stack if one was named.

    Attributes:
        given: The shared options as they were typed, to print commands with.
    """

    endpoint: str
    index: str
    ca_file: str | None
    profile: str | None
    region: str | None
    stack: DeployedStack | None = None
    given: tuple[str, ...] = ()

    @property
    def is_serverless(self) -> bool:
        """Whether the endpoint is a collection of OpenSearch Serverless."""
        scope = self.signing_scope()
        return scope is not None and scope.service == SERVERLESS_SERVICE

    def signing_scope(self, region: str | None = None) -> SigningScope | None:
        """What requests are signed for: by the stack's domain, else by the endpoint's host, else in this region."""
        try:
            arn = domain_arn_of(self.stack.domain_arn) if self.stack and self.endpoint == self.stack_endpoint else None
        except ValueError:
            arn = None
        return signing_scope(self.endpoint, arn, region)

    @property
    def stack_endpoint(self) -> str | None:
        """The stack's own endpoint; another one may have been given beside it."""
        return self.stack.endpoint.strip().rstrip("/") if self.stack else None

    def aws(self) -> boto3.Session:
        """The boto3 session of --profile and --region, or of the environment.

        Raises:
            NotAllowed: there is no such profile, or AWS's configuration files cannot be read.
        """
        return _session(self.profile, self.region)

    def aws_api(self) -> AwsApi:
        """AWS, as the caller may use it.

        Raises:
            NotAllowed: as of aws().
        """
        return _aws_api(self.profile, self.region)

    def s3(self) -> BaseClient:
        """A client for S3.

        Raises:
            NotAllowed: as of aws().
        """
        session = self.aws()
        with _aws_configuration(self.profile):
            return guarded(session.client("s3"))

    def caller(self, environment: Mapping[str, str]) -> AuthBase:
        """How requests to OpenSearch are authenticated: basic with user and password from there, else SigV4.

        A password that is not there is asked for, where somebody sits at a terminal.

        Raises:
            NotAllowed: there are neither.
        """
        user = environment.get("OPENSEARCH_USERNAME")
        # As UTF-8, which OpenSearch reads; requests would encode text as Latin-1, and fail where it cannot.
        return HTTPBasicAuth(user.encode(), _password(user, environment).encode()) if user else self._signature()

    def client(self, auth: AuthBase | None = None) -> Client:
        """The domain or collection, as this caller, or else that of the environment, may use it.

        Raises:
            NotAllowed: there is no caller.
        """
        auth = auth or self.caller(os.environ)
        return Client(self.endpoint, auth, self.ca_file, serverless=self.is_serverless)

    def command(self, name: str, options: Sequence[str] = ()) -> str:
        """What to type, in a new shell, to run another command on the same stack or domain, with further options.

        Args:
            name: The command; of a question, `ask` and its words.
            options: Its own.
        """
        words = shlex.join(["eks-logs", *name.split(), *self.given, *options])
        user = os.environ.get("OPENSEARCH_USERNAME")
        return f"OPENSEARCH_USERNAME={shlex.quote(user)} {words}" if user else words

    def _signature(self) -> Signature:
        aws = self.aws()
        with _aws_configuration(self.profile):
            credentials = aws.get_credentials()
            if credentials is not None:
                credentials.get_frozen_credentials()  # an expired login is told here, and not by a request's traceback
        scope = self.signing_scope(aws.region_name)
        if credentials is None or scope is None:
            raise NotAllowed(
                "no caller: set OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD for the domain's master user, or give AWS "
                "credentials (--profile) and --region"
            )
        return Signature(AWS4Auth(region=scope.region, service=scope.service, refreshable_credentials=credentials))


def _password(user: str, environment: Mapping[str, str]) -> str:
    password = environment.get("OPENSEARCH_PASSWORD")
    if not password and sys.stdin.isatty():
        password = click.prompt(f"Password of {user}", hide_input=True, err=True)
    if not password:
        raise NotAllowed(
            f"OPENSEARCH_USERNAME is {user} and there is no OPENSEARCH_PASSWORD: set it, or unset both to sign with "
            "AWS credentials"
        )
    return password


def _session(profile: str | None, region: str | None) -> boto3.Session:
    with _aws_configuration(profile):
        return boto3.Session(profile_name=profile, region_name=region)


def _aws_api(profile: str | None, region: str | None) -> AwsApi:
    return AwsApi(_session(profile, region).client, profile=_named(profile))


def _named(profile: str | None) -> str | None:
    """The profile as it is printed: what is to be typed is to run in a fresh shell, too."""
    return profile or os.environ.get("AWS_PROFILE")


@contextmanager
def _aws_configuration(profile: str | None) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise translated("sts", error, _named(profile)) from None


def connected(command: Command) -> Command:
    """Give a command the shared options; it gets them as one argument, a Connection, before its own."""

    @wraps(command)
    def with_options(
        *,
        stack_name: str | None,
        endpoint: str | None,
        index: str | None,
        ca_file: str | None,
        profile: str | None,
        region: str | None,
        **own: object,
    ) -> None:
        stack = find_stack(_aws_api(profile, region), stack_name) if stack_name else None
        source = "--endpoint" if endpoint else "OpenSearchEndpoint of the stack"
        address = endpoint_address(required("--endpoint", endpoint, stack.endpoint if stack else None), source)
        certificates = None if ca_file is None else str(Path(ca_file).absolute())
        typed = {
            "--stack-name": stack_name,
            "--endpoint": endpoint and address,
            "--index": index,
            "--ca-file": certificates,
            "--profile": _named(profile),
            "--region": region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        }
        connection = Connection(
            endpoint=address,
            index=index or (stack.index if stack else INDEX),
            ca_file=certificates,
            profile=profile,
            region=region or (stack.region if stack else None),
            stack=stack,
            given=tuple(word for option, value in typed.items() if value for word in (option, value)),
        )
        command(connection, **own)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options


def required(option: str, given: str | None, of_stack: str | None) -> str:
    """What an option was given, or else what the stack says."""
    value = given or of_stack
    if not value:
        raise click.UsageError(f"give --stack-name, or {option}")
    return value
