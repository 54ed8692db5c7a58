"""The setup script against the real OpenSearch, through the edge, as an operator runs it."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result
from opensearchpy import OpenSearch
from requests_aws4auth import AWS4Auth

from local.child_process import free_port
from local.rig import Rig
from opensearch_setup.__main__ import main
from opensearch_setup.plan import MAPPING_PATH, ROLE_PATH, TEMPLATE_PATH

INDEX = "eks-control-plane-logs-rights"
WRONG = "not-the-password"


def run(rig: Rig, command: str, *more: str, password: str = "admin", endpoint: str = "") -> Result:  # noqa: S107 - the rig's
    environment = {"OPENSEARCH_USERNAME": "admin", "OPENSEARCH_PASSWORD": password}
    arguments = [command, "--endpoint", endpoint or rig.edge_url, "--role-arn", rig.function_identity.role_arn]
    return CliRunner().invoke(main, [*arguments, *more], env=environment)


def setup(rig: Rig, command: str = "apply") -> str:
    result = run(rig, command, "--ca-file", str(rig.ca_file))
    assert result.exit_code == 0, result.output
    return result.output


def get(server: OpenSearch, path: str) -> dict[str, Any]:
    content: dict[str, Any] = server.transport.perform_request("GET", path)
    return content


@pytest.fixture
def bare(prepared: Rig, server: OpenSearch) -> Iterator[Rig]:
    """The rig without anything of ours; everything is there again afterwards."""
    for path in (TEMPLATE_PATH, MAPPING_PATH, ROLE_PATH):
        server.transport.perform_request("DELETE", path)
    yield prepared
    setup(prepared)


def test_a_plan_shows_everything_and_changes_nothing(bare: Rig, server: OpenSearch) -> None:
    output = setup(bare, "plan")
    for words in ("create role", "create rolesmapping", "create index template", "3 to change", "indices:admin/create"):
        assert words in output
    roles = get(server, "/_plugins/_security/api/roles")
    assert "eks-control-plane-logs-writer" not in roles
    assert setup(bare, "plan") == output


def test_a_second_run_changes_nothing(bare: Rig, server: OpenSearch) -> None:
    assert "3 changed" in setup(bare)
    before = [get(server, path) for path in (ROLE_PATH, MAPPING_PATH, TEMPLATE_PATH)]
    assert setup(bare) == "nothing to change: OpenSearch is set up\n"
    assert [get(server, path) for path in (ROLE_PATH, MAPPING_PATH, TEMPLATE_PATH)] == before


def test_what_others_mapped_is_kept(bare: Rig, server: OpenSearch) -> None:
    theirs = {"backend_roles": ["arn:aws:iam::111122223333:role/theirs"], "users": ["ada"], "hosts": ["*.example.com"]}
    setup(bare)
    server.transport.perform_request("PUT", MAPPING_PATH, body=theirs)
    assert "change rolesmapping" in setup(bare)
    mapping = get(server, MAPPING_PATH)["eks-control-plane-logs-writer"]
    assert mapping["backend_roles"] == [*theirs["backend_roles"], bare.function_identity.role_arn]
    assert (mapping["users"], mapping["hosts"]) == (theirs["users"], theirs["hosts"])


def test_what_somebody_changed_is_shown_and_mended(bare: Rig, server: OpenSearch) -> None:
    setup(bare)
    wide = {"cluster_permissions": ["*"], "index_permissions": []}
    server.transport.perform_request("PUT", ROLE_PATH, body=wide)
    output = setup(bare)
    assert "change role" in output
    assert '-    "*"' in output
    assert "nothing to change" in setup(bare)


def assert_one_line(result: Result, words: str) -> None:
    assert result.exit_code == 1
    assert words in result.output
    assert len(result.output.splitlines()) == 1


def test_a_wrong_password_is_one_line_with_what_to_do(prepared: Rig) -> None:
    assert_one_line(run(prepared, "plan", "--ca-file", str(prepared.ca_file), password=WRONG), "OPENSEARCH_USERNAME")


def test_an_endpoint_that_does_not_answer_is_one_line_with_what_to_do(prepared: Rig) -> None:
    assert_one_line(run(prepared, "plan", endpoint=f"https://127.0.0.1:{free_port()}"), "check --endpoint")


def test_an_untrusted_certificate_is_one_line_with_what_to_do(prepared: Rig) -> None:
    assert_one_line(run(prepared, "plan"), "--ca-file")


def test_a_role_arn_that_is_none_is_refused_before_anything_is_asked(prepared: Rig) -> None:
    result = CliRunner().invoke(main, ["apply", "--endpoint", prepared.edge_url, "--role-arn", "admin"])
    assert result.exit_code == 2
    assert "arn:aws:iam::111122223333:role/name" in result.output


class AsFunction:
    """Requests signed as the function's role, straight to the edge."""

    def __init__(self, rig: Rig) -> None:
        identity = rig.function_identity
        self._rig = rig
        self._signature = AWS4Auth(
            identity.access_key_id,
            identity.secret_access_key,
            rig.region,
            "es",
            session_token=identity.session_token,
        )

    def ask(self, method: str, path: str, body: str | None = None) -> requests.Response:
        headers = {"content-type": "application/x-ndjson" if path == "/_bulk" else "application/json"}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                self._rig.edge_url + path,
                data=body,
                headers=headers,
                auth=self._signature,
                verify=str(self._rig.ca_file),
                timeout=30,
            )


def test_the_role_allows_bulk_create_and_nothing_else(prepared: Rig, server: OpenSearch) -> None:
    function = AsFunction(prepared)
    created = function.ask("POST", "/_bulk", f'{{"create":{{"_index":"{INDEX}","_id":"1"}}}}\n{{"@id":"1"}}\n')
    assert [item["create"]["status"] for item in created.json()["items"]] == [201]
    refused = (
        ("DELETE", f"/{INDEX}", None),
        ("GET", f"/{INDEX}/_search", None),
        ("GET", f"/{INDEX}/_doc/1", None),
        ("GET", "/_cat/indices", None),
        ("PUT", f"/{INDEX}/_mapping", '{"properties":{"x":{"type":"keyword"}}}'),
        ("PUT", f"/{INDEX}/_settings", '{"index":{"refresh_interval":"1s"}}'),
        ("GET", "/_plugins/_security/api/roles", None),
        ("PUT", ROLE_PATH, '{"cluster_permissions":["*"]}'),
        ("POST", "/_bulk", f'{{"delete":{{"_index":"{INDEX}","_id":"1"}}}}\n'),
    )
    for method, path, body in refused:
        answer = function.ask(method, path, body)
        statuses = [item["delete"]["status"] for item in answer.json()["items"]] if path == "/_bulk" else []
        assert (statuses or [answer.status_code]) == [403], (method, path, answer.text)
    assert server.exists(index=INDEX, id="1")
