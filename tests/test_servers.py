"""What the setup makes of servers that are not the rig's: shapes of their answers, on the wire."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner, Result
from requests.auth import HTTPBasicAuth

from eks_logs.__main__ import main
from eks_logs.errors import NotOpenSearch, NotProvided
from eks_logs.opensearch import registry
from eks_logs.opensearch.checks import Commands, check, gather
from eks_logs.opensearch.client import Client
from eks_logs.opensearch.index_template import TEMPLATE_PATH
from eks_logs.opensearch.role import ROLE_PATH
from eks_logs.opensearch.role_mapping import MAPPING_PATH
from eks_logs.opensearch.server import Kind, Server, server_of
from eks_logs.opensearch.target import Target
from eks_logs.plan import Plan
from tests.operator_commands import MASTER, assert_one_line
from tests.wire_server import BARE, ELASTICSEARCH, Page, WireServer, wire_server

ROLE_ARN = "arn:aws:iam::111122223333:role/forwarder"
INDEX = "eks-control-plane-logs"
INDICES = f"/{INDEX}*"
SETTINGS = "/_cluster/settings"
SEARCH = f"/{INDEX},{INDEX}-2*/_search"
POLICY_PATH = f"/_plugins/_ism/policies/{INDEX}"
ACCEPTED = {"acknowledged": True}
NO_POLICY = {
    "error": {
        "root_cause": [{"type": "status_exception", "reason": "Policy not found"}],
        "type": "status_exception",
        "reason": "Policy not found",
    },
    "status": 404,
}


@pytest.fixture
def wire() -> Iterator[WireServer]:
    """A server without plugins and without indices."""
    with wire_server() as server:
        server.answers = {
            ("GET", "/"): (200, BARE),
            ("GET", "/_index_template"): (200, {"index_templates": []}),
            ("GET", INDICES): (200, {}),
            ("GET", "/_cluster/health"): (200, {"active_shards": 3, "number_of_data_nodes": 1}),
            ("GET", SETTINGS): (200, {"persistent": {}, "transient": {}, "defaults": {}}),
            ("POST", SEARCH): (200, {"hits": {"total": {"value": 0}}}),
            ("PUT", TEMPLATE_PATH): (200, ACCEPTED),
        }
        yield server


def mapping(wire: WireServer) -> tuple[int, Any]:
    """The rolesmapping: nothing, until somebody was mapped."""
    sent = [body for method, path, body in wire.asked if method == "PUT" and "rolesmapping" in path]
    if not sent:
        return 404, {"status": "NOT_FOUND", "message": "Resource 'eks' not found."}
    return 200, {"eks-control-plane-logs-writer": sent[-1]}


@pytest.fixture
def secured(wire: WireServer) -> WireServer:
    """The same with the security plugin and Index State Management, which hold nothing of ours."""
    wire.answers |= {
        ("GET", ROLE_PATH): (404, {"status": "NOT_FOUND", "message": "Resource 'eks' not found."}),
        ("GET", MAPPING_PATH): lambda: mapping(wire),
        ("GET", POLICY_PATH): (404, NO_POLICY),
        ("PUT", ROLE_PATH): (201, {"status": "CREATED"}),
        ("PUT", MAPPING_PATH): (201, {"status": "CREATED"}),
    }
    return wire


def run(wire: WireServer, command: str, *more: str) -> Result:
    arguments = [command, "--endpoint", wire.url, "--role-arn", ROLE_ARN, *more]
    return CliRunner().invoke(main, arguments, env=MASTER)


def test_a_server_without_security_plugin_is_one_line_with_what_to_do(wire: WireServer) -> None:
    assert_one_line(run(wire, "apply"), "no security plugin", "turn on fine-grained access control")
    assert wire.changed == []


def test_a_check_names_the_missing_security_plugin(wire: WireServer) -> None:
    result = run(wire, "check")
    assert result.exit_code == 1
    assert "FAIL  security" in result.output
    assert "OpenSearch 3.5.0" in result.output


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"version": {"number": "7.7.0"}}, "Elasticsearch 7.7.0 has no composable index templates"),
        ({"version": {"number": "6.8.23"}}, "upgrade the domain"),
        ({"statusCode": 200}, "--endpoint is the domain's own address"),
    ],
)
def test_a_server_that_is_too_old_or_none_is_one_line_with_what_to_do(
    wire: WireServer, answer: dict[str, Any], words: str
) -> None:
    wire.answers["GET", "/"] = (200, answer)
    assert_one_line(run(wire, "plan"), words)


def test_what_a_server_calls_itself() -> None:
    assert server_of(BARE) == Server(Kind.OPENSEARCH, "3.5.0")
    assert server_of(ELASTICSEARCH) == Server(Kind.ELASTICSEARCH, "7.10.2")
    with pytest.raises(NotOpenSearch):
        server_of({})
    with pytest.raises(NotProvided):
        server_of({"version": {"number": "7.7.0"}})


def test_elasticsearch_is_asked_at_its_own_paths(secured: WireServer) -> None:
    secured.answers = {
        (method, path.replace("/_plugins/", "/_opendistro/")): answer
        for (method, path), answer in secured.answers.items()
    } | {("GET", "/"): (200, ELASTICSEARCH)}
    result = run(secured, "apply")
    assert result.exit_code == 0, result.output
    assert ("PUT", ROLE_PATH.replace("/_plugins/", "/_opendistro/")) in secured.changed


# Retention: Index State Management.

RETAINED = ("--rotation", "daily", "--retention-days", "30")


def stored(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A policy as GET shows it: with ids and times, and what happens when an action fails."""
    policy = body["policy"] | {"policy_id": INDEX, "last_updated_time": 1577990934044, "schema_version": 21}
    states = [
        state | {"actions": [action | {"retry": {"count": 3, "delay": "1m"}} for action in state["actions"]]}
        for state in policy["states"]
    ]
    templates = [template | {"last_updated_time": 1577990934044} for template in policy["ism_template"]]
    shown = policy | {"states": states, "ism_template": templates, "error_notification": None} | changes
    return {"_id": INDEX, "_version": 3, "_seq_no": 7, "_primary_term": 2, "policy": shown}


