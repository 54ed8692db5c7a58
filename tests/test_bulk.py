import orjson
import pytest

from forwarder.delivery.bulk import BulkAnswer, BulkRequest, pack
from forwarder.delivery.outcomes import judge
from forwarder.delivery.verdicts import Cause, Verdict
from forwarder.documents import Document, document_of
from forwarder.index_names import Index
from forwarder.json_values import JsonObject, JsonValue

PREVIEW = (
    "failed to parse field [verb] of type [keyword] in document with id 'a'. Preview of field's value: '{k=SECRET}'"
)
IMMENSE = (
    'Document contains at least one immense term in field="requestURI" (whose UTF8 encoding is longer than the max '
    "length 32766), all of which were skipped. The prefix of the first immense term is: '[83, 69, 67]...'"
)

# Of every item, by time-series and vector collections of OpenSearch Serverless.
NO_IDS = "Document ID is not supported in create/index operation request"


QUEUE_FULL = (
    "rejected execution of org.opensearch.action.support.replication.TransportWriteAction$1@37690074 on "
    "OpenSearchThreadPoolExecutor[name = node-0/write, queue capacity = 1, "
    "org.opensearch.common.util.concurrent.OpenSearchThreadPoolExecutor@3a3bbd33[Running, pool size = 1, "
    "active threads = 1, queued tasks = 1, completed tasks = 0]]"
)
QUEUE_FULL_TOLD = (
    "rejected execution of org.opensearch.action.support.replication.TransportWriteAction on "
    "OpenSearchThreadPoolExecutor[name = node-0/write, queue capacity = 1]"
)
NO_MEMORY = (
    "rejected execution of coordinating operation [coordinating_and_primary_bytes=0, replica_bytes=0, all_bytes=0, "
    "coordinating_operation_bytes=807232, max_coordinating_and_primary_bytes=204800]"
)


def document(name: str, size: int = 0) -> Document:
    return document_of(name, {"@timestamp": "2026-11-20T23:59:59.999Z", "@id": name, "filler": "x" * size})


def request(*names: str) -> BulkRequest:
    (packed,) = pack([document(name) for name in names], Index("logs"), 10_000)
    return packed


def answer(*results: JsonObject, status: int = 200) -> BulkAnswer:
    items: list[JsonValue] = [{"create": result} for result in results]
    return BulkAnswer(status, {"took": 1, "errors": True, "items": items})


def error(kind: str, reason: str) -> JsonObject:
    return {"type": kind, "reason": reason}


def test_a_request_is_create_actions_with_the_documents_ids() -> None:
    lines = [orjson.loads(line) for line in request("a", "b").body.splitlines()]
    assert lines == [
        {"create": {"_index": "logs", "_id": "a"}},
        {"@timestamp": "2026-11-20T23:59:59.999Z", "@id": "a", "filler": ""},
        {"create": {"_index": "logs", "_id": "b"}},
        {"@timestamp": "2026-11-20T23:59:59.999Z", "@id": "b", "filler": ""},
    ]
    assert request("a").body.endswith(b"\n")


def test_where_the_server_gives_the_ids_a_request_names_none() -> None:
    (packed,) = pack([document("a")], Index("logs", event_ids=False), 10_000)
    action, source = (orjson.loads(line) for line in packed.body.splitlines())
    assert action == {"create": {"_index": "logs"}}
    assert source["@id"] == "a"


def test_requests_keep_to_their_size_and_lose_nothing() -> None:
    documents = [document(f"d{position}", size) for position, size in enumerate([400, 400, 5_000, 400, 400, 400])]
    requests = list(pack(documents, Index("logs"), 1_100))
    assert [len(packed.documents) for packed in requests] == [2, 1, 2, 1]
    assert [part for packed in requests for part in packed.documents] == documents
    assert all(len(packed.body) <= 1_100 for packed in requests if len(packed.documents) > 1)
    assert list(pack([], Index("logs"), 1_000)) == []


