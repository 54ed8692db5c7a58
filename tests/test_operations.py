"""The alarms and docs/operations.md, tried: situations are made in the rig, and what is printed then is read."""

import json
import operator
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest
from opensearchpy import OpenSearch

from forwarder.delivery.bulk import BulkAnswer, pack
from forwarder.delivery.outcomes import Delivery, Verdict, judge
from forwarder.delivery.sender import failure_of
from forwarder.documents import document_of
from forwarder.index_names import Index
from forwarder.json_values import JsonObject
from forwarder.settings import METRICS_NAMESPACE
from forwarder.sources import EKS_LOG_TYPES
from local.child_process import free_port
from local.forwarding import EVENTS
from local.lambda_runtime import Invocation, LambdaRuntime
from local.rig import Rig
from local.s3 import S3Server
from tests.operations_page import blocks, quoted, rows
from tests.payloads import STREAMS, TIMESTAMP, answer, envelope, lambda_event
from tests.stack_template import Json, alarms, read_template

INDEX = "eks-control-plane-logs-operations"
BUCKET = "kept-of-the-operations"
STACK = "stack-of-the-tests"
OWN_GROUP = "/aws/lambda/eks-control-plane-logs-forwarder"
CONTROL = (EVENTS / "control_message.json").read_bytes()
# Two seconds of attempts: the function keeps three for its report.
SHORT = {"AWS_LAMBDA_FUNCTION_TIMEOUT": "5"}

# The indices are daily, so that the day of a record decides what meets it.
DAY_MS = 86_400_000
REFUSING, THEIRS, BLOCKED, BLOCKED_AT_FIRST, CLOSED, BY_ITSELF = (
    TIMESTAMP - days * DAY_MS for days in (10, 11, 12, 13, 14, 15)
)

TEMPLATE = read_template()
ALARMS = alarms(TEMPLATE)
OURS = [name for name, alarm in ALARMS.items() if alarm["Namespace"] == METRICS_NAMESPACE]
COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
}


def index_of(timestamp: int) -> str:
    return f"{INDEX}-{time.strftime('%Y.%m.%d', time.gmtime(timestamp / 1000))}"


def event(name: str, timestamp: int) -> dict[str, Any]:
    record = {"id": name, "timestamp": timestamp, "message": '{"verb":"get"}'}
    return lambda_event(envelope([], STREAMS["audit"], logEvents=[record]))


def unreadable_event(timestamp: int) -> dict[str, Any]:
    records = [{"id": "good", "timestamp": timestamp, "message": '{"verb":"get"}'}, {"id": "bad", "message": 7}]
    return lambda_event(envelope([], STREAMS["audit"], logEvents=records))


@dataclass(frozen=True)
class Case:
    """A function with these variables that gets this event; as nobody's role, or with a wrong secret, if so said."""

    variables: Mapping[str, str]
    event: dict[str, Any]
    stranger: bool = False
    wrong_secret: bool = False


@pytest.fixture(scope="module")
def silent() -> Iterator[str]:
    """An endpoint that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(scope="module")
def troubled(server: OpenSearch) -> Iterator[OpenSearch]:
    """A server with templates of somebody else for two of the days, and the indices of two others read-only."""
    for day, name, mapped in ((REFUSING, "refusing", {"log_type": "boolean"}), (THEIRS, "theirs", {"verb": "long"})):
        properties = {field: {"type": kind} for field, kind in mapped.items()}
        template = {"mappings": {"dynamic": False, "properties": properties}}
        body = {"index_patterns": [index_of(day)], "priority": 900, "template": template}
        server.indices.put_index_template(name=f"operations-{name}", body=body)
    for day in (BLOCKED, BLOCKED_AT_FIRST):
        server.indices.create(index=index_of(day), body={"settings": {"index.blocks.write": True}})
    server.indices.create(index=index_of(CLOSED))
    server.indices.close(index=index_of(CLOSED))
    by_itself = {"index_patterns": [index_of(BY_ITSELF)], "priority": 900, "template": {}}
    server.indices.put_index_template(name="operations-by-itself", body=by_itself)
    yield server
    for name in ("refusing", "theirs", "by-itself"):
        server.indices.delete_index_template(name=f"operations-{name}")


def lift_soon(server: OpenSearch) -> threading.Timer:
    lift = {"index": index_of(BLOCKED_AT_FIRST), "body": {"index.blocks.write": None}}
    timer = threading.Timer(1.0, server.indices.put_settings, kwargs=lift)
    timer.start()
    return timer


def of_one_function(function: LambdaRuntime, server: OpenSearch) -> dict[str, Invocation]:
    """What the stack's function, warm, says in the situations that its own metrics and sentences are about."""
    own = envelope(["START RequestId: …"], "2026/11/20/[$LATEST]0", logGroup=OWN_GROUP)
    now = int(time.time() * 1000)
    function.invoke(CONTROL)
    lifted = lift_soon(server)
    told = {
        "pushed back": function.invoke(event("pushed-back", BLOCKED_AT_FIRST)),
        "delivered": function.invoke(event("fresh", now)),
        "old": function.invoke(event("old", now - 3_600_000)),
        "dead letter": function.invoke(event("refused", REFUSING)),
        "slim": function.invoke(event("slim", THEIRS)),
        "unreadable": function.invoke(unreadable_event(now)),
        "own log": function.invoke(lambda_event(own)),
        "silence": function.invoke(CONTROL),
        "foreign": function.invoke({}),
    }
    lifted.join()
    return told