def retained(wire: WireServer, *options: str) -> dict[str, Any]:
    """Apply retention; what was sent."""
    wire.answers["PUT", POLICY_PATH] = (201, {"_id": INDEX, "_version": 1, "_seq_no": 7, "_primary_term": 2})
    result = run(wire, "apply", *(options or RETAINED))
    assert result.exit_code == 0, result.output
    (body,) = [body for method, path, body in wire.asked if method == "PUT" and path.startswith(POLICY_PATH)]
    policy: dict[str, Any] = body
    return policy


def test_retention_is_a_policy_that_deletes_dated_indices_when_each_record_is_old_enough(secured: WireServer) -> None:
    policy = retained(secured)["policy"]
    kept, deleted = policy["states"]
    assert kept["transitions"] == [{"state_name": "deleted", "conditions": {"min_index_age": "31d"}}]
    assert deleted["actions"] == [{"delete": {}}]
    assert policy["ism_template"] == [{"index_patterns": ["eks-control-plane-logs-2*"], "priority": 500}]


@pytest.mark.parametrize(("rotation", "age"), [("weekly", "37d"), ("monthly", "61d")])
def test_an_index_of_a_longer_time_is_kept_so_much_longer(secured: WireServer, rotation: str, age: str) -> None:
    policy = retained(secured, "--rotation", rotation, "--retention-days", "30")["policy"]
    assert policy["states"][0]["transitions"][0]["conditions"] == {"min_index_age": age}


def test_a_policy_as_wanted_is_left_alone(secured: WireServer) -> None:
    secured.answers["GET", POLICY_PATH] = (200, stored(retained(secured)))
    secured.asked.clear()
    assert "ISM policy" not in run(secured, "apply", *RETAINED).output
    assert POLICY_PATH not in [path for _, path in secured.changed]


