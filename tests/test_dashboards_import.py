"""`dashboards` at the wire: what it sends to a Dashboards of the test, and what it makes of the answers."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eks_logs.__main__ import Commands
from eks_logs.commands.dashboards import dashboards_command
from eks_logs.dashboards import SAVED_OBJECTS
from local.child_process import free_port
from local.identities import new_identity
from local.rig import REGION, Rig, open_edge
from tools.dashboards.panels import CONTROL_PLANE_LOGS

MASTER = {"OPENSEARCH_USERNAME": "admin", "OPENSEARCH_PASSWORD": "admin"}
IMPORT = "/_dashboards/api/saved_objects/_import?overwrite=true"
DONE = {"success": True, "successCount": 76}
REFUSED = {
    "success": False,
    "successCount": 74,
    "errors": [
        {
            "id": "eks-api-usage",
            "type": "dashboard",
            "title": "EKS API usage",
            "meta": {"title": "EKS API usage"},
            "error": {"type": "missing_references", "references": [{"type": "search", "id": "gone"}]},
        },
        {
            "id": "eks-question-who-deleted-pod",
            "type": "search",
            "meta": {"title": "Who deleted pods?"},
            "error": {"type": "unknown", "message": "document too large", "statusCode": 413},
        },
    ],
}


@dataclass
class Dashboards:
    """A Dashboards that gives one answer, and keeps what it was sent."""

    url: str = ""
    status: int = 200
    answer: str = json.dumps(DONE)
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json; charset=utf-8"})
    received: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def file(self) -> tuple[str, str, str]:
        """The one part of the form that was sent: its field, its file name and its content."""
        _, _, headers, body = self.received[-1]
        form = message_from_bytes(
            b"Content-Type: " + headers["content-type"].encode() + b"\r\n\r\n" + body, policy=policy.HTTP
        )
        (part,) = form.iter_parts()
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        return str(part.get_param("name", header="content-disposition")), str(part.get_filename()), content.decode()


@pytest.fixture
def dashboards() -> Iterator[Dashboards]:
    served = Dashboards()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            served.received.append((self.command, self.path, headers, body))
            answer = served.answer.encode()
            self.send_response(served.status)
            for name, value in {**served.headers, "content-length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Keep the test's output free of it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        served.url = f"http://127.0.0.1:{server.server_port}"
        yield served
        server.shutdown()


def run(endpoint: str, *more: str, environment: dict[str, str] | None = None) -> Result:
    group = Commands(commands=[dashboards_command])
    arguments = ["dashboards", "--endpoint", endpoint, *more]
    return CliRunner().invoke(group, arguments, env=MASTER if environment is None else environment)


def failure(result: Result) -> str:
    assert result.exit_code == 1, result.output
    assert len(result.output.splitlines()) == 1
    return result.output


def test_all_objects_are_sent_as_one_file_to_replace_what_is_ours(dashboards: Dashboards) -> None:
    result = run(dashboards.url)
    assert result.exit_code == 0, result.output
    assert "76 saved objects imported into the tenant global" in result.output
    assert f"{dashboards.url}/_dashboards/app/dashboards#/view/{CONTROL_PLANE_LOGS}" in result.output
    ((method, path, headers, _),) = dashboards.received
    assert (method, path) == ("POST", IMPORT)
    assert (headers["osd-xsrf"], headers["securitytenant"]) == ("true", "global")
    assert headers["authorization"].startswith("Basic ")
    assert dashboards.file() == ("file", "saved_objects.ndjson", SAVED_OBJECTS.read_text(encoding="utf-8"))


def test_what_was_imported_is_told_as_json(dashboards: Dashboards) -> None:
    report = json.loads(run(dashboards.url, "--json").output)
    assert (report["imported"], report["tenant"]) == (76, "global")
    assert f"{dashboards.url}/_dashboards/app/dashboards#/view/{CONTROL_PLANE_LOGS}" in report["dashboards"].values()


@pytest.mark.parametrize("answer", ["[]", "{}", '{"success":', '{"success": "yes"}'])
def test_json_that_is_not_of_dashboards_is_one_line(dashboards: Dashboards, answer: str) -> None:
    dashboards.answer = answer
    assert "--dashboards-url" in failure(run(dashboards.url))


def test_another_address_of_dashboards_can_be_named(dashboards: Dashboards) -> None:
    result = run("https://127.0.0.1:1", "--dashboards-url", f"{dashboards.url}/", "--tenant", "private")
    assert result.exit_code == 0, result.output
    _, path, headers, _ = dashboards.received[0]
    assert (path, headers["securitytenant"]) == (IMPORT.removeprefix("/_dashboards"), "private")


def test_without_a_password_the_request_is_signed(dashboards: Dashboards, tmp_path: Path) -> None:
    identity = new_identity("arn:aws:iam::111122223333:role/operator")
    environment = {
        "AWS_ACCESS_KEY_ID": identity.access_key_id,
        "AWS_SECRET_ACCESS_KEY": identity.secret_access_key,
        "AWS_SESSION_TOKEN": identity.session_token or "",
    }
    with open_edge(dashboards.url, (identity,), tmp_path / "edge") as edge:
        result = run(edge.url, "--ca-file", str(edge.ca_file), "--region", REGION, environment=environment)
    assert result.exit_code == 0, result.output
    assert dashboards.file()[2] == SAVED_OBJECTS.read_text(encoding="utf-8")


def test_a_tenant_that_the_caller_lacks_is_refused_before_anything_is_sent(
    prepared: Rig, dashboards: Dashboards
) -> None:
    options = ("--ca-file", str(prepared.ca_file), "--dashboards-url", dashboards.url, "--tenant")
    output = failure(run(prepared.edge_url, *options, "eks-team"))
    assert "no tenant eks-team; it may use admin, admin_tenant, global" in output
    assert dashboards.received == []
    assert run(prepared.edge_url, *options, "admin_tenant").exit_code == 0
    assert dashboards.received[0][2]["securitytenant"] == "admin_tenant"


def test_what_was_not_imported_is_named_with_the_reason(dashboards: Dashboards) -> None:
    dashboards.answer = json.dumps(REFUSED)
    output = failure(run(dashboards.url))
    assert "74 saved objects imported, 2 not" in output
    assert "dashboard eks-api-usage (EKS API usage): missing_references search gone" in output
    assert "search eks-question-who-deleted-pod (Who deleted pods?): unknown document too large" in output


@pytest.mark.parametrize(
    ("status", "headers", "answer", "words"),
    [
        (401, {}, '{"message":"Unauthorized"}', "OPENSEARCH_USERNAME"),
        (403, {}, '{"message":"no permission"}', "may write to the tenant"),
        (302, {"location": "/_dashboards/app/login"}, "", "wants a person to log in"),
        (404, {}, '{"message":"Not Found"}', "--dashboards-url"),
        (200, {"content-type": "text/html"}, "<html>another page</html>", "--dashboards-url"),
        (500, {}, '{"message":"no shards"}', "no shards"),
        (413, {}, '{"message":"Payload content length greater than maximum"}', "Payload content length"),
    ],
)
def test_an_answer_that_is_no_success_says_what_to_do(
    dashboards: Dashboards, status: int, headers: dict[str, str], answer: str, words: str
) -> None:
    dashboards.status, dashboards.answer = status, answer
    dashboards.headers.update(headers)
    assert words in failure(run(dashboards.url))


def test_a_dashboards_that_does_not_answer_is_one_line_with_what_to_do() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    assert "check --dashboards-url" in failure(run(nowhere))
