"""Records that others lose, or that stop a server: each is stored in the real OpenSearch and found again."""

import json
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from opensearchpy import OpenSearch

from forwarder.json_values import may_have_long_names
from forwarder.pipeline import documents_of
from local.rig import Rig
from tests.mapping_rules import mapped_paths
from tests.payloads import STREAMS, TIMESTAMP, answer, batch, envelope, lambda_event

INDEX = "eks-control-plane-logs-hostile"
BAD_NAMES = ("", ".", "..", ".a", "a.", "a..b", " ", "a. .b", "\0", "\n")
LARGE = "x" * 40_000
EVENT: dict[str, Any] = {
    "kind": "Event",
    "stage": "ResponseComplete",
    "verb": "create",
    "user": {"username": "system:serviceaccount:default:hostile", "groups": ["g"], "extra": {"arn": ["a"]}},
    "objectRef": {"resource": "pods", "namespace": "default", "name": "hostile"},
    "responseStatus": {"code": 201, "details": {"kind": "pods"}},
    "annotations": {"authorization.k8s.io/decision": "allow"},
    "requestObject": {"kind": "Pod"},
}
BODIES = ("requestObject", "responseObject")
# What the function itself writes; a record cannot.
OURS = {"actor", "generated_name", "klog", "authenticator", "workload", "rbac"}


def changed(path: tuple[str, ...], value: Any) -> str:
    """The event with something else at a path."""
    event = json.loads(json.dumps(EVENT))
    at = event
    for name in path[:-1]:
        at = at[name] if isinstance(at.get(name), dict) else at.setdefault(name, {})
    at[path[-1]] = value
    return json.dumps(event)


def audit_paths(*, objects: bool) -> list[tuple[str, ...]]:
    """The paths of an audit event that are mapped."""
    return [
        path for path in mapped_paths(objects=objects) if path[0] not in OURS and (path[0] in EVENT or len(path) > 1)
    ]


def audit_records() -> dict[str, str]:
    """Every hostile audit event, by a name that becomes its id."""
    deep = '{"a":' * 2_000 + "1" + "}" * 2_000
    names = ("n" * 50_001, "\u00fc" * 25_001, "\U0001f600" * 12_501, '"' * 50_001)
    long_names = {"a": [dict.fromkeys(names, 1)]}
    cases = {
        "annotations": changed(("annotations",), {"new.example.com/key": "v", "a": "1", "a.b": "2", "a.b.c": "3"}),
        "status-text": changed(("responseObject",), {"status": "Failure"}),
        "status-object": changed(("responseObject",), {"status": {"phase": "Running"}}),
        "large-uri": changed(("requestURI",), f"/api/{LARGE}"),
        "large-user": changed(("user", "username"), LARGE),
        "large-reason": changed(("annotations", "authorization.k8s.io/reason"), LARGE),
        "large-body": changed(("requestObject", "data"), LARGE),
        "long-names-in-body": changed(("requestObject",), long_names),
        "long-names-in-new-member": changed(("newMember",), long_names),
        "long-names-cut-off": json.dumps(EVENT)[:-1] + f',"responseObject":{json.dumps(long_names)[:-1]},"cut":"',
        "deep-body": json.dumps(EVENT)[:-1] + f',"responseObject":{deep}}}',
        "deep-list": json.dumps(EVENT)[:-1] + f',"responseObject":{"[" * 2_000}{"]" * 2_000}}}',
        "deep-scalar": '{"verb":"create","objectRef":' + json.dumps(EVENT["objectRef"]) + f',"requestURI":{deep}}}',
        "duplicates": json.dumps(EVENT)[:-1] + ',"verb":"get","verb":"create","user":"x","user":{"username":"y"}}',
        "huge-numbers": changed(("requestObject",), {"n": 10**40, "m": -(10**40), "f": 1e308}),
        "huge-code": changed(("responseStatus", "code"), 10**30),
        "nan": json.dumps(EVENT)[:-1] + ',"responseObject":{"a":NaN,"b":-Infinity,"c":1e999}}',
        "surrogates": json.dumps(EVENT)[:-1] + r',"userAgent":"\ud800 \udfff\ud800 \u0000 \u0001"}',
        "nulls": json.dumps({"verb": "create", "objectRef": EVENT["objectRef"]} | dict.fromkeys(("user", "stage"))),
        "new-members": json.dumps(EVENT | {"a": 1, "a.b": 2, "a.b.c": {"d": [[1]]}, "x": [1, {"": 1, ".": {"..": 2}}]}),
        "masked": json.dumps(EVENT).replace("201", "***"),
        "nuls": changed(("objectRef", "subresource"), "\0\x01\x7f"),
    }
    for path in audit_paths(objects=False):
        cases[f"object-at-{'/'.join(path)}"] = changed(path, {"a": {"b": 1}, ".": 2})
        cases[f"list-at-{'/'.join(path)}"] = changed(path, [[1, {"a": 1}], None, "x"])
        cases[f"null-at-{'/'.join(path)}"] = changed(path, None)
    for path in audit_paths(objects=True):
        for value in ("text", 1, True, None, [1, "x"], [{"a": 1}]):
            cases[f"{json.dumps(value)}-at-{'/'.join(path)}"] = changed(path, value)
    for path in [(), *audit_paths(objects=True)]:
        for name in BAD_NAMES:
            cases[f"name-{name.encode().hex()}-in-{'/'.join(path)}"] = changed((*path, name), "x")
        cases[f"prefix-in-{'/'.join(path)}"] = changed((*path, "authorization"), "x")
    return cases | bodies()