def test_another_time_changes_the_policy_that_was_read_and_no_other(secured: WireServer) -> None:
    mapping = {"dynamic": "false", "properties": {"@log_stream": {"type": "text"}}}
    secured.answers["GET", POLICY_PATH] = (200, stored(retained(secured)))
    secured.answers["GET", INDICES] = (200, {"eks-control-plane-logs-2026.11.20": {"mappings": mapping}})
    update = f"{POLICY_PATH}?if_seq_no=7&if_primary_term=2"
    secured.answers["PUT", update] = (200, {"_id": INDEX, "_version": 4})
    result = run(secured, "apply", "--rotation", "daily", "--retention-days", "90")
    assert result.exit_code == 0, result.output
    assert ("PUT", update) in secured.changed
    assert "91d" in result.output
    assert "POST /_plugins/_ism/change_policy/eks-control-plane-logs-2*" in result.output


def test_a_policy_of_our_name_that_is_anothers_is_refused(secured: WireServer) -> None:
    secured.answers["GET", POLICY_PATH] = (200, stored(retained(secured), description="theirs"))
    assert_one_line(run(secured, "apply", *RETAINED), "did not make", "--retention-days")


def test_retention_without_rotation_is_one_line_with_what_to_do(secured: WireServer) -> None:
    assert_one_line(
        run(secured, "apply", "--rotation", "none", "--retention-days", "30"),
        "IndexRotation daily",
        "ISM deletes whole indices",
    )


def test_a_policy_that_the_server_refuses_is_one_line_with_its_reason(secured: WireServer) -> None:
    reason = (
        "New policy has an ISM template matching existing policy templates, please use a different priority than 500"
    )
    answer = {"error": {"type": "index_management_exception", "reason": reason}, "status": 400}
    secured.answers["PUT", POLICY_PATH] = (400, answer)
    result = run(secured, "apply", *RETAINED)
    assert result.exit_code == 1
    assert reason in result.output.splitlines()[-1]


# OpenSearch Serverless.


@pytest.fixture
def collection() -> Iterator[WireServer]:
    """A collection: 404 without a body for what it does not have, `GET /` included."""
    with wire_server() as server:
        for path in ("/", "/_index_template", INDICES):
            server.answers["GET", path] = (404, None)
        server.answers["PUT", TEMPLATE_PATH] = (200, ACCEPTED)
        yield server


def planned(collection: WireServer, retention_days: int | None = None) -> tuple[Client, Target, Plan]:
    client = Client(collection.url, HTTPBasicAuth("as", "signed"), serverless=True)
    target = Target(INDEX, ROLE_ARN, client.server(), retention_days=retention_days)
    return client, target, registry.plan(registry.read(client, target, date(2026, 11, 20)), target)


def test_a_collection_gets_the_template_alone_and_without_what_it_refuses(collection: WireServer) -> None:
    client, target, made = planned(collection)
    for step in made.steps:
        registry.execute(client, step, target, print)
    assert collection.changed == [("PUT", TEMPLATE_PATH)]
    settings = collection.asked[-1][2]["template"]["settings"]["index"]
    assert {"number_of_shards", "number_of_replicas", "refresh_interval", "codec"}.isdisjoint(settings)
    assert "log_stream" in settings["analysis"]["analyzer"]


def test_a_plan_says_what_takes_the_place_of_steps_that_a_collection_does_not_have(collection: WireServer) -> None:
    _, _, made = planned(collection, 30)
    rights, retention = made.notes
    assert "create-access-policy" in rights
    assert ROLE_ARN in rights
    assert "aoss:WriteDocument" in rights
    assert "create-lifecycle-policy" in retention
    assert not [path for _, path, _ in collection.asked if "_plugins" in path]


def checked(collection: WireServer) -> dict[str, str]:
    client = Client(collection.url, HTTPBasicAuth("as", "signed"), serverless=True)
    facts = gather(client, Target(INDEX, ROLE_ARN, client.server()), 60, date(2026, 11, 20))
    return {finding.name: finding.status for finding in check(facts, Commands("apply", "check"))}