def tried(rig: Rig, case: Case) -> Invocation:
    """What a function of its own, warm, says."""
    identity = rig.stranger_identity if case.stranger else rig.function_identity
    if case.wrong_secret:
        identity = replace(identity, secret_access_key="not-the-secret")  # noqa: S106 - not one
    with rig.lambda_runtime(case.variables, identity=identity) as function:
        function.invoke(CONTROL)
        return function.invoke(case.event)


@pytest.fixture(scope="module")
def told(prepared: Rig, troubled: OpenSearch, s3: S3Server, silent: str) -> dict[str, Invocation]:
    """What the function said, by situation."""
    s3.new_bucket(BUCKET)
    daily = {"INDEX_NAME": INDEX, "INDEX_ROTATION": "daily", "AWS_ENDPOINT_URL_S3": s3.url}
    stack = {**daily, "DEAD_LETTER_BUCKET": BUCKET, "POWERTOOLS_SERVICE_NAME": STACK}
    plain, nowhere = event("plain", TIMESTAMP), f"https://127.0.0.1:{free_port()}"
    cases = {
        "unmapped": Case(daily, plain, stranger=True),
        "wrong secret": Case(daily, plain, wrong_secret=True),
        "unreachable": Case({**SHORT, "OPENSEARCH_ENDPOINT": nowhere}, plain),
        "silent": Case({**SHORT, "OPENSEARCH_ENDPOINT": silent, "OPENSEARCH_TIMEOUT_SECONDS": "1"}, plain),
        "blocked": Case({**SHORT, **daily}, event("blocked", BLOCKED)),
        "closed": Case({**SHORT, **daily}, event("closed", CLOSED)),
        "by itself": Case(daily, event("by-itself", BY_ITSELF)),
        "no time": Case({"AWS_LAMBDA_FUNCTION_TIMEOUT": "4", **daily}, plain),
        "no bucket": Case({**daily, "DEAD_LETTER_BUCKET": "no-such-bucket"}, event("refused", REFUSING)),
        "settings": Case({"OPENSEARCH_ENDPOINT": "http://plain"}, plain),
    }
    with prepared.lambda_runtime(stack) as function:
        by_one = of_one_function(function, troubled)
    with ThreadPoolExecutor(2) as pool:
        others = dict(zip(cases, pool.map(lambda case: tried(prepared, case), cases.values()), strict=True))
    return by_one | others


def json_lines(invocation: Invocation) -> list[dict[str, Any]]:
    return [json.loads(line) for line in invocation.log.splitlines() if line.startswith("{")]


def log_lines(told: Mapping[str, Invocation]) -> list[dict[str, Any]]:
    """The lines that are no metrics."""
    return [line for invocation in told.values() for line in json_lines(invocation) if "level" in line]


def printed(invocation: Invocation, metric: str, dimensions: Mapping[str, str]) -> float | None:
    """The value of a metric with exactly these dimensions; None where no line has it."""
    for line in json_lines(invocation):
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            is_it = directive["Dimensions"] == [list(dimensions)] and metric in line
            if is_it and directive["Namespace"] == METRICS_NAMESPACE and dimensions.items() <= line.items():
                return float(sum(line[metric]))
    return None


