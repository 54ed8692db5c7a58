"""The function in AWS's runtime emulator, through the signature-verifying edge, into the real OpenSearch."""

import base64
import dataclasses
import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from opensearchpy import OpenSearch

from forwarder.version import VERSION
from local.child_process import free_port
from local.forwarding import EVENTS, forward_events, stored_by_type
from local.lambda_runtime import Invocation, LambdaRuntime
from local.rig import Rig
from tests.conftest import SAMPLES
from tests.golden_pairs import Pair, pairs
from tests.payloads import STREAMS, answer, envelope, lambda_event, wrapped

INDEX = "eks-control-plane-logs-forwarding"
NEVER = "eks-control-plane-logs-never"
# Enough for two attempts: the function tries as long as the invocation may last.
SHORT = {"AWS_LAMBDA_FUNCTION_TIMEOUT": "6"}


@pytest.fixture(scope="module")
def function(prepared: Rig) -> Iterator[LambdaRuntime]:
    with prepared.lambda_runtime({"INDEX_NAME": INDEX}) as runtime:
        yield runtime


@pytest.fixture(scope="module")
def unused(prepared: Rig) -> Iterator[LambdaRuntime]:
    """A function whose index would exist if it ever sent anything."""
    with prepared.lambda_runtime({"INDEX_NAME": NEVER}) as runtime:
        yield runtime


def source(server: OpenSearch, document_id: str, index: str = INDEX) -> dict[str, Any]:
    """The one document with this `@id`, found by searching as a person would."""
    server.indices.refresh(index=index)
    hits = server.search(index=index, body={"query": {"term": {"@id": document_id}}})["hits"]["hits"]
    assert [hit["_id"] for hit in hits] == [document_id]
    found: dict[str, Any] = hits[0]["_source"]
    return found


def pair_event(pair: Pair) -> dict[str, Any]:
    events = [{"id": pair.name, "timestamp": pair.timestamp, "message": pair.record}]
    return lambda_event(envelope([], pair.log_stream, logEvents=events))


def failure(invocation: Invocation) -> tuple[str, str]:
    assert invocation.error is not None, invocation.payload
    return invocation.error["errorType"], invocation.error["errorMessage"]


@pytest.mark.parametrize("pair", pairs(), ids=lambda pair: pair.name)
def test_a_stored_document_is_the_expected_one_field_by_field(
    function: LambdaRuntime, server: OpenSearch, pair: Pair
) -> None:
    invocation = function.invoke(pair_event(pair))
    assert invocation.payload == answer(1, 1)
    assert source(server, pair.name) == pair.document


def test_the_log_begins_with_the_version(prepared: Rig) -> None:
    with prepared.lambda_runtime({"INDEX_NAME": f"{SAMPLES}-again"}) as runtime:
        logs = [runtime.invoke(pair_event(pairs()[0])).log for _ in range(2)]
    lines = [json.loads(line) for line in logs[0].splitlines() if '"level"' in line]
    assert (lines[0]["message"], lines[0]["version"]) == ("cold start", VERSION)
    assert "cold start" not in logs[1]


def test_what_is_sent_again_is_not_stored_again(samples: OpenSearch, prepared: Rig) -> None:
    before = stored_by_type(samples, SAMPLES)
    with prepared.lambda_runtime({"INDEX_NAME": SAMPLES}) as runtime:
        again = forward_events(runtime)
    assert sum(one.said("stored") for one in again) == 0
    assert sum(one.said("duplicate") for one in again) == before.total()
    assert stored_by_type(samples, SAMPLES) == before


def test_a_wrong_secret_is_refused_and_the_function_raises(prepared: Rig) -> None:
    wrong = dataclasses.replace(prepared.function_identity, secret_access_key="not-the-secret")  # noqa: S106 - not one
    with prepared.lambda_runtime({"INDEX_NAME": NEVER}, identity=wrong) as runtime:
        kind, message = failure(runtime.invoke(pair_event(pairs()[0])))
    assert kind == "AccessRefused"
    assert "1 of 1 documents are not stored" in message
    assert "(403): The request signature we calculated does not match" in message


def test_an_unmapped_role_is_told_which_command_maps_it(prepared: Rig) -> None:
    with prepared.lambda_runtime({"INDEX_NAME": NEVER}, identity=prepared.stranger_identity) as runtime:
        kind, message = failure(runtime.invoke(pair_event(pairs()[0])))
    assert kind == "AccessRefused"
    assert "security_exception" in message
    assert "eks-logs apply" in message