def test_a_check_of_a_collection_skips_what_it_does_not_have(collection: WireServer) -> None:
    collection.answers["GET", "/_index_template"] = (200, {"index_templates": []})
    collection.answers["POST", f"/{INDEX}-2*/_search"] = (200, {"hits": {"hits": []}})
    findings = checked(collection)
    skipped = [name for name, status in findings.items() if status == "skipped"]
    assert skipped == ["security", "rights", "mapped", "write"]
    assert (findings["version"], findings["caller"]) == ("ok", "ok")
    assert findings["template"] == "fail"


def test_a_check_of_a_collection_that_lets_nobody_in_fails(collection: WireServer) -> None:
    forbidden = (403, {"status": 403, "error": {"reason": "403 Forbidden", "type": "Forbidden"}})
    for path in ("/_index_template", INDICES):
        collection.answers["GET", path] = forbidden
    collection.answers["POST", f"/{INDEX}-2*/_search"] = forbidden
    assert checked(collection)["caller"] == "fail"


# What is no OpenSearch.

PAGES = {
    "a redirection": (302, Page(b"", headers={"location": "https://login.example.com/?next=secret"}), "sign in"),
    "a page to sign in": (200, Page(b"<!DOCTYPE html><title>Sign in</title><style>a{}</style>"), "no JSON: text/html"),
    "a page that forbids": (403, Page(b"<html><h1>403 Forbidden</h1>nginx</html>"), "403 Forbidden nginx"),
    "a proxy's page": (502, Page(b"\xef\xbb\xbf <html>Bad Gateway</html>"), "Bad Gateway"),
    "a proxy that wants a password": (407, Page(b"", "text/plain"), "407 at /"),
    "Dashboards": (
        401,
        {"statusCode": 401, "error": "Unauthorized", "message": "Authentication required"},
        "Dashboards",
    ),
    "text": (200, Page(b"It works!", "text/plain"), "It works!"),
    "no UTF-8": (200, Page(b'{"version":"\xff\xfe"}', "application/json"), "no JSON"),
    "half a JSON": (200, Page(b'{"version":', "application/json"), "no JSON"),
    "a list": (200, [1, 2], "no JSON object"),
    "deep JSON": (200, Page(b"[" * 100_000, "application/json"), "no JSON"),
    "nothing": (200, None, "no JSON object"),
    "another service": (200, {"status": "UP"}, "does not tell OpenSearch's version"),
    "no root": (404, {"message": "Not Found"}, "--stack-name"),
}


@pytest.mark.parametrize("command", ["plan", "apply", "destroy"])
@pytest.mark.parametrize("name", PAGES)
def test_what_is_no_opensearch_is_one_line_with_what_to_type(wire: WireServer, name: str, command: str) -> None:
    status, answer, words = PAGES[name]
    wire.answers = {(method, "/"): (status, answer) for method in ("GET", "POST")}
    result = run(wire, command)
    assert_one_line(result, words)
    assert "--endpoint" in result.output or "--stack-name" in result.output
    assert "secret" not in result.output
    assert "Traceback" not in result.output
    assert wire.changed == []


@pytest.mark.parametrize("name", PAGES)
def test_a_check_of_what_is_no_opensearch_fails_and_says_nothing_else(wire: WireServer, name: str) -> None:
    status, answer, words = PAGES[name]
    wire.answers = {("GET", "/"): (status, answer)}
    result = run(wire, "check")
    assert result.exit_code == 1
    lines = [line for line in result.output.splitlines() if not line.startswith("skip")]
    assert len(lines) == 1
    assert lines[0].startswith("FAIL  endpoint")
    assert words in lines[0]


def test_a_collection_behind_a_page_to_sign_in_fails_its_check(collection: WireServer) -> None:
    for path in ("/_index_template", INDICES):
        collection.answers["GET", path] = (302, Page(b""))
    assert checked(collection) == {"endpoint": "fail"}