def bodies() -> dict[str, str]:
    """Events with bodies of any shape: they are not read, and parts of them are lifted into fields."""
    spec = {
        "containers": [{"image": {"a": 1}, "securityContext": [1]}, "x", None, {"image": LARGE}],
        "initContainers": {"a": 1},
        "volumes": [{"hostPath": {"path": {"a": 1}}}, {"hostPath": {"path": LARGE}}],
        "hostPID": "true",
        "serviceAccountName": {"a": 1},
    }
    values = ("text", 1, True, [1, "x"], [[["a"]]], {"a": 1, "a.b": 2, "a.b.c": {"d": 1}}, {"spec": spec})
    cases = {f"body-{number}-{body}": changed((body,), value) for number, value in enumerate(values) for body in BODIES}
    for body in BODIES:
        names = {name: {inner: [1, dict.fromkeys(BAD_NAMES)] for inner in BAD_NAMES} for name in BAD_NAMES}
        cases[f"names-{body}"] = changed((body,), names)
    for depth in (199, 255, 500, 900, 1_000):
        for opened, closed in (("[", "]"), ('{"a":', "}")):
            nested = f"{opened * depth}1{closed * depth}"
            for name in ("requestURI", "requestObject", "objectRef"):
                cases[f"{depth}-{closed}-{name}"] = json.dumps(EVENT)[:-1] + f',"{name}":{nested}}}'
            cases[f"{depth}-{closed}-cut"] = json.dumps(EVENT)[:-1] + f',"unknown":{nested},"cut":"'
    return cases


AUDIT = audit_records()
HOSTILE_PAIRS = " ".join(f'{name}="x"' for name in (".", "..", ".a", "a.", "a..b", "msg.a", "a", "a.b", "pod", "pod.x"))
OTHERS = {
    "scheduler": f'I1120 09:12:31.123456       1 a.go:1] "hostile" {HOSTILE_PAIRS}',
    "controllerManager": json.dumps(
        {"ts": 1.0, "msg": "hostile", "pod": {}} | {name: {"a": [1]} for name in BAD_NAMES}
    ),
    "authenticator": f'level=info msg="hostile" {HOSTILE_PAIRS}',
    "api": "hostile " + "y" * 1_000_000,
}


