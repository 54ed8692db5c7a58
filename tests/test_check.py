"""The command check on the real OpenSearch: every link by itself, whole and broken."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from opensearchpy import OpenSearch

from eks_logs.opensearch.index_template import TEMPLATE_PATH
from eks_logs.opensearch.role import ROLE_PATH
from eks_logs.opensearch.role_mapping import MAPPING_PATH
from forwarder.documents import document_of, slim
from forwarder.sources import EKS_LOG_TYPES
from local.rig import Rig
from tests.operator_commands import MASTER, as_iam_role, delete, done, get, put, run

INDEX = "eks-control-plane-logs-checked"
PARTIAL = "eks-control-plane-logs-partly-checked"
EMPTY = "eks-control-plane-logs-never-written"

Findings = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def written(prepared: Rig, server: OpenSearch) -> Iterator[Rig]:
    """The rig, with a document of each log type that came just now."""
    for log_type in EKS_LOG_TYPES:
        store(server, {"log_type": log_type})
    yield prepared
    delete(server, f"/{INDEX}")
    delete(server, f"/{PARTIAL}")


@pytest.fixture
def repaired(written: Rig) -> Iterator[Rig]:
    """The same; what a test breaks of ours is fixed afterwards."""
    yield written
    done(written, "apply")


def store(server: OpenSearch, fields: dict[str, Any], index: str = INDEX) -> None:
    server.index(index=index, body={"@timestamp": datetime.now(UTC).isoformat(), **fields}, refresh=True)


def check(rig: Rig, index: str = INDEX, environment: dict[str, str] = MASTER) -> tuple[int, Findings]:
    result = run(rig, "check", "--index", index, "--json", environment=environment)
    report = json.loads(result.output)
    assert report["exit_code"] == result.exit_code
    return result.exit_code, {finding["name"]: finding for finding in report["findings"]}


def assert_broken(rig: Rig, name: str, words: str, remediation: str = "eks-logs apply") -> None:
    """One link fails, with what to do, and the others hold."""
    code, findings = check(rig)
    assert code == 1
    assert [name for name, finding in findings.items() if finding["status"] == "fail"] == [name]
    assert words in findings[name]["message"]
    assert remediation in findings[name]["remediation"]


def test_every_link_holds_after_the_setup(written: Rig) -> None:
    code, findings = check(written)
    assert code == 0
    assert {name: finding["status"] for name, finding in findings.items()} == {
        "aws": "skipped",
        "endpoint": "ok",
        "caller": "ok",
        "version": "ok",
        "security": "ok",
        "rights": "ok",
        "mapped": "ok",
        "template": "ok",
        "index": "ok",
        "creation": "ok",
        "write": "skipped",
        "documents": "ok",
        "parsed": "ok",
    }
    assert findings["version"]["message"] == f"OpenSearch {written.node.version}"
    assert "audit 1" in findings["documents"]["message"]


def test_a_check_is_a_line_for_each_link(written: Rig) -> None:
    lines = done(written, "check", "--index", INDEX).splitlines()
    assert len(lines) == 13
    assert "ok    caller     asks as admin" in lines


def test_a_role_that_somebody_widened_is_found(repaired: Rig, server: OpenSearch) -> None:
    put(server, ROLE_PATH, {"cluster_permissions": ["*"]})
    assert_broken(repaired, "rights", "was changed")


def test_a_role_that_is_not_mapped_is_found(repaired: Rig, server: OpenSearch) -> None:
    put(server, MAPPING_PATH, {"backend_roles": ["arn:aws:iam::111122223333:role/theirs"]})
    assert_broken(repaired, "mapped", repaired.function_identity.role_arn)
    delete(server, MAPPING_PATH)


def test_a_template_that_is_missing_is_found(repaired: Rig, server: OpenSearch) -> None:
    delete(server, TEMPLATE_PATH)
    assert_broken(repaired, "template", "is missing")


def test_a_template_that_was_changed_is_found_and_mended_by_what_the_finding_says(
    repaired: Rig, server: OpenSearch
) -> None:
    template = get(server, TEMPLATE_PATH)["index_templates"][0]["index_template"]
    template["template"]["mappings"]["dynamic"] = True
    put(server, TEMPLATE_PATH, template)
    assert_broken(repaired, "template", "was changed")
    assert "change index template" in done(repaired, "apply", "--index", INDEX)
    assert check(repaired)[0] == 0


def test_a_wrong_password_is_a_broken_caller(written: Rig) -> None:
    code, findings = check(written, environment=MASTER | {"OPENSEARCH_PASSWORD": "wrong"})
    assert code == 1
    assert findings["caller"]["status"] == "fail"
    assert {findings[name]["status"] for name in ("version", "rights", "template", "documents")} == {"skipped"}


def test_an_endpoint_that_does_not_answer_is_all_that_is_said(written: Rig) -> None:
    result = run(written, "check", "--endpoint", "https://127.0.0.1:9")
    assert result.exit_code == 1
    assert len(result.output.splitlines()) == 2
    assert "FAIL  endpoint  no answer from https://127.0.0.1:9; check --endpoint" in result.output


def test_the_functions_own_role_learns_that_its_requests_come_through(written: Rig) -> None:
    code, findings = check(written, environment=as_iam_role(written.function_identity))
    assert code == 0
    assert findings["caller"]["message"] == f"asks as {written.function_identity.role_arn}"
    assert findings["write"]["status"] == "ok"
    assert {findings[name]["status"] for name in ("rights", "mapped", "template", "documents")} == {"skipped"}


def test_no_documents_at_all_are_found(written: Rig) -> None:
    code, findings = check(written, EMPTY)
    assert (code, findings["documents"]["status"]) == (1, "fail")
    assert "none in the last 60 minutes" in findings["documents"]["message"]


def test_a_log_type_that_is_missing_and_slim_documents_are_warned_of(written: Rig, server: OpenSearch) -> None:
    source = slim(
        document_of("1", {"@timestamp": "2026-11-20T09:12:31.123Z", "log_type": "audit"}),
        "400 mapper_parsing_exception",
    ).source
    for log_type in ("api", "authenticator", "controllerManager"):
        store(server, {"log_type": log_type}, PARTIAL)
    store(server, {name: value for name, value in source.items() if name != "@timestamp"}, PARTIAL)
    code, findings = check(written, PARTIAL)
    assert code == 0
    assert findings["documents"]["status"] == "warn"
    assert "scheduler 0" in findings["documents"]["message"]
    assert findings["parsed"]["status"] == "warn"
    assert "1 of 4 not parsed (25.0 %), 1 of them slim" in findings["parsed"]["message"]