def test_a_page_in_the_midst_of_a_plan_is_one_line(secured: WireServer) -> None:
    secured.answers["GET", MAPPING_PATH] = (200, Page(b"<html>Your session has ended</html>"))
    assert_one_line(run(secured, "apply"), f"{MAPPING_PATH} is no JSON: text/html")
    assert run(secured, "check").exit_code == 1
    assert secured.changed == []


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (401, Page(b"Unauthorized", "text/plain"), "set OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD anew"),
        (403, {"Message": "User: anonymous is not authorized to perform: es:ESHttpGet"}, "User: anonymous"),
        (
            403,
            {"error": {"type": "security_exception", "reason": "no permissions\x1b[2J for"}},
            "no permissions\ufffd[2J for",
        ),
        (500, {"error": {"type": "x", "reason": "broken"}}, "500 at /_index_template: The server said: broken"),
        (429, {"message": "Too Many Requests"}, "429 at /_index_template: The server said: Too Many Requests"),
    ],
)
def test_a_refusal_is_one_line_with_the_servers_reason(
    secured: WireServer, status: int, answer: Any, words: str
) -> None:
    secured.answers["GET", "/_index_template"] = (status, answer)
    assert_one_line(run(secured, "plan"), words)


def test_a_password_in_any_letters_is_sent_and_this_machine_is_asked_without_a_proxy(wire: WireServer) -> None:
    environment = MASTER | {"OPENSEARCH_PASSWORD": "pässwörd€", "HTTP_PROXY": "http://127.0.0.1:9"}
    arguments = ["plan", "--endpoint", wire.url, "--role-arn", ROLE_ARN]
    assert_one_line(CliRunner().invoke(main, arguments, env=environment), "no security plugin")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("command", ["ask", "dashboards"])
def test_other_commands_of_what_is_no_opensearch_end_in_one_line(wire: WireServer, name: str, command: str) -> None:
    status, answer, _ = PAGES[name]
    for asked in (
        ("POST", f"/{INDEX}*/_search"),
        ("GET", "/_plugins/_security/authinfo"),
        ("POST", "/_dashboards/api/saved_objects/_import"),
    ):
        wire.answers[asked] = (status, answer)
    arguments = {"ask": ["who-was-denied"], "dashboards": []}[command]
    result = CliRunner().invoke(main, [command, *arguments, "--endpoint", wire.url], env=MASTER)
    assert_one_line(result)
    tenant = CliRunner().invoke(main, ["dashboards", "--endpoint", wire.url, "--tenant", "eks"], env=MASTER)
    assert_one_line(tenant)


def test_records_are_deleted_by_query_in_the_background_where_the_server_can(secured: WireServer) -> None:
    index = f"{INDEX}-2026.11.20"
    query = f"/{index}/_delete_by_query?conflicts=proceed&refresh=true&wait_for_completion=false"
    mapping = {"dynamic": "false", "properties": {"@log_stream": {"type": "text"}, "cluster": {"type": "keyword"}}}
    counted = {"clusters": {"buckets": [{"key": "prod", "doc_count": 2}, {"key": "dev", "doc_count": 1}]}}
    secured.answers |= {
        ("GET", INDICES): (200, {index: {"mappings": mapping}}),
        ("POST", f"/{index}/_refresh"): (200, {}),
        ("POST", f"/{index}/_search"): (200, {"hits": {"total": {"value": 3}}, "aggregations": counted}),
        ("POST", SEARCH): (200, {"aggregations": counted}),
        ("POST", query): (200, {"task": "node:1"}),
        ("GET", "/_tasks/node%3A1"): (200, {"completed": True, "response": {"deleted": 2, "failures": []}}),
        ("POST", f"/{index}/_count"): (200, {"count": 0}),
    }
    destroy = ("--cluster", "prod", "--delete-indices", "--yes")
    result = run(secured, "destroy", *destroy)
    assert result.exit_code == 0, result.output
    assert ("POST", query, {"query": {"term": {"cluster": "prod"}}}) in secured.asked
    assert ("DELETE", f"/{index}") not in secured.changed
    failed = {"completed": True, "response": {"failures": [{"cause": {"reason": "blocked by: [FORBIDDEN/8]"}}]}}
    secured.answers["GET", "/_tasks/node%3A1"] = (200, failed)
    result = run(secured, "destroy", *destroy)
    assert result.exit_code == 1
    assert "blocked by: [FORBIDDEN/8]" in result.output.splitlines()[-1]
