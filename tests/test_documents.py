"""Expected documents are written from the schema and from each format's definition."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from forwarder.documents import Document, slim
from forwarder.formats.audit.reader import MAX_BODY_DEPTH
from forwarder.json_values import MAX_LISTS, JsonObject
from forwarder.pipeline import documents_of
from forwarder.subscription import LogBatch, LogEvent
from tests.payloads import STREAMS, batch

AUDIT_EVENT: dict[str, Any] = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "RequestResponse",
    "auditID": "5e0c2c5e-0000-4000-8000-000000000001",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/namespaces/default/pods/my-app",
    "verb": "delete",
    "user": {
        "username": "kubernetes-admin",
        "uid": "aws-iam-authenticator:111122223333:AROAEXAMPLE",
        "groups": ["system:authenticated"],
        "extra": {
            "arn": ["arn:aws:sts::111122223333:assumed-role/Admin/mara"],
            "canonicalArn": ["arn:aws:iam::111122223333:role/Admin"],
            "accessKeyId": ["ASIAEXAMPLE"],
            "sessionName": ["mara"],
        },
    },
    "sourceIPs": ["203.0.113.7", "10.0.0.1"],
    "userAgent": "kubectl/v1.33.1",
    "objectRef": {"resource": "pods", "namespace": "default", "name": "my-app", "apiVersion": "v1"},
    "responseStatus": {"metadata": {}, "code": 200},
    "requestReceivedTimestamp": "2026-11-20T09:12:31.100000Z",
    "stageTimestamp": "2026-11-20T09:12:31.120000Z",
    "annotations": {"authorization.k8s.io/decision": "allow", "new.example.com/key": "kept"},
}


def only(log_type: str, message: str) -> dict[str, Any]:
    (document,) = documents_of(batch([message], STREAMS.get(log_type, log_type)))
    return dict(document.source)


def audit(**changes: Any) -> dict[str, Any]:
    event = {name: value for name, value in (AUDIT_EVENT | changes).items() if value is not ...}
    return only("audit", json.dumps(event))


def test_every_document_has_the_fields_that_are_always_there() -> None:
    message = "some line"
    (document,) = documents_of(batch([message], "kube-proxy-1"), region="eu-west-1")
    assert document.source == {
        "@id": "id-0",
        "@timestamp": "2026-11-20T09:12:31.123Z",
        "@message": message,
        "@owner": "111122223333",
        "@log_group": "/aws/eks/shop-test/cluster",
        "@log_stream": "kube-proxy-1",
        "log_type": "unknown",
        "component": "unknown",
        "cluster": "shop-test",
        "region": "eu-west-1",
        "record_bytes": len(message),
        "severity": "INFO",
        "message": message,
    }


def test_a_document_without_its_fields_still_says_where_it_is_from() -> None:
    (document,) = documents_of(batch(["some line"], STREAMS["audit"]), region="eu-west-1")
    source = slim(document, "mapper_parsing_exception").source
    assert (source["cluster"], source["region"], source["@owner"]) == ("shop-test", "eu-west-1", "111122223333")


def test_a_region_that_is_not_known_is_absent() -> None:
    assert "region" not in only("api", "some line")


def test_an_audit_event_is_at_the_root_with_actor_outcome_and_sentence() -> None:
    source = audit()
    assert source["message"] == "kubernetes-admin deleted pods default/my-app: 200"
    assert (source["outcome"], source["severity"]) == ("allowed", "INFO")
    assert source["actor"] == {
        "username": "kubernetes-admin",
        "groups": ["system:authenticated"],
        "kind": "iam",
        "iam_arn": "arn:aws:iam::111122223333:role/Admin",
        "iam_account": "111122223333",
        "iam_principal": "AROAEXAMPLE",
        "session_name": "mara",
        "access_key_id": "ASIAEXAMPLE",
        "source_ip": "10.0.0.1",
    }
    for name in ("verb", "user", "objectRef", "sourceIPs", "annotations", "auditID", "stage", "requestURI"):
        assert source[name] == AUDIT_EVENT[name]
    assert source["responseStatus"] == {"code": 200}
    assert json.loads(source["@message"]) == AUDIT_EVENT


@pytest.mark.parametrize(
    ("changes", "outcome", "severity", "sentence"),
    [
        ({"responseStatus": {"code": 403, "reason": "Forbidden"}}, "denied", "WARNING", "may not delete"),
        ({"responseStatus": {"code": 401}}, "denied", "WARNING", "may not delete"),
        ({"annotations": {"authorization.k8s.io/decision": "forbid"}}, "denied", "WARNING", "may not delete"),
        ({"responseStatus": {"code": 404, "reason": "NotFound"}}, "failed", "WARNING", "failed to delete"),
        ({"responseStatus": {"code": 503}}, "failed", "ERROR", "failed to delete"),
        ({"stage": "Panic", "responseStatus": {"code": 500}}, "failed", "ERROR", "(Panic)"),
        ({"responseStatus": {"status": "Failure", "reason": "Forbidden"}}, "denied", "WARNING", "may not delete"),
        ({"responseStatus": {"status": "Failure", "reason": "NotFound"}}, "failed", "ERROR", "failed to delete"),
        ({"stage": "RequestReceived", "responseStatus": ...}, None, "INFO", "(RequestReceived)"),
        ({"verb": "get", "objectRef": ..., "requestURI": "/livez"}, "allowed", "INFO", "read /livez: 200"),
        ({"impersonatedUser": {"username": "bob"}}, "allowed", "INFO", "kubernetes-admin as bob deleted"),
    ],
)
def test_outcome_severity_and_sentence(
    changes: dict[str, Any], outcome: str | None, severity: str, sentence: str
) -> None:
    source = audit(**changes)
    assert (source.get("outcome"), source["severity"]) == (outcome, severity)
    assert sentence in source["message"]


@pytest.mark.parametrize(
    ("username", "kind", "more"),
    [
        ("system:anonymous", "anonymous", {}),
        ("system:serviceaccount:kube-system:job-controller", "service_account", {"namespace": "kube-system"}),
        ("system:node:ip-10-0-0-1", "node", {}),
        ("system:kube-scheduler", "component", {}),
        ("eks:addon-manager", "component", {}),
        ("oidc-user", "user", {}),
    ],
)
def test_the_actors_kind(username: str, kind: str, more: dict[str, str]) -> None:
    actor = audit(user={"username": username})["actor"]
    assert actor["kind"] == kind
    assert more.items() <= actor.items()


def test_bodies_lose_managed_fields_and_excessive_depth() -> None:
    deep: Any = "bottom"
    for _ in range(60):
        deep = {"down": deep}
    item = {"metadata": {"managedFields": [{"f:spec": {".": {}}}], "name": "x"}, "deep": deep}
    body = audit(responseObject={"items": [item]})["responseObject"]
    assert body["items"][0]["metadata"] == {"name": "x"}
    assert "nested deeper" in json.dumps(body)


LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@pytest.mark.parametrize("wrap", [lambda body: body, lambda body: {"items": [body]}, lambda body: {"template": body}])
def test_copies_of_a_body_in_itself_are_left_out_wherever_they_stand(wrap: Callable[[Any], JsonObject]) -> None:
    metadata = {"name": "x", "managedFields": [{"manager": "m"}], "annotations": {LAST_APPLIED: "{}", "kept": "a"}}
    kept = {"metadata": {"name": "x", "annotations": {"kept": "a"}}}
    for field in ("requestObject", "responseObject"):
        assert audit(**{field: wrap({"metadata": metadata})})[field] == wrap(kept)


@pytest.mark.parametrize(
    ("opened", "closed", "deepest"),
    [('{"a":', "}", MAX_BODY_DEPTH), ("[", "]", MAX_LISTS), ('[{"a":', "}]", MAX_BODY_DEPTH // 2)],
)
def test_a_body_is_whole_up_to_the_deepest_that_is_kept(opened: str, closed: str, deepest: int) -> None:
    for levels in range(1, deepest + 4):
        sent = json.loads(f"{opened * levels}1{closed * levels}")
        kept = audit(requestObject=sent)["requestObject"]
        assert (kept == sent) is (levels <= deepest)
        assert ("nested deeper" in json.dumps(kept)) is (levels > deepest)


@pytest.mark.parametrize("block", ["user", "objectRef", "responseStatus", "annotations", "impersonatedUser"])
@pytest.mark.parametrize("value", [None, "", 1, True, [1], {"": 1, ".": 2, "..": 3, ".a": 4, "a..b": 5}])
def test_nothing_unfit_reaches_a_mapped_object(block: str, value: object) -> None:
    assert block not in audit(**{block: value})


def test_names_that_clash_with_mapped_paths_are_left_out() -> None:
    decision = "authorization.k8s.io/decision"
    annotations = {"authorization": "x", f"{decision}.more": "x", decision: "allow"}
    assert audit(annotations=annotations)["annotations"] == {decision: "allow"}


@pytest.mark.parametrize("message", ['{"kind', "[]", "{}", "no json", ""])
def test_an_unreadable_audit_record_is_kept_and_says_so(message: str) -> None:
    source = only("audit", message)
    assert source["@message"] == message
    assert source["parse_error"]


def test_a_klog_record() -> None:
    message = (
        'E1120 09:12:31.123456       1 schedule_one.go:1004] "Unable to schedule pod; no fit; waiting" '
        'pod="default/my-app" err="0/3 nodes are available" app.kubernetes.io/name="x"'
    )
    source = only("scheduler", message)
    assert source["severity"] == "ERROR"
    assert source["message"].startswith("Unable to schedule pod; no fit; waiting: pod=default/my-app err=0/3 nodes")
    assert source["klog"] == {
        "time": "2026-11-20T09:12:31.123456Z",
        "thread": "1",
        "file": "schedule_one.go",
        "line": 1004,
        "message": "Unable to schedule pod; no fit; waiting",
        "pod": "default/my-app",
        "err": "0/3 nodes are available",
        "fields": {"pod": "default/my-app", "err": "0/3 nodes are available", "app_kubernetes_io/name": "x"},
    }


def test_an_authenticator_record() -> None:
    message = (
        'time="2026-11-20T09:12:31Z" level=info msg="access granted" arn="arn:aws:iam::111122223333:role/Admin" '
        'client="127.0.0.1:1" groups="[system:masters ops]" uid="aws-iam-authenticator:111122223333:AROAEXAMPLE" '
        "username=kubernetes-admin"
    )
    source = only("authenticator", message)
    assert source["outcome"] == "allowed"
    assert source["authenticator"]["groups"] == ["system:masters", "ops"]
    assert source["authenticator"]["username"] == "kubernetes-admin"
    assert source["actor"] == {
        "username": "kubernetes-admin",
        "groups": ["system:masters", "ops"],
        "kind": "iam",
        "iam_arn": "arn:aws:iam::111122223333:role/Admin",
        "iam_account": "111122223333",
        "iam_principal": "AROAEXAMPLE",
    }


def test_the_first_line_of_many_is_the_message() -> None:
    source = only("api", "panic: runtime error\n\ngoroutine 1 [running]:\nmain.main()")
    assert (source["message"], source["severity"]) == ("panic: runtime error", "FATAL")
    assert source["@message"].endswith("main.main()")


def documents(*events: LogEvent) -> list[Document]:
    return list(documents_of(LogBatch("1", "/g", "kube-scheduler-1", events)))


def test_ids_are_the_events_own_or_a_stable_hash() -> None:
    long_id = "é" * 257
    events = [LogEvent("own", 1, "x"), LogEvent(None, 1, "x"), LogEvent(None, 1, "x"), LogEvent(long_id, 1, "x")]
    ids = [document.document_id for document in documents(*events)]
    assert ids[0] == "own"
    assert ids == [document.document_id for document in documents(*events)]
    assert len(set(ids)) == len(ids)
    assert all(len(document_id.encode()) <= 512 for document_id in ids)


def test_a_lone_surrogate_does_not_keep_a_record_out() -> None:
    source = audit(userAgent="bad \ud800 text")
    assert source["userAgent"] == "bad \ufffd text"


def test_the_events_of_an_event_list_are_documents_of_their_own() -> None:
    events = [{**AUDIT_EVENT, "auditID": str(number)} for number in range(2)]
    message = json.dumps({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": events})
    found = list(documents_of(batch([message, json.dumps(AUDIT_EVENT)], STREAMS["audit"])))
    assert [document.document_id for document in found] == ["id-0-0", "id-0-1", "id-1"]
    assert [document.source["auditID"] for document in found] == ["0", "1", AUDIT_EVENT["auditID"]]
    assert [json.loads(str(document.source["@message"])) for document in found] == [*events, AUDIT_EVENT]


@pytest.mark.parametrize("items", ["[]", "null", '"x"'])
def test_an_event_list_without_events_is_kept_as_it_is(items: str) -> None:
    message = f'{{"kind":"EventList","items":{items}}}'
    assert only("audit", message)["@message"] == message
