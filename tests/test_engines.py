"""Whichever engine the rig runs: what it says to a bulk request that it refuses means the same."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from opensearchpy import OpenSearch
from requests_aws4auth import AWS4Auth

from eks_logs.opensearch.index_template import TEMPLATE_PATH
from eks_logs.opensearch.role import ROLE_PATH
from eks_logs.opensearch.role_mapping import MAPPING_PATH
from forwarder.delivery.error_causes import error_type, item_cause, request_cause
from forwarder.delivery.verdicts import Cause, Verdict
from local.rig import Identity, Rig

INDEX = "eks-control-plane-logs-engine"
Answer = tuple[int, Any]
State = Callable[[OpenSearch, str], AbstractContextManager[None]]


def post(rig: Rig, identity: Identity, index: str, document: Any, path: str = "/_bulk") -> Answer:
    """A document sent as the function sends it; HTTP's status, and the answer."""
    lines = [json.dumps(line) for line in ({"create": {"_index": index, "_id": "1"}}, document)]
    keys = (identity.access_key_id, identity.secret_access_key)
    answer = requests.post(
        rig.edge_url + path,
        data="\n".join([*lines, ""]),
        headers={"Content-Type": "application/x-ndjson"},
        auth=AWS4Auth(*keys, rig.region, "es", session_token=identity.session_token),
        verify=str(rig.ca_file),
        timeout=30,
    )
    return answer.status_code, answer.json()


def item(answer: Answer) -> tuple[int, Any]:
    """Status and error of the only document of an answer."""
    status, body = answer
    assert status == 200, body
    result = body["items"][0]["create"]
    return result["status"], result.get("error")


@pytest.fixture
def unlike_ours(server: OpenSearch) -> Iterator[str]:
    """The name of an index that our template is not for."""
    yield "engine-unlike-ours"
    server.indices.delete(index="engine-unlike-ours", ignore_unavailable=True)


@pytest.fixture
def index(server: OpenSearch) -> Iterator[str]:
    """The name of an index that is not there yet; nothing of that name stays."""
    yield INDEX
    server.indices.delete(index=f"{INDEX}*", ignore_unavailable=True, expand_wildcards="all")


@dataclass(frozen=True)
class Mapped:
    """An index and a document that its mapping refuses."""

    name: str
    mappings: Mapping[str, Any]
    document: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)


def typed(kind: str, value: Any, **more: Any) -> Mapped:
    return Mapped(kind, {"properties": {"a": {"type": kind, **more}}}, {"a": value})


def nested(levels: int) -> Any:
    return {"a": nested(levels - 1)} if levels else 1


def limited(name: str, document: Any, **mappings: Any) -> Mapped:
    setting, _, number = name.partition(" ")
    return Mapped(name, mappings, document, {f"mapping.{setting}.limit": int(number)})


DYNAMIC: dict[str, Any] = {"dynamic": True}
REFUSED = [
    typed("date", "nope"),
    typed("long", "nope"),
    typed("byte", 300),
    typed("boolean", "nope"),
    typed("ip", "nope"),
    typed("keyword", {"b": 1}),
    typed("object", "nope"),
    Mapped("an immense term", {"properties": {"a": {"type": "keyword"}}}, {"a": "x" * 40_000}),
    Mapped("an object where a field is", {"dynamic": True, "properties": {"a": {"type": "long"}}}, {"a.b": 1}),
    Mapped("a field where an object is", {"properties": {"a": {"properties": {"b": {"type": "long"}}}}}, {"a": 1}),
    Mapped("strict", {"dynamic": "strict"}, {"a": 1}),
    Mapped("an empty name", DYNAMIC, {"": 1}),
    Mapped("a name of one dot", DYNAMIC, {".": 1}),
    Mapped("two types at once", DYNAMIC, {"a": [1, {"b": 2}]}),
    limited("total_fields 2", {"a": 1, "b": 2, "c": 3}, **DYNAMIC),
    limited("depth 2", nested(4), **DYNAMIC),
    limited("field_name_length 50", {"a" * 60: 1}, **DYNAMIC),
    limited("nested_objects 2", {"a": [{}, {}, {}]}, properties={"a": {"type": "nested"}}),
]
"""Each is refused for good, for what is in the document."""


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_the_mapping_refuses_is_refused(case: Mapped, server: OpenSearch, unlike_ours: str) -> None:
    settings = {f"index.{name}": value for name, value in case.settings.items()}
    server.indices.create(index=unlike_ours, body={"mappings": case.mappings, "settings": settings})
    response = server.bulk(body=[{"create": {"_index": unlike_ours}}, case.document])
    status, error = item((200, response))
    assert (status, item_cause(status, error)) == (400, Cause.MAPPING), error


def created(**body: Any) -> State:
    """An index that was made so."""

    @contextmanager
    def state(server: OpenSearch, index: str) -> Iterator[None]:
        server.indices.create(index=index, body=body)
        yield

    return state


def with_settings(**settings: Any) -> State:
    return created(settings={name.replace("__", "."): value for name, value in settings.items()})


@contextmanager
def closed(server: OpenSearch, index: str) -> Iterator[None]:
    server.indices.create(index=index)
    server.indices.close(index=index)
    yield


@contextmanager
def two_indices_of_an_alias(server: OpenSearch, index: str) -> Iterator[None]:
    for number in (1, 2):
        server.indices.create(index=f"{index}-{number}", body={"aliases": {index: {}}})
    yield


def cluster_setting(name: str, value: Any) -> State:
    @contextmanager
    def state(server: OpenSearch, _: str) -> Iterator[None]:
        server.cluster.put_settings(body={"persistent": {name: value}})
        try:
            yield
        finally:
            server.cluster.put_settings(body={"persistent": {name: None}})

    return state