def watched(alarm: Json, invocation: Invocation) -> float | None:
    """What an alarm of the stack STACK gets from an invocation."""
    values = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
    assert values == {"service": {"Ref": "AWS::StackName"}}
    return printed(invocation, alarm["MetricName"], {"service": STACK})


def rings(alarm: Json, value: float | None) -> bool:
    """Whether a period with this value counts against the alarm, with the parameters' defaults."""
    if value is None:
        return bool(alarm["TreatMissingData"] == "breaching")
    threshold = alarm["Threshold"]
    if isinstance(threshold, dict):
        threshold = TEMPLATE["Parameters"][threshold["Ref"]]["Default"]
    return bool(COMPARISONS[alarm["ComparisonOperator"]](value, threshold))


@pytest.mark.parametrize("alarm", OURS)
def test_an_alarm_of_ours_watches_what_a_real_invocation_prints(told: dict[str, Invocation], alarm: str) -> None:
    values = [watched(ALARMS[alarm], invocation) for invocation in told.values()]
    assert [value for value in values if value is not None] != []


@pytest.mark.parametrize(
    ("situation", "alarm"),
    [
        ("dead letter", "DeadLetters"),
        ("unreadable", "Unreadable"),
        ("old", "IngestLag"),
        ("own log", "OwnLog"),
        ("silence", "NoRecords"),
    ],
)
def test_a_situation_rings_its_alarm_and_what_goes_well_does_not(
    told: dict[str, Invocation], situation: str, alarm: str
) -> None:
    assert rings(ALARMS[alarm], watched(ALARMS[alarm], told[situation]))
    assert not rings(ALARMS[alarm], watched(ALARMS[alarm], told["delivered"]))


def test_a_dead_letter_and_the_own_log_are_counted(told: dict[str, Invocation]) -> None:
    assert watched(ALARMS["DeadLetters"], told["dead letter"]) == 1
    assert watched(ALARMS["OwnLog"], told["own log"]) == 1
    assert told["dead letter"].payload == answer(1, 0, 0, 1)


@pytest.mark.parametrize("situation", ["unmapped", "wrong secret", "unreachable", "no bucket", "settings", "foreign"])
def test_what_lambda_counts_as_an_error_is_one(told: dict[str, Invocation], situation: str) -> None:
    assert told[situation].error is not None


def test_an_unmapped_role_is_told_the_command(told: dict[str, Invocation]) -> None:
    assert "[ERROR] AccessRefused: " in told["unmapped"].log
    assert "eks-logs" in told["unmapped"].log


@pytest.mark.parametrize(("sentence", "level"), [(quoted(row[0])[0], row[1]) for row in rows("What the log says")])
def test_a_sentence_of_the_page_is_one_that_is_printed(told: dict[str, Invocation], sentence: str, level: str) -> None:
    seen = {(line["message"], line["level"]) for line in log_lines(told)}
    assert [one for one in seen if one[0].startswith(sentence) and one[1] == level] != []


def test_every_sentence_that_is_printed_is_on_the_page(told: dict[str, Invocation]) -> None:
    sentences = tuple(quoted(row[0])[0] for row in rows("What the log says"))
    assert [line["message"] for line in log_lines(told) if not line["message"].startswith(sentences)] == []


def refused_ids() -> str:
    """What Lambda prints where a collection takes no ids: an answer that no server of the rig gives."""
    reason = "Document ID is not supported in create/index operation request"
    return printed_for({"type": "illegal_argument_exception", "reason": reason})


def no_more_shards() -> str:
    """What Lambda prints at the limit of shards, which is the whole cluster's: tried in test_faults.py."""
    reason = "Validation Failed: 1: this action would add [2] total shards, but this cluster currently has [1]/[1] "
    return printed_for({"type": "validation_exception", "reason": f"{reason}maximum shards open;"})


def printed_for(error: JsonObject) -> str:
    """What Lambda prints for an item that is refused with 400 and this error."""
    (request,) = pack([document_of("a", {"@timestamp": "2026-11-20T23:59:59.999Z"})], Index(INDEX), 10_000)
    items = {"items": [{"create": {"status": 400, "error": error}}]}
    failure = failure_of(Delivery(tuple(judge(request, BulkAnswer(200, json.loads(json.dumps(items))))), 0))
    return f"[ERROR] {type(failure).__name__}: {failure}"