@pytest.mark.parametrize(
    ("result", "verdict", "reason"),
    [
        ({"status": 201}, Verdict.STORED, ""),
        ({"status": 409, "error": error("version_conflict_engine_exception", "[a]: exists")}, Verdict.DUPLICATE, None),
        (
            {"status": 400, "error": error("mapper_parsing_exception", PREVIEW)},
            Verdict.REJECTED,
            "mapper_parsing_exception in field [verb]",
        ),
        (
            {"status": 400, "error": error("illegal_argument_exception", IMMENSE)},
            Verdict.REJECTED,
            "illegal_argument_exception in field [requestURI]",
        ),
        (
            {"status": 400, "error": error("strict_dynamic_mapping_exception", "SECRET")},
            Verdict.REJECTED,
            "strict_dynamic_mapping_exception",
        ),
        (
            {"status": 403, "error": error("security_exception", "no permissions for [x]")},
            Verdict.MISCONFIGURED,
            "security_exception: no permissions for [x]",
        ),
        ({"status": 403, "error": error("cluster_block_exception", "index [x] blocked")}, Verdict.RETRYABLE, None),
        ({"status": 404, "error": error("index_not_found_exception", "no such index")}, Verdict.MISCONFIGURED, None),
        (
            {"status": 400, "error": error("illegal_argument_exception", NO_IDS)},
            Verdict.MISCONFIGURED,
            f"illegal_argument_exception: {NO_IDS}",
        ),
        ({"status": 429, "error": error("rejected_execution_exception", "queue full")}, Verdict.RETRYABLE, None),
        ({"status": 503, "error": error("unavailable_shards_exception", "no shard")}, Verdict.RETRYABLE, None),
        ({}, Verdict.RETRYABLE, "an item of the answer has no status"),
    ],
)
def test_an_item_is_judged_by_its_status(result: JsonObject, verdict: Verdict, reason: str | None) -> None:
    (outcome,) = judge(request("a"), answer(result))
    assert outcome.verdict is verdict
    assert reason is None or outcome.reason == reason
    assert "SECRET" not in outcome.reason


@pytest.mark.parametrize(
    ("given", "verdict", "reason"),
    [
        (BulkAnswer(None, "no connection: refused"), Verdict.RETRYABLE, "no connection: refused"),
        (BulkAnswer(403, {"message": "The request signature …"}), Verdict.MISCONFIGURED, "The request signature …"),
        (BulkAnswer(403, {"Message": "User: anonymous is not …"}), Verdict.MISCONFIGURED, "User: anonymous is not …"),
        (
            BulkAnswer(403, {"error": error("security_exception", "no permissions"), "status": 403}),
            Verdict.MISCONFIGURED,
            "security_exception: no permissions",
        ),
        (BulkAnswer(401, "Unauthorized"), Verdict.MISCONFIGURED, "HTTP 401: Unauthorized"),
        (BulkAnswer(404, None), Verdict.MISCONFIGURED, "HTTP 404"),
        (BulkAnswer(413, None), Verdict.TOO_LARGE, "HTTP 413"),
        (BulkAnswer(429, {"error": error("rejected_execution_exception", "busy")}), Verdict.RETRYABLE, None),
        (BulkAnswer(503, "<html>a whole page</html>"), Verdict.RETRYABLE, "HTTP 503"),
        (BulkAnswer(400, {"error": error("illegal_argument_exception", "SECRET")}), Verdict.MISCONFIGURED, None),
        (BulkAnswer(200, "not what bulk answers"), Verdict.RETRYABLE, None),
        (BulkAnswer(200, {"items": [{"create": {"status": 201}}]}), Verdict.RETRYABLE, None),
    ],
)
def test_an_answer_without_items_counts_for_every_document(
    given: BulkAnswer, verdict: Verdict, reason: str | None
) -> None:
    judged = judge(request("a", "b"), given)
    assert [outcome.verdict for outcome in judged] == [verdict, verdict]
    assert reason is None or {outcome.reason for outcome in judged} == {reason}
    assert "SECRET" not in judged[0].reason


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (QUEUE_FULL, QUEUE_FULL_TOLD),
        (NO_MEMORY, "rejected execution of coordinating operation [max_coordinating_and_primary_bytes=204800]"),
    ],
)
def test_the_same_refusal_reads_the_same_each_time(reason: str, told: str) -> None:
    (outcome,) = judge(request("a"), answer({"status": 429, "error": error("rejected_execution_exception", reason)}))
    assert outcome.reason == f"rejected_execution_exception: {told}"


@pytest.mark.parametrize(
    ("rotation", "timestamp", "index"),
    [
        ("none", "2026-11-20T23:59:59.999Z", "logs"),
        ("daily", "2026-11-20T23:59:59.999Z", "logs-2026.11.20"),
        ("daily", "2026-11-21T00:00:00.000Z", "logs-2026.11.21"),
        ("monthly", "2026-11-20T23:59:59.999Z", "logs-2026.11"),
        ("weekly", "2026-11-20T23:59:59.999Z", "logs-2026.w47"),
        ("weekly", "2027-01-01T00:00:00.000Z", "logs-2026.w53"),
    ],
)
def test_an_index_is_named_by_the_events_own_time(rotation: str, timestamp: str, index: str) -> None:
    (packed,) = pack([document_of("a", {"@timestamp": timestamp})], Index("logs", rotation), 1_000)
    assert orjson.loads(packed.body.splitlines()[0])["create"]["_index"] == index


def told(kind: str, text: str, status: int = 400, **more: JsonValue) -> JsonObject:
    return {"status": status, "error": {"type": kind, "reason": text, **more}}