def test_a_role_that_may_not_write_to_the_index_is_told_so(prepared: Rig) -> None:
    with prepared.lambda_runtime({"INDEX_NAME": "another-index"}) as runtime:
        kind, message = failure(runtime.invoke(pair_event(pairs()[0])))
    assert kind == "AccessRefused"
    assert "security_exception" in message


def test_an_index_that_is_gone_comes_back_as_the_template_says(function: LambdaRuntime, server: OpenSearch) -> None:
    pair = pairs()[0]
    function.invoke(pair_event(pair))
    server.indices.delete(index=INDEX)
    assert function.invoke(pair_event(pair)).payload == answer(1, 1)
    mapping = server.indices.get_mapping(index=INDEX)[INDEX]["mappings"]
    assert mapping["dynamic"] == "false"
    assert mapping["properties"]["@log_stream"]["analyzer"] == "log_stream"
    assert source(server, pair.name) == pair.document


def test_daily_indices_get_our_mapping_too(prepared: Rig, server: OpenSearch) -> None:
    pair = pairs()[0]
    with prepared.lambda_runtime({"INDEX_NAME": f"{INDEX}-by-day", "INDEX_ROTATION": "daily"}) as runtime:
        assert runtime.invoke(pair_event(pair)).payload == answer(1, 1)
        assert runtime.invoke(pair_event(pair)).payload == answer(1, 0, 1)
    index = f"{INDEX}-by-day-2026.11.20"
    assert server.indices.get_mapping(index=index)[index]["mappings"]["dynamic"] == "false"
    assert source(server, pair.name, index) == pair.document


def test_a_server_that_does_not_answer_is_unreachable(prepared: Rig) -> None:
    nowhere = {"OPENSEARCH_ENDPOINT": f"https://127.0.0.1:{free_port()}", **SHORT}
    with prepared.lambda_runtime(nowhere) as runtime:
        kind, message = failure(runtime.invoke(pair_event(pairs()[0])))
    assert kind == "Unreachable"
    assert "no connection" in message


def test_an_untrusted_certificate_is_no_connection(prepared: Rig) -> None:
    with prepared.lambda_runtime({"OPENSEARCH_CA_FILE": "", **SHORT}) as runtime:
        kind, message = failure(runtime.invoke(pair_event(pairs()[0])))
    assert (kind, "no TLS connection" in message) == ("Unreachable", True)


def test_settings_are_checked_together_at_the_first_event(prepared: Rig) -> None:
    with prepared.lambda_runtime({"OPENSEARCH_ENDPOINT": "http://plain", "BULK_BYTES": "x"}) as runtime:
        kind, message = failure(runtime.invoke(pair_event(pairs()[0])))
    assert kind == "SettingsError"
    assert "OPENSEARCH_ENDPOINT" in message
    assert "BULK_BYTES" in message