@pytest.mark.parametrize(
    ("error", "text"), [(quoted(row[0])[0], quoted(row[1])[0]) for row in rows("Errors that fail an invocation")]
)
def test_an_error_of_the_page_is_one_that_is_printed(told: dict[str, Invocation], error: str, text: str) -> None:
    words = ".*".join(re.escape(part.strip()) for part in text.split("…"))
    logs = [*(invocation.log for invocation in told.values()), refused_ids(), no_more_shards()]
    assert [log for log in logs if re.search(rf"\[ERROR\] {error}: .*{words}", log)] != []


def documented_fields() -> set[str]:
    return {field for row in rows("Questions to the log") for field in quoted(row[0])}


def test_the_fields_of_the_page_are_those_of_the_log(told: dict[str, Invocation]) -> None:
    verdicts = {verdict.name.lower() for verdict in Verdict}
    assert {field for line in log_lines(told) for field in line} | verdicts == documented_fields()


# Words of the language, and the fields that CloudWatch Logs discovers in every function's log.
QUERY_WORDS = {"filter", "fields", "sort", "desc", "stats", "parse", "as", "by", "in", "like"}
QUERY_WORDS |= {"count", "sum", "max", "pct", "ispresent", "bin", "5m", "1h"}
DISCOVERED = {"@timestamp", "@message", "@type", "@maxMemoryUsed", "@duration"}


@pytest.mark.parametrize("query", blocks("insights"))
def test_a_query_names_fields_that_the_log_has(query: str) -> None:
    bare = re.sub(r"\"[^\"]*\"|/(?:[^/\s]|\\.)+/", "", query)
    made = {name for names in re.findall(r"\bas ((?:\w+)(?:, \w+)*)", bare) for name in names.split(", ")}
    named = {name.removesuffix(".0") for name in re.findall(r"@?[a-z]\w*(?:\.0)?|\b\d+[a-z]\b", bare)}
    assert named - QUERY_WORDS - made - DISCOVERED - documented_fields() == set()


def test_the_metrics_of_the_page_are_those_that_are_printed(told: dict[str, Invocation]) -> None:
    directives = [
        directive
        for invocation in told.values()
        for line in json_lines(invocation)
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", [])
    ]
    names = {metric["Name"] for directive in directives for metric in directive["Metrics"]}
    assert names == {name for row in rows("Metrics") for name in quoted(row[0])}


def test_the_costs_of_the_page_are_those_of_the_stack(told: dict[str, Invocation]) -> None:
    (by_service,) = (line for line in json_lines(told["delivered"]) if "IngestLag" in line)
    of_service = len(by_service["_aws"]["CloudWatchMetrics"][0]["Metrics"])
    series = of_service + len(EKS_LOG_TYPES)
    assert rows("What it costs") == [
        [
            f"{series} metrics at 0.30 USD ({of_service} by `service`, `Records` by {len(EKS_LOG_TYPES)} log types)",
            f"{series * 0.3:.2f} USD",
        ],
        [f"{len(ALARMS)} alarms at 0.10 USD", f"{len(ALARMS) * 0.1:.2f} USD"],
        ["together", f"{series * 0.3 + len(ALARMS) * 0.1:.2f} USD"],
    ]


def test_what_is_stored_twice_is_found_and_folded_as_the_page_says(prepared: Rig, server: OpenSearch) -> None:
    twice, once = (json.loads(block) for block in blocks("json"))
    index = f"{INDEX}-generated"
    with prepared.lambda_runtime({"INDEX_NAME": index, "DOCUMENT_IDS": "generated"}) as function:
        for name in ("a", "b", "a"):
            assert function.invoke(event(name, TIMESTAMP)).payload == answer(1, 1)
    server.indices.refresh(index=index)
    buckets = server.search(index=index, body=twice)["aggregations"]["twice"]["buckets"]
    assert [(bucket["key"], bucket["doc_count"]) for bucket in buckets] == [("a", 2)]
    hits = server.search(index=index, body=once)["hits"]["hits"]
    assert sorted(hit["_source"]["@id"] for hit in hits) == ["a", "b"]