# As OpenSearch 2.19.4 answers, provoked one by one.
SHARDS = (
    "Validation Failed: 1: this action would add [2] total shards, but this cluster currently has [1]/[1] maximum "
    "shards open;"
)
NO_WRITE = (
    "no write index is defined for alias [al]. The write index may be explicitly disabled using is_write_index=false "
    "or the alias points to multiple indices without one being designated as a write index"
)
MAY_NOT_MAP = "no permissions for [indices:admin/mapping/put] and User [name=arn:aws:iam::1:role/r, backend_roles=[]]"
OF_THE_STATE = [
    (told("validation_exception", SHARDS), Cause.SHARD_LIMIT, f"validation_exception: {SHARDS}"),
    (told("index_closed_exception", "closed", index="idx"), Cause.INDEX_CLOSED, "index_closed_exception: closed [idx]"),
    (told("illegal_argument_exception", NO_WRITE), Cause.NO_WRITE_INDEX, None),
    (
        told("illegal_argument_exception", "pipeline with id [missing] does not exist"),
        Cause.NO_PIPELINE,
        "illegal_argument_exception: pipeline with id [missing] does not exist",
    ),
    (told("routing_missing_exception", "routing is required for [rout]/[1]"), Cause.FOREIGN_INDEX, None),
    (told("invalid_index_name_exception", "Invalid index name [UPPER], must be lowercase"), Cause.INDEX_NAME, None),
    (told("resource_already_exists_exception", "index [a/b] already exists"), Cause.BUSY, None),
    (
        told("index_create_block_exception", "blocked by: [FORBIDDEN/10/cluster create-index blocked (api)];", 403),
        Cause.CREATION_BLOCKED,
        None,
    ),
    (
        told("cluster_block_exception", "index [i] blocked by: [FORBIDDEN/5/index read-only (api)];", 403),
        Cause.BLOCKED,
        None,
    ),
    (told("cluster_block_exception", "index [i] blocked by: [TOO_MANY_REQUESTS/12/disk];", 429), Cause.DISK_FULL, None),
    (
        told("index_not_found_exception", "no such index [aaa]", 404),
        Cause.NO_INDEX,
        "index_not_found_exception: no such index [aaa]",
    ),
    (told("security_exception", MAY_NOT_MAP, 403), Cause.MAPPED_BY_SERVER, None),
    (
        told("mapper_parsing_exception", "Failed to parse mapping [_doc]: analyzer [nope] not found"),
        Cause.FOREIGN_INDEX,
        None,
    ),
    (
        told("illegal_argument_exception", "number of documents in the index cannot exceed 2147483519"),
        Cause.INDEX_FULL,
        "illegal_argument_exception: number of documents in the index cannot exceed 2147483519",
    ),
    (
        told("illegal_argument_exception", "something new about 'SECRET'"),
        Cause.NOT_UNDERSTOOD,
        "illegal_argument_exception: something new about …",
    ),
    (told("exception_of_tomorrow", "SECRET", 418), Cause.NOT_UNDERSTOOD, "exception_of_tomorrow"),
    (told("illegal_state_exception", "SECRET", 500), Cause.BUSY, "illegal_state_exception"),
]


@pytest.mark.parametrize(("result", "cause", "reason"), OF_THE_STATE)
def test_what_does_not_speak_of_the_document_is_never_a_refusal(
    result: JsonObject, cause: Cause, reason: str | None
) -> None:
    (outcome,) = judge(request("a"), answer(result))
    assert (outcome.cause, outcome.verdict) == (cause, cause.verdict)
    assert outcome.verdict in (Verdict.RETRYABLE, Verdict.MISCONFIGURED)
    assert reason is None or outcome.reason == reason
    assert "SECRET" not in outcome.reason


@pytest.mark.parametrize(
    "result",
    [
        told("mapper_parsing_exception", "failed to parse"),
        told(
            "mapper_parsing_exception", "The number of nested documents has exceeded the allowed limit of [2]. SECRET"
        ),
        told("illegal_argument_exception", "Limit of total fields [2] has been exceeded"),
        told("illegal_argument_exception", "Field name [SECRET] is longer than the limit of [5] characters"),
        told("illegal_argument_exception", "can't merge a non object mapping [SECRET] with an object mapping"),
        told("illegal_argument_exception", 'cannot change field "SECRET" from index options=DOCS'),
        told(
            "strict_dynamic_mapping_exception", "mapping set to strict, dynamic introduction of [SECRET] within [_doc]"
        ),
    ],
)
def test_what_speaks_of_the_document_is_a_refusal(result: JsonObject) -> None:
    (outcome,) = judge(request("a"), answer(result))
    assert (outcome.cause, outcome.verdict) == (Cause.MAPPING, Verdict.REJECTED)
    assert "SECRET" not in outcome.reason