@pytest.fixture(scope="module")
def stored(prepared: Rig, server: OpenSearch) -> Iterator[OpenSearch]:
    """The server, with all of them in one index."""
    with prepared.lambda_runtime({"INDEX_NAME": INDEX}) as function:
        for log_type, records in [("audit", AUDIT), *((name, {name: record}) for name, record in OTHERS.items())]:
            events = [{"id": name, "timestamp": TIMESTAMP, "message": record} for name, record in records.items()]
            invocation = function.invoke(lambda_event(envelope([], STREAMS[log_type], logEvents=events)))
            assert invocation.payload == answer(len(events), len(events))
    server.indices.refresh(index=INDEX)
    yield server
    server.indices.delete(index=INDEX)


def found(server: OpenSearch, query: dict[str, Any]) -> set[str]:
    body = {"query": query, "size": 2_000, "_source": ["@id", "message"]}
    return {hit["_source"]["@id"] for hit in server.search(index=INDEX, body=body)["hits"]["hits"]}


def test_every_record_is_found_by_its_id(stored: OpenSearch) -> None:
    assert found(stored, {"exists": {"field": "@id"}}) == {*AUDIT, *OTHERS}


def test_no_audit_event_hides_behind_what_is_odd_in_it(stored: OpenSearch) -> None:
    spared = {name for name in AUDIT if "at-verb" not in name}
    assert found(stored, {"term": {"verb": "create"}}) >= spared
    spared = {name for name in AUDIT if "objectRef" not in name}
    assert found(stored, {"term": {"objectRef.name.keyword": "hostile"}}) >= spared


def test_lines_are_found_by_their_message(stored: OpenSearch) -> None:
    assert found(stored, {"term": {"klog.message.keyword": "hostile"}}) == {"scheduler", "controllerManager"}
    assert found(stored, {"term": {"authenticator.msg.keyword": "hostile"}}) == {"authenticator"}
    assert found(stored, {"match": {"@message": "hostile"}}) >= {"api"}


def names_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from names_in(item)
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from names_in(item)


@pytest.mark.parametrize("case", [name for name in AUDIT if name.startswith("long-names")])
def test_no_name_is_longer_than_opensearch_3_takes(case: str) -> None:
    (document,) = documents_of(batch([AUDIT[case]], STREAMS["audit"]))
    names = list(names_in(document.source))
    assert len([name for name in names if len(name) > 10_000]) == 4, "each is kept, as far as it may be"
    assert max(len(name.encode()) for name in names) <= 50_000


@pytest.mark.parametrize("name", ["n" * 50_001, '"' * 50_001, "\\" * 50_001, '":"' * 20_000, "\u00fc" * 25_001])
def test_a_long_name_is_seen_wherever_it_stands(name: str) -> None:
    for offset in range(0, 60_000, 997):
        body = orjson.dumps({"a": ["b" * 10] * (offset // 13), "c" * (offset % 13): {name: 1}, "d": "e" * offset})
        assert may_have_long_names(body), offset


def test_many_short_names_are_not_taken_for_a_long_one() -> None:
    assert not may_have_long_names(orjson.dumps({f'na"me{number}': [number] * 100 for number in range(10_000)}))


def test_the_records_are_many() -> None:
    assert len(AUDIT) > 300


def test_ids_that_opensearch_refuses(prepared: Rig, server: OpenSearch) -> None:
    index = f"{INDEX}-ids"
    events = [
        {"id": event_id, "timestamp": TIMESTAMP, "message": "x"} for event_id in ("i" * 513, "é" * 300, "", "\ud800", 5)
    ]
    with prepared.lambda_runtime({"INDEX_NAME": index}) as function:
        event = lambda_event(envelope([], STREAMS["api"], logEvents=events))
        assert function.invoke(event).payload == answer(5, 5)
        assert function.invoke(event).payload == answer(5, 0, 5)
    server.indices.delete(index=index)
