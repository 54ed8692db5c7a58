"""The commands as an operator types them, against the rig."""

from typing import Any

from click.testing import CliRunner, Result
from opensearchpy import OpenSearch

from eks_logs.__main__ import main
from local.rig import Identity, Rig

MASTER = {"OPENSEARCH_USERNAME": "admin", "OPENSEARCH_PASSWORD": "admin"}


def as_iam_role(identity: Identity) -> dict[str, str]:
    """The environment of an operator with the credentials of an IAM role."""
    return {
        "AWS_ACCESS_KEY_ID": identity.access_key_id,
        "AWS_SECRET_ACCESS_KEY": identity.secret_access_key,
        "AWS_SESSION_TOKEN": identity.session_token or "",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }


def run(rig: Rig, command: str, *more: str, environment: dict[str, str] = MASTER, typed: str = "") -> Result:
    """A command on the rig's domain, for the function's role; the domain's master user asks."""
    arguments = [command, "--endpoint", rig.edge_url, "--ca-file", str(rig.ca_file)]
    arguments += ["--role-arn", rig.function_identity.role_arn, "--region", rig.region, "--rotation", "none"]
    return CliRunner().invoke(main, [*arguments, *more], env=environment, input=typed)


def done(rig: Rig, command: str, *more: str) -> str:
    """What a command said that must end well."""
    result = run(rig, command, *more)
    assert result.exit_code == 0, result.output
    return result.output


def get(server: OpenSearch, path: str) -> dict[str, Any]:
    content: dict[str, Any] = server.transport.perform_request("GET", path)
    return content


def put(server: OpenSearch, path: str, body: dict[str, Any]) -> None:
    server.transport.perform_request("PUT", path, body=body)


def delete(server: OpenSearch, path: str) -> None:
    server.transport.perform_request("DELETE", path, params={"ignore": 404})


def assert_one_line(result: Result, *words: str) -> None:
    assert result.exit_code == 1, result.output
    assert len(result.output.splitlines()) == 1, result.output
    for word in words:
        assert word in result.output