def test_errors_false_is_believed_only_if_the_items_say_so() -> None:
    created: JsonObject = {"status": 201}
    lying = BulkAnswer(200, {"errors": False, "items": [{"create": created}, {"create": BUSY}, {"create": {}}]})
    assert [outcome.verdict for outcome in judge(request("a", "b", "c"), lying)] == [
        Verdict.STORED,
        Verdict.RETRYABLE,
        Verdict.RETRYABLE,
    ]


BUSY: JsonObject = {"status": 429, "error": {"type": "rejected_execution_exception", "reason": "queue full"}}


@pytest.mark.parametrize(
    "result",
    [
        {"status": 200},
        {"status": 202},
        {"status": True},
        {"status": "201"},
        {"status": 201, "error": {"type": "x"}},
        {"status": 409, "error": {"type": "illegal_state_exception", "reason": "x"}},
        {"status": 100},
    ],
)
def test_only_created_and_a_version_conflict_say_that_a_document_is_there(result: JsonObject) -> None:
    (outcome,) = judge(request("a"), answer(result))
    assert outcome.verdict is Verdict.RETRYABLE


def ids(*names: str) -> BulkAnswer:
    return BulkAnswer(200, {"errors": False, "items": [{"create": {"_id": name, "status": 201}} for name in names]})


@pytest.mark.parametrize("given", [ids("a"), ids("b", "a"), ids("a", "c"), ids("a", "b", "c"), ids()])
def test_items_of_other_documents_are_not_believed(given: BulkAnswer) -> None:
    judged = judge(request("a", "b"), given)
    assert [outcome.verdict for outcome in judged] == [Verdict.RETRYABLE, Verdict.RETRYABLE]
    assert {outcome.verdict for outcome in judge(request("a", "b"), ids("a", "b"))} == {Verdict.STORED}


def test_ids_that_the_server_gives_are_its_own() -> None:
    (packed,) = pack([document("a")], Index("logs", event_ids=False), 10_000)
    (outcome,) = judge(packed, ids("given"))
    assert outcome.verdict is Verdict.STORED


SIGNATURE = "The request signature we calculated does not match the signature you provided."


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (403, {"message": "Signature expired: 1 is now earlier than 2 (3 - 5 min.)"}, Cause.SIGNATURE_TIME),
        (403, {"message": "Signature not yet current: 1 is still later than 2"}, Cause.SIGNATURE_TIME),
        (403, {"message": "Credential should be scoped to a valid region, not 'us-east-1'."}, Cause.SIGNATURE_SCOPE),
        (403, {"message": "Credential should be scoped to correct service: 'aoss'."}, Cause.SIGNATURE_SCOPE),
        (403, {"message": SIGNATURE}, Cause.SIGNATURE_MISMATCH),
        (403, {"message": "The security token included in the request is invalid."}, Cause.TOKEN),
        (403, {"message": "The security token included in the request is expired"}, Cause.TOKEN),
        (
            403,
            {"Message": "User: arn:aws:sts::1:assumed-role/r/f is not authorized to perform: es:ESHttpPost"},
            Cause.IAM_DENIED,
        ),
        (403, {"Message": "User: anonymous is not authorized to perform: es:ESHttpPost"}, Cause.NOT_AUTHENTICATED),
        (403, {"status": 403, "error": {"reason": "403 Forbidden", "type": "Forbidden"}}, Cause.DATA_ACCESS),
        (
            403,
            {"error": error("security_exception", "no permissions for [indices:data/write/bulk]")},
            Cause.MISSING_RIGHTS,
        ),
        (403, {"error": error("security_exception", MAY_NOT_MAP)}, Cause.MAPPED_BY_SERVER),
        (403, {"error": error("cluster_block_exception", "blocked by: [FORBIDDEN/6/cluster]")}, Cause.BLOCKED),
        (401, "Unauthorized", Cause.NOT_AUTHENTICATED),
        (302, None, Cause.NOT_OPENSEARCH),
        (404, {"error": "no handler"}, Cause.NOT_OPENSEARCH),
        (
            400,
            {"error": error("illegal_argument_exception", "explicit index in bulk is not allowed")},
            Cause.NO_INDEX_IN_BULK,
        ),
        (400, {"error": error("mapper_parsing_exception", "x")}, Cause.OTHER_SETUP),
        (103, None, Cause.FOREIGN_ANSWER),
        (None, "no connection: refused", Cause.UNREACHABLE),
    ],
)
def test_each_cause_is_told_from_the_others(status: int | None, body: JsonValue, cause: Cause) -> None:
    (outcome,) = judge(request("a"), BulkAnswer(status, body))
    assert outcome.cause is cause
    assert cause.verdict is Verdict.RETRYABLE or cause.advice