def foreign_template(template: Mapping[str, Any]) -> State:
    """A template of somebody else's that wins over ours for this index alone."""

    @contextmanager
    def state(server: OpenSearch, index: str) -> Iterator[None]:
        body = {"index_patterns": [index], "priority": 900, "template": template}
        server.indices.put_index_template(name=index, body=body)
        try:
            yield
        finally:
            server.indices.delete_index_template(name=index)

    return state


STATES: dict[str, tuple[State, int, Cause]] = {
    "closed": (closed, 400, Cause.INDEX_CLOSED),
    "write block": (with_settings(index__blocks__write=True), 403, Cause.BLOCKED),
    "read only": (with_settings(index__blocks__read_only=True), 403, Cause.BLOCKED),
    "disk full": (with_settings(index__blocks__read_only_allow_delete=True), 429, Cause.DISK_FULL),
    "no more shards": (cluster_setting("cluster.max_shards_per_node", 1), 400, Cause.SHARD_LIMIT),
    "no auto-creation": (cluster_setting("action.auto_create_index", "false"), 404, Cause.NO_INDEX),
    "alias of two": (two_indices_of_an_alias, 400, Cause.NO_WRITE_INDEX),
    "no pipeline": (with_settings(index__default_pipeline="missing"), 400, Cause.NO_PIPELINE),
    "final pipeline": (with_settings(index__final_pipeline="missing"), 400, Cause.NO_PIPELINE),
    "routing": (created(mappings={"_routing": {"required": True}}), 400, Cause.FOREIGN_INDEX),
    "mapped by the server": (foreign_template({"mappings": {"dynamic": True}}), 403, Cause.MAPPED_BY_SERVER),
}


@pytest.mark.parametrize("name", STATES)
def test_what_the_servers_state_refuses_is_not_for_the_document(
    name: str, prepared: Rig, server: OpenSearch, index: str
) -> None:
    state, expected_status, cause = STATES[name]
    with state(server, index):
        status, error = item(post(prepared, prepared.function_identity, index, {"verb": "get"}))
    if "read only" in name:
        server.indices.put_settings(index=index, body={"index.blocks.read_only": None})
    assert (status, item_cause(status, error)) == (expected_status, cause), error


def test_an_id_that_is_there_is_a_conflict(prepared: Rig, index: str) -> None:
    first, second = (item(post(prepared, prepared.function_identity, index, {"verb": "get"})) for _ in range(2))
    assert first == (201, None)
    assert (second[0], error_type(second[1])) == (409, "version_conflict_engine_exception")


def test_an_index_that_the_role_has_not_is_refused_item_by_item(prepared: Rig) -> None:
    status, error = item(post(prepared, prepared.function_identity, "not-ours", {"verb": "get"}))
    assert (status, item_cause(status, error)) == (403, Cause.MISSING_RIGHTS), error


def test_a_role_that_is_not_mapped_is_refused_the_whole_request(prepared: Rig) -> None:
    status, body = post(prepared, prepared.stranger_identity, INDEX, {"verb": "get"})
    assert (status, request_cause(status, body)) == (403, Cause.MISSING_RIGHTS), body


def test_a_name_that_no_index_may_have(prepared: Rig) -> None:
    status, error = item(post(prepared, prepared.function_identity, f"{INDEX}-UPPER", {"verb": "get"}))
    assert (status, item_cause(status, error).verdict) == (400, Verdict.MISCONFIGURED), error


ONLY_3_REFUSES = {
    "a name of more than 50,000 bytes": f'{{"{"n" * 50_001}":1}}',
    "more than 1,000 levels": '{"a":' * 1_001 + "1" + "}" * 1_001,
}


@pytest.mark.parametrize("name", ONLY_3_REFUSES)
def test_limits_of_the_json_reader_came_with_3(name: str, prepared: Rig, server: OpenSearch, unlike_ours: str) -> None:
    server.indices.create(index=unlike_ours, body={"mappings": {"dynamic": False}})
    lines = f'{{"create":{{"_index":"{unlike_ours}","_id":"1"}}}}\n{ONLY_3_REFUSES[name]}\n'
    status, error = item((200, server.transport.perform_request("POST", "/_bulk", body=lines)))
    if prepared.node.version.startswith("2."):
        assert (status, error) == (201, None)
    else:
        assert (status, item_cause(status, error)) == (400, Cause.MAPPING)
        assert error["caused_by"]["type"] == "stream_constraints_exception"


@pytest.mark.parametrize("codec", ["zstd", "zstd_no_dict"])
def test_neither_has_amazons_codecs(codec: str, prepared: Rig) -> None:
    answer = prepared.node.request("PUT", "/engine-unlike-ours", {"settings": {"index.codec": codec}})
    assert answer.status_code == 400
    assert "[default, lz4, best_compression, zlib]" in answer.json()["error"]["reason"]


def test_neither_has_index_state_management(prepared: Rig) -> None:
    answer = prepared.node.request("GET", "/_plugins/_ism/policies")
    assert (answer.status_code, "no handler found" in answer.json()["error"]) == (400, True)


def test_nothing_that_apply_makes_is_deprecated(prepared: Rig) -> None:
    for path in (ROLE_PATH, MAPPING_PATH, TEMPLATE_PATH):
        answer = prepared.node.request("GET", path)
        assert (answer.status_code, answer.headers.get("Warning")) == (200, None)
    template = answer.json()["index_templates"][0]["index_template"]
    put = prepared.node.request("PUT", TEMPLATE_PATH, template)
    assert (put.status_code, put.headers.get("Warning")) == (200, None)
