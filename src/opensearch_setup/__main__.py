"""`python -m opensearch_setup`: prepare an OpenSearch domain for the function."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

import boto3
import click
from requests.auth import AuthBase, HTTPBasicAuth
from requests_aws4auth import AWS4Auth

from opensearch_setup.domain import Domain
from opensearch_setup.errors import NotAllowed, SetupError
from opensearch_setup.plan import Step, plan
from opensearch_setup.wanted import wanted

_IAM_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")


@dataclass(frozen=True, slots=True)
class AwsSession:
    """Which AWS credentials sign the requests, where no user and password are given."""

    profile: str | None
    region: str | None


def iam_role(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """The value, if it is the ARN of an IAM role."""
    if not _IAM_ROLE.fullmatch(value):
        raise click.BadParameter("is not the ARN of an IAM role (arn:aws:iam::111122223333:role/name)")
    return value


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--endpoint", required=True, help="The domain's address, https://search-….es.amazonaws.com")
@click.option(
    "--role-arn", required=True, callback=iam_role, help="The function's IAM role: the stack's output FunctionRoleArn"
)
@click.option("--index", default="eks-control-plane-logs", show_default=True, help="The stack's IndexName")
@click.option("--ca-file", type=click.Path(exists=True, dir_okay=False), help="Certificates to trust, PEM")
@click.option("--profile", help="AWS profile that signs the requests")
@click.option("--region", help="AWS region of the domain")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing")
def main(  # noqa: PLR0913 - one parameter for each option
    endpoint: str,
    role_arn: str,
    index: str,
    ca_file: str | None,
    profile: str | None,
    region: str | None,
    *,
    dry_run: bool,
) -> None:
    """Give the function its rights in OpenSearch and install the index template.

    It creates the role eks-control-plane-logs-writer (least privilege), adds the function's IAM role to its
    rolesmapping, and installs the index template. What others have there stays; a second run changes nothing.

    The caller is the user of OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD where both are set, else the AWS credentials
    of --profile or of the environment.
    """
    try:
        domain = Domain(endpoint, caller(os.environ, AwsSession(profile, region)), ca_file)
        steps = plan(domain.find(), wanted(index, role_arn))
        for step in steps:
            show(step)
            if not dry_run:
                domain.apply(step)
        click.echo(summary(len(steps), dry_run=dry_run))
    except SetupError as error:
        raise click.ClickException(str(error)) from None


def caller(environment: Mapping[str, str], session: AwsSession) -> AuthBase:
    """How requests are authenticated: basic with user and password from the environment, else SigV4.

    Raises:
        NotAllowed: there are neither.
    """
    user, password = environment.get("OPENSEARCH_USERNAME"), environment.get("OPENSEARCH_PASSWORD")
    if user and password:
        return HTTPBasicAuth(user, password)
    aws = boto3.Session(profile_name=session.profile, region_name=session.region)
    credentials = aws.get_credentials()
    if credentials is None or aws.region_name is None:
        raise NotAllowed(
            "no caller: set OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD for the domain's master user, or give AWS "
            "credentials (--profile) and --region"
        )
    signature: AuthBase = AWS4Auth(region=aws.region_name, service="es", refreshable_credentials=credentials)
    return signature


def show(step: Step) -> None:
    """Print what a step changes."""
    click.secho(step.title, bold=True)
    for line in step.diff:
        click.secho(f"  {line}", fg={"+": "green", "-": "red"}.get(line[:1]))


def summary(steps: int, *, dry_run: bool) -> str:
    """One line on what happened."""
    if not steps:
        return "nothing to change: OpenSearch is set up"
    return f"{steps} to change; run again without --dry-run" if dry_run else f"{steps} changed: OpenSearch is set up"


if __name__ == "__main__":
    main()