GOOD = gzip.compress(json.dumps(envelope(["x"], STREAMS["api"])).encode())
KINESIS = {"Records": [{"kinesis": {"data": base64.b64encode(GOOD).decode()}, "eventSource": "aws:kinesis"}]}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "not base64": ({"awslogs": {"data": "%%%"}}, "UndecodablePayload"),
    "not gzip": (wrapped(b"plain"), "UndecodablePayload"),
    "truncated gzip": (wrapped(GOOD[:-10]), "UndecodablePayload"),
    "not JSON": (wrapped(gzip.compress(b"{")), "UndecodablePayload"),
    "no logEvents": (lambda_event(envelope([], "s", logEvents=None)), "MalformedBatch"),
    "a bomb": (wrapped(gzip.compress(b"\0" * 64_000_001)), "PayloadTooLarge"),
    "an empty event": ({}, "NotASubscription"),
    "a Kinesis event": (KINESIS, "NotASubscription"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_an_error_of_our_own_and_nothing_is_sent(
    unused: LambdaRuntime, server: OpenSearch, case: str
) -> None:
    event, kind = BAD[case]
    assert failure(unused.invoke(event))[0] == kind
    assert not server.indices.exists(index=NEVER)


def test_a_control_message_sends_nothing(unused: LambdaRuntime, server: OpenSearch) -> None:
    event = (EVENTS / "control_message.json").read_bytes()
    assert unused.invoke(event).payload == answer(0, 0)
    assert not server.indices.exists(index=NEVER)


def dimensions(line: dict[str, Any]) -> list[list[str]]:
    """By which CloudWatch tells the metrics of a line in the embedded metric format apart."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    found: list[list[str]] = directive["Dimensions"]
    return found


def test_its_own_log_is_refused_without_an_error_that_would_repeat_it(
    unused: LambdaRuntime, server: OpenSearch
) -> None:
    own = envelope(
        ["START RequestId: …"], "2026/11/20/[$LATEST]0", logGroup="/aws/lambda/eks-control-plane-logs-forwarder"
    )
    invocation = unused.invoke(lambda_event(own))
    assert invocation.payload == answer(0, 0)
    assert "aws logs delete-subscription-filter" in invocation.log
    assert '"OwnLog":[1.0]' in invocation.log.replace(" ", "")
    assert not server.indices.exists(index=NEVER)


def test_log_and_metrics_tell_what_happened_and_no_content(function: LambdaRuntime) -> None:
    content = "words-of-a-record-that-no-log-repeats"
    log = function.invoke(lambda_event(envelope([content, content], STREAMS["scheduler"]))).log
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    metrics, by_type = [line for line in lines if "_aws" in line]
    (entry,) = [line for line in lines if "level" in line]
    assert dimensions(metrics) == [["service"]]
    assert (dimensions(by_type), by_type["log_type"], by_type["Records"]) == (
        [["service", "log_type"]],
        "scheduler",
        [2],
    )
    assert [metrics[name] for name in ("Records", "Stored", "Duplicate", "NotStored")] == [[2], [2], [0], [0]]
    assert metrics["BulkBytes"][0] > len(content)
    assert metrics["IngestLag"][0] >= 0
    assert (entry["level"], entry["message"], entry["records"], entry["stored"]) == ("INFO", "batch delivered", 2, 2)
    assert content not in log


@pytest.mark.parametrize(
    ("log_type", "matching", "not_matching"),
    [
        ("api", ["*apiserver*"], ["*audit*"]),
        ("audit", ["*audit*"], []),
        ("authenticator", ["*authenticator*"], []),
        ("authenticator", ["authenticator-*"], []),
        ("controllerManager", ["*controller-manager*"], []),
        ("scheduler", ["*scheduler*"], []),
    ],
)
def test_the_workshops_dashboard_filters_find_their_log_type(
    samples: OpenSearch, log_type: str, matching: list[str], not_matching: list[str]
) -> None:
    query = {
        "bool": {
            "filter": [{"match_phrase": {"@log_stream": words}} for words in matching],
            "must_not": [{"match_phrase": {"@log_stream": words}} for words in not_matching],
        }
    }
    aggregation = {"types": {"terms": {"field": "log_type"}}}
    found = samples.search(index=SAMPLES, body={"size": 0, "query": query, "aggs": aggregation})
    buckets = found["aggregations"]["types"]["buckets"]
    assert {bucket["key"]: bucket["doc_count"] for bucket in buckets} == {
        log_type: stored_by_type(samples, SAMPLES)[log_type]
    }


@pytest.mark.parametrize(
    "query",
    [
        {"term": {"verb": "delete"}},
        {"terms": {"verb": ["delete", "get"]}},
        {"prefix": {"verb": "de"}},
        {"wildcard": {"verb": "*let*"}},
        {"exists": {"field": "verb"}},
    ],
    ids=lambda query: next(iter(query)),
)
def test_a_keywords_subfield_finds_the_same_as_the_keyword(samples: OpenSearch, query: dict[str, Any]) -> None:
    of_subfield = json.loads(json.dumps(query).replace('"verb"', '"verb.keyword"'))
    found = [samples.count(index=SAMPLES, body={"query": one})["count"] for one in (query, of_subfield)]
    assert found[0] == found[1] > 0


@pytest.mark.parametrize("field", ["user.groups", "user.uid", "objectRef.uid", "user.extra.sessionName"])
def test_what_is_seldom_searched_is_found_all_the_same(samples: OpenSearch, field: str) -> None:
    counts = {"values": {"terms": {"field": field, "size": 3}}}
    buckets = samples.search(index=SAMPLES, body={"size": 0, "aggs": counts})["aggregations"]["values"]["buckets"]
    found = [
        samples.count(index=SAMPLES, body={"query": {"term": {name: bucket["key"]}}})["count"]
        for bucket in buckets
        for name in (field, f"{field}.keyword")
    ]
    assert found == [bucket["doc_count"] for bucket in buckets for _ in range(2)] != []


def test_a_keywords_subfield_is_counted_like_the_keyword(samples: OpenSearch) -> None:
    counts = {"of_field": {"terms": {"field": "verb"}}, "of_subfield": {"terms": {"field": "verb.keyword"}}}
    found = samples.search(index=SAMPLES, body={"size": 0, "aggs": counts})["aggregations"]
    assert found["of_field"]["buckets"] == found["of_subfield"]["buckets"] != []
