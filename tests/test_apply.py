"""eks-logs against the real OpenSearch, through the edge, as an operator runs it."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE

import requests
from click.testing import CliRunner
from opensearchpy import OpenSearch
from requests_aws4auth import AWS4Auth

from eks_logs.__main__ import main
from eks_logs.opensearch.index_template import TEMPLATE_PATH
from eks_logs.opensearch.role import ROLE_PATH
from eks_logs.opensearch.role_mapping import MAPPING_PATH
from local.certificates import issue_certificate
from local.child_process import free_port
from local.operators_tool import operator_environment
from local.rig import Rig
from tests.operator_commands import MASTER, as_iam_role, assert_one_line, delete, done, get, run

INDEX = "eks-control-plane-logs-rights"


def test_a_plan_shows_everything_and_changes_nothing(bare: Rig, server: OpenSearch) -> None:
    output = done(bare, "plan")
    for words in ("create role", "create rolesmapping", "create index template", "3 to change", "indices:admin/create"):
        assert words in output
    roles = get(server, "/_plugins/_security/api/roles")
    assert "eks-control-plane-logs-writer" not in roles
    assert done(bare, "plan") == output


def test_a_plan_as_json_says_the_same_and_changes_nothing(bare: Rig) -> None:
    first = json.loads(done(bare, "plan", "--json"))
    assert [(step["method"], step["path"]) for step in first["steps"]] == [
        ("PUT", ROLE_PATH),
        ("PUT", MAPPING_PATH),
        ("PUT", TEMPLATE_PATH),
    ]
    assert (first["applied"], first["findings"], first["notes"]) == (False, [], [])
    assert json.loads(done(bare, "apply", "--json")) == {**first, "applied": True}
    assert json.loads(done(bare, "plan", "--json"))["steps"] == []


def test_retention_where_there_is_no_ism_is_said_in_one_line_and_the_rest_is_done(bare: Rig) -> None:
    output = done(bare, "apply", "--rotation", "daily", "--retention-days", "30")
    assert "note: retention: this server has no Index State Management" in output
    assert output.endswith("3 changed: OpenSearch is set up\n")


def test_a_second_run_changes_nothing(bare: Rig, server: OpenSearch) -> None:
    assert "3 changed" in done(bare, "apply")
    before = [get(server, path) for path in (ROLE_PATH, MAPPING_PATH, TEMPLATE_PATH)]
    assert done(bare, "apply") == "nothing to change: OpenSearch is set up\n"
    assert [get(server, path) for path in (ROLE_PATH, MAPPING_PATH, TEMPLATE_PATH)] == before


def test_what_others_mapped_is_kept(bare: Rig, server: OpenSearch) -> None:
    theirs = {"backend_roles": ["arn:aws:iam::111122223333:role/theirs"], "users": ["ada"], "hosts": ["*.example.com"]}
    done(bare, "apply")
    server.transport.perform_request("PUT", MAPPING_PATH, body=theirs)
    assert "change rolesmapping" in done(bare, "apply")
    mapping = get(server, MAPPING_PATH)["eks-control-plane-logs-writer"]
    assert mapping["backend_roles"] == [*theirs["backend_roles"], bare.function_identity.role_arn]
    assert (mapping["users"], mapping["hosts"]) == (theirs["users"], theirs["hosts"])
    delete(server, MAPPING_PATH)


def test_what_somebody_changed_is_shown_and_mended(bare: Rig, server: OpenSearch) -> None:
    done(bare, "apply")
    wide = {"cluster_permissions": ["*"], "index_permissions": []}
    server.transport.perform_request("PUT", ROLE_PATH, body=wide)
    output = done(bare, "apply")
    assert "change role" in output
    assert '-    "*"' in output
    assert "nothing to change" in done(bare, "apply")


def test_a_wrong_password_is_one_line_with_what_to_do(prepared: Rig) -> None:
    wrong = MASTER | {"OPENSEARCH_PASSWORD": "not-the-password"}
    assert_one_line(run(prepared, "plan", environment=wrong), "OPENSEARCH_USERNAME")


def test_a_caller_without_rights_is_one_line_with_what_to_do(prepared: Rig) -> None:
    result = run(prepared, "apply", environment=as_iam_role(prepared.stranger_identity))
    assert_one_line(result, "403", "mapped to all_access")


def test_a_user_without_a_password_is_one_line_with_what_to_do(prepared: Rig) -> None:
    assert_one_line(run(prepared, "plan", environment={"OPENSEARCH_USERNAME": "admin"}), "no OPENSEARCH_PASSWORD")


def test_a_password_is_asked_for_at_a_terminal_and_not_shown(prepared: Rig) -> None:
    ours, theirs = os.openpty()
    environment = {name: text for name, text in operator_environment(prepared).items() if name != "OPENSEARCH_PASSWORD"}
    arguments = ["plan", "--endpoint", prepared.edge_url, "--ca-file", str(prepared.ca_file)]
    command = [sys.executable, "-m", "eks_logs", *arguments, "--role-arn", prepared.function_identity.role_arn]
    child = subprocess.Popen(  # noqa: S603 - ours
        command, env=environment, stdin=theirs, stdout=PIPE, stderr=PIPE, start_new_session=True
    )
    with child, os.fdopen(ours, "wb", buffering=0) as keyboard:
        os.close(theirs)
        assert child.stderr is not None
        asked = child.stderr.read(len(b"Password of admin: "))  # what is typed before the question is thrown away
        keyboard.write(b"admin\n")
        output, said = child.communicate(timeout=60)
    assert asked == b"Password of admin: "
    assert output == b"nothing to change: OpenSearch is set up\n"
    assert b"admin" not in said


def test_an_endpoint_that_does_not_answer_is_one_line_with_what_to_do(prepared: Rig) -> None:
    away = replace(prepared, edge=replace(prepared.edge, url=f"https://127.0.0.1:{free_port()}"))
    assert_one_line(run(away, "plan"), "check --endpoint")


def test_an_untrusted_certificate_is_one_line_with_what_to_do(prepared: Rig) -> None:
    arguments = ["plan", "--endpoint", prepared.edge_url, "--role-arn", prepared.function_identity.role_arn]
    assert_one_line(CliRunner().invoke(main, arguments, env=MASTER), "--ca-file")


def test_a_ca_file_wins_over_the_environment(prepared: Rig, tmp_path: Path) -> None:
    theirs = issue_certificate("theirs", tmp_path).authority
    result = run(prepared, "plan", environment=MASTER | {"REQUESTS_CA_BUNDLE": str(theirs)})
    assert result.output == "nothing to change: OpenSearch is set up\n"


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
