"""No client hides by a long value: every keyword is found, whatever its length and its characters."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from opensearchpy import OpenSearch

from eks_logs.opensearch import json_file
from forwarder.pipeline import documents_of
from local.rig import Rig
from tests.payloads import STREAMS, TIMESTAMP, answer, batch, envelope, lambda_event

INDEX = "eks-control-plane-logs-long"
TEMPLATE: dict[str, Any] = json_file("index_template.json")["template"]["mappings"]["properties"]
# A character of one, of two and of three bytes, and one that is two code units of UTF-16.
CHARACTERS = ("a", "é", "語", "😀")
# What the function chooses from a few words, or CloudWatch Logs gives.
CHOSEN = {
    *(
        "@id",
        "@timestamp",
        "@message",
        "@owner",
        "@log_group",
        "@log_stream",
        "log_type",
        "component",
        "cluster",
        "region",
    ),
    *("severity", "outcome", "parse_error", "truncated", "redacted", "record_bytes"),
    *("actor.kind", "actor.source_ip", "workload.kind", "actor.iam_account"),
    # Part of a service account's name, which is 340 characters at most.
    "actor.namespace",
}


def fields(properties: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int]]:
    """The path of every field that holds keywords, and the longest that it indexes."""
    for name, mapping in properties.items():
        yield from fields(mapping.get("properties", {}), (*path, name))
        bounds = [
            one["ignore_above"] for one in (mapping, *mapping.get("fields", {}).values()) if "ignore_above" in one
        ]
        if bounds and ".".join((*path, name)) not in CHOSEN:
            yield (*path, name), min(bounds)


LONGEST = dict(fields(TEMPLATE))


def event_with(path: tuple[str, ...], text: str) -> dict[str, Any]:
    """An audit event with the text at this path."""
    event: dict[str, Any] = {"verb": "create", "stage": "ResponseComplete", "objectRef": {"resource": "pods"}}
    at = event
    for name in path[:-1]:
        at = at.setdefault(name, {})
    at[path[-1]] = text
    return event


def user_with(**members: Any) -> dict[str, Any]:
    return {"verb": "get", "user": {"username": "ada", **members}}


def body_with(resource_name: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"verb": "create", "objectRef": {"resource": resource_name}, "requestObject": body}


def lifted(path: tuple[str, ...], text: str) -> dict[str, Any]:  # noqa: PLR0911 - one for each kind of path
    """An audit event of which the function lifts the text to this path."""
    container = {"image": text, "securityContext": {"capabilities": {"add": [text]}}}
    volumes = [{"hostPath": {"path": f"/{text}"}}]
    pod = {"spec": {"containers": [container], "volumes": volumes, "serviceAccountName": text}}
    binding = {"roleRef": {"kind": text, "name": text}, "subjects": [{"kind": "User", "name": text}]}
    service_account = text.replace(":", "")
    match path:
        case ("message",) | ("actor", "username"):
            return user_with(username=text)
        case ("generated_name",):
            return {**body_with("pods", pod), "responseObject": {"metadata": {"name": text}}}
        case ("workload", _):
            return body_with("pods", pod)
        case ("rbac", _):
            return body_with("rolebindings", binding)
        case ("actor", "impersonates"):
            return {**user_with(), "impersonatedUser": {"username": text}}
        case ("actor", "namespace" | "name" as name):
            place = {"namespace": f"{service_account}:n", "name": f"n:{service_account}"}[name]
            return user_with(username=f"system:serviceaccount:{place}"[:1024])
        case ("actor", "groups"):
            return user_with(groups=[text])
    extra = {"iam_arn": "arn", "iam_principal": "principalId", "session_name": "sessionName"}
    return user_with(extra={extra.get(path[-1], "accessKeyId"): [text]})


def record_of(path: tuple[str, ...], text: str) -> tuple[str, str]:  # noqa: PLR0911 - one for each kind of path
    """A log type, and a record of it that has the text at this path."""
    match path:
        case ("klog", "fields", name) | ("klog", "pod" | "node" | "err" as name):
            return (
                "scheduler",
                f'I1120 09:12:31.123456       1 a.go:1] "m" {name}={json.dumps(text, ensure_ascii=False)}',
            )
        case ("klog", "message"):
            return "scheduler", f"I1120 09:12:31.123456       1 a.go:1] {json.dumps(text, ensure_ascii=False)}"
        case ("authenticator", "msg"):
            return "authenticator", f"level=info msg={json.dumps(text, ensure_ascii=False)}"
        case ("authenticator", "groups"):
            return "authenticator", f'level=info msg=m groups="[{text}]"'
        case ("authenticator", name):
            return "authenticator", f"msg=m {name}={json.dumps(text, ensure_ascii=False)}"
        case ("actor" | "workload" | "rbac" | "message" | "generated_name", *_):
            return "audit", json.dumps(lifted(path, text))
    return "audit", json.dumps(event_with(path, text))


# Written by the component itself, of its own source.
CASES = {
    f"{'.'.join(path)} of {character!a} {times}": (path, record_of(path, character * (longest // of * times)))
    for path, longest in LONGEST.items()
    if path not in {("klog", "thread"), ("klog", "file"), ("klog", "prefix")}
    for character, of, times in [(one, 2 if one > "\uffff" else 1, 2) for one in CHARACTERS] + [("x", 1, 40)]
}


def values(document: dict[str, Any], path: tuple[str, ...]) -> list[str]:
    at: Any = document
    for name in path:
        found = [one[name] for one in at if name in one] if isinstance(at, list) else at.get(name)
        at = found
    return at if isinstance(at, list) else [at]


@pytest.mark.parametrize("case", CASES)
def test_a_long_value_is_cut_to_what_is_indexed(case: str) -> None:
    path, (log_type, record) = CASES[case]
    (document,) = documents_of(batch([record], STREAMS[log_type]))
    for value in values(document.source, path):
        assert value
        assert len(value.encode("utf-16-le")) // 2 <= LONGEST[path]


@pytest.mark.parametrize("path", [path for path in LONGEST if path[0] not in {"klog", "authenticator"}], ids=".".join)
def test_a_value_that_is_indexed_is_whole(path: tuple[str, ...]) -> None:
    if path[0] in {"message", "generated_name", "actor", "workload", "rbac"}:
        pytest.skip("what is lifted is put together of several")
    text = "b" * LONGEST[path]
    (document,) = documents_of(batch([record_of(path, text)[1]], STREAMS["audit"]))
    assert values(document.source, path) == [text]


def test_every_long_value_is_found_in_the_index(prepared: Rig, server: OpenSearch) -> None:
    with prepared.lambda_runtime({"INDEX_NAME": INDEX}) as function:
        for log_type in ("audit", "authenticator", "scheduler"):
            events = [
                {"id": case, "timestamp": TIMESTAMP, "message": record}
                for case, (_, (kind, record)) in CASES.items()
                if kind == log_type
            ]
            invocation = function.invoke(lambda_event(envelope([], STREAMS[log_type], logEvents=events)))
            assert invocation.payload == answer(len(events), len(events))
    server.indices.refresh(index=INDEX)
    hidden = []
    for path in {path for path, _ in CASES.values()}:
        mapping = TEMPLATE
        for name in path:
            mapping = mapping.get("properties", mapping)[name]
        names = [".".join(path), *(f"{'.'.join(path)}.{inner}" for inner in mapping.get("fields", {}) if inner != "ip")]
        ids = {case for case, (of, _) in CASES.items() if of == path}
        for field in names:
            query = {"bool": {"filter": [{"exists": {"field": field}}, {"terms": {"@id": sorted(ids)}}]}}
            hits = server.search(index=INDEX, body={"query": query, "size": 100, "_source": ["@id"]})["hits"]["hits"]
            hidden += [f"{field}: {case}" for case in ids - {hit["_source"]["@id"] for hit in hits}]
    server.indices.delete(index=INDEX)
    assert hidden == []
