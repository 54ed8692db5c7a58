"""What OpenSearch, Amazon's endpoints, load balancers and proxies answer: each has its own cause, and advice for it."""

import re

import pytest

from forwarder.delivery.bulk import BulkAnswer, BulkRequest, pack
from forwarder.delivery.outcomes import Delivery, Outcome, judge
from forwarder.delivery.sender import failure_of
from forwarder.delivery.verdicts import Cause, Deployment, Verdict, advice_for
from forwarder.documents import document_of
from forwarder.index_names import Index
from forwarder.json_values import JsonObject, JsonValue

ROLE = "arn:aws:sts::111122223333:assumed-role/throttling-KMS-role/forwarder"


def request() -> BulkRequest:
    (packed,) = pack(
        [document_of("a", {"@timestamp": "2026-11-20T23:59:59.999Z", "v": "SECRET"})], Index("logs"), 9_000
    )
    return packed


def item(kind: str, reason: str, status: int = 400, **more: JsonValue) -> Outcome:
    error: JsonObject = {"type": kind, "reason": reason, **more}
    (outcome,) = judge(
        request(), BulkAnswer(200, {"errors": True, "items": [{"create": {"status": status, "error": error}}]})
    )
    return outcome


def whole(status: int | None, body: JsonValue) -> Outcome:
    (outcome,) = judge(request(), BulkAnswer(status, body))
    return outcome


def error(kind: str, reason: str, **more: JsonValue) -> JsonObject:
    return {"error": {"type": kind, "reason": reason, **more}}


THROTTLED: list[JsonValue] = [
    {"message": "Rate exceeded"},
    {"Message": "Rate Exceeded"},
    {"__type": "ThrottlingException", "message": "Rate exceeded"},
    {"__type": "com.amazon.coral.availability#ThrottlingException", "message": None},
    {"__type": "TooManyRequestsException"},
    {"code": "TooManyRequests", "message": "slow"},
    {"message": "Too Many Requests"},
    {"message": "429 Too Many Requests /_bulk"},
    {"Error": {"Code": "SlowDown", "Message": "Please reduce your request rate"}},
    {"error": {"type": "ThrottlingException", "reason": "Rate exceeded"}},
    {"error": {"type": "throttling_exception", "reason": "Rate exceeded"}},
    {"error": "Rate exceeded"},
    {"error": {"code": 403, "message": "Request rate limit exceeded"}},
    "Rate exceeded",
    "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>",
    "<html><head><title>429 Too Many Requests</title></head></html>",
]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 503])
@pytest.mark.parametrize("body", THROTTLED)
def test_throttling_is_waited_for_whatever_its_status(status: int, body: JsonValue) -> None:
    assert whole(status, body).cause is Cause.THROTTLED


@pytest.mark.parametrize("status", [400, 403, 429, 503])
@pytest.mark.parametrize("kind", ["ThrottlingException", "throttling_exception", "TooManyRequestsException"])
def test_throttling_of_an_item_is_waited_for(status: int, kind: str) -> None:
    outcome = item(kind, "Rate exceeded", status)
    assert (outcome.cause, outcome.reason) == (Cause.THROTTLED, f"{kind}: Rate exceeded")


@pytest.mark.parametrize("status", [400, 403, 404, 500, 502, 503, 504])
@pytest.mark.parametrize(
    "body",
    [
        {"message": "Collection is not active"},
        {"error": {"type": "Forbidden", "reason": "Collection abc123 is not active"}},
        {"message": "Service Unavailable"},
        {"__type": "ServiceUnavailableException", "message": None},
        {"__type": "InternalFailure"},
        {"message": "Internal server error"},
        {"message": "The domain is currently being updated"},
        {"message": "The service is temporarily unavailable, try again later"},
        {"message": "Domain logs is under maintenance"},
        "OpenSearch Security not initialized.",
        "<html><head><title>503 Service Temporarily Unavailable</title></head></html>",
    ],
)
def test_a_state_that_passes_is_waited_for_whatever_its_status(status: int, body: JsonValue) -> None:
    outcome = whole(status, body)
    assert (outcome.cause, outcome.verdict) == (Cause.UNAVAILABLE, Verdict.RETRYABLE)


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (403, {"Message": f"User: {ROLE} is not authorized to perform: es:ESHttpPost"}, Cause.IAM_DENIED),
        (
            403,
            {"Message": f"User: {ROLE} is not authorized to perform: kms:Decrypt on resource: k"},
            Cause.ENCRYPTION_KEY,
        ),
        (403, error("security_exception", f"no permissions for [x] and User [name={ROLE}]"), Cause.MISSING_RIGHTS),
        (400, {"message": "KMSInvalidStateException: the key is pending deletion"}, Cause.ENCRYPTION_KEY),
        (403, {"__type": "KMSKeyNotAccessibleFault", "message": "no"}, Cause.ENCRYPTION_KEY),
        (503, {"message": "The AWS KMS key of the domain is disabled"}, Cause.ENCRYPTION_KEY),
        (403, {"__type": "UnrecognizedClientException", "message": "no"}, Cause.TOKEN),
        (403, {"__type": "InvalidSignatureException", "message": "no"}, Cause.SIGNATURE_MISMATCH),
        (403, {"__type": "MissingAuthenticationTokenException"}, Cause.NOT_AUTHENTICATED),
        (401, error("Unauthorized", "401 Unauthorized"), Cause.DATA_ACCESS),
        (
            403,
            error("authorization_exception", "User does not have permissions for the requested resource"),
            Cause.DATA_ACCESS,
        ),
        (400, {"message": "Request size exceeded 10485760 bytes"}, Cause.TOO_LARGE),
        (413, "<html><head><title>413 Request Entity Too Large</title></head></html>", Cause.TOO_LARGE),
        (403, "<html><head><title>Access Denied</title></head></html>", Cause.NOT_OPENSEARCH),
        (400, "<html><head><title>400 Bad Request</title></head></html>", Cause.NOT_OPENSEARCH),
        (403, None, Cause.NOT_OPENSEARCH),
        (401, "Authentication finally failed", Cause.NOT_AUTHENTICATED),
        (429, None, Cause.OVERLOADED),
        (429, error("circuit_breaking_exception", "[parent] Data too large"), Cause.OUT_OF_MEMORY),
        (503, error("circuit_breaking_exception", "[parent] Data too large"), Cause.OUT_OF_MEMORY),
        (429, error("rejected_execution_exception", "queue full"), Cause.OVERLOADED),
        (
            503,
            error("cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/2/no cluster-manager];"),
            Cause.CLUSTER_NOT_READY,
        ),
        (
            503,
            error("cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];"),
            Cause.CLUSTER_NOT_READY,
        ),
        (503, error("cluster_manager_not_discovered_exception", "null"), Cause.CLUSTER_NOT_READY),
        (503, None, Cause.UNAVAILABLE),
        (500, None, Cause.BUSY),
        (
            200,
            {"error": {"type": "security_exception", "reason": "no permissions"}, "status": 403},
            Cause.MISSING_RIGHTS,
        ),
        (200, {"error": {"type": "x"}, "status": "403"}, Cause.FOREIGN_ANSWER),
        (200, {"message": "Rate exceeded"}, Cause.FOREIGN_ANSWER),
        *[
            (status, None, Cause.NOT_OPENSEARCH)
            for status in (402, 405, 406, 407, 410, 411, 412, 414, 415, 417, 421, 426, 431)
        ],
        *[(status, None, Cause.NOT_OPENSEARCH) for status in (300, 302, 308, 451, 463, 464, 494, 501, 505, 511)],
        (
            405,
            {"error": "Incorrect HTTP method for uri [/_bulk] and method [POST], allowed: [GET]"},
            Cause.NOT_OPENSEARCH,
        ),
        *[(status, None, Cause.BUSY) for status in (408, 409, 423, 425, 460, 499, 520, 529)],
        (None, "no TLS connection: SSLError: CERTIFICATE_VERIFY_FAILED", Cause.NO_TLS),
        (None, "no connection within 30 s", Cause.UNREACHABLE),
        (None, "no answer within 30 s", Cause.NO_ANSWER),
        (None, "no whole answer in time", Cause.NO_ANSWER),
        (None, "no connection: the answer is that of another request", Cause.FOREIGN_ANSWER),
    ],
)
def test_an_answer_to_the_whole_request(status: int | None, body: JsonValue, cause: Cause) -> None:
    assert whole(status, body).cause is cause


SHARD_LIMIT = (
    "Validation Failed: 1: this action would add [2] total shards, but this cluster has [1]/[1] maximum shards open;"
)
NO_WRITE = "no write index is defined for alias [al]."
# Of an item and of the whole request alike.
OF_EITHER = [
    (400, "validation_exception", SHARD_LIMIT, Cause.SHARD_LIMIT),
    (400, "index_closed_exception", "closed", Cause.INDEX_CLOSED),
    (400, "illegal_argument_exception", NO_WRITE, Cause.NO_WRITE_INDEX),
    (400, "illegal_argument_exception", "pipeline with id [p] does not exist", Cause.NO_PIPELINE),
    (400, "illegal_argument_exception", "number of documents in the index cannot exceed 2147483519", Cause.INDEX_FULL),
    (400, "illegal_argument_exception", "index [x] matches multiple templates [a, b]", Cause.FOREIGN_INDEX),
    (
        400,
        "illegal_argument_exception",
        "composable template [x] template after composition is invalid",
        Cause.FOREIGN_INDEX,
    ),
    (
        400,
        "illegal_argument_exception",
        "Rejecting mapping update to [x] as the final mapping would have more than 1 type: [_doc, doc]",
        Cause.FOREIGN_INDEX,
    ),
    (400, "invalid_index_name_exception", "Invalid index name [X], must be lowercase", Cause.INDEX_NAME),
    (403, "cluster_block_exception", "index [x] blocked by: [FORBIDDEN/8/index write (api)];", Cause.BLOCKED),
    (403, "cluster_block_exception", "index [x] blocked by: [FORBIDDEN/4/index closed];", Cause.INDEX_CLOSED),
    (403, "cluster_block_exception", "blocked by: [FORBIDDEN/6/cluster read-only (api)];", Cause.CLUSTER_READ_ONLY),
    (
        403,
        "cluster_block_exception",
        "index [x] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];",
        Cause.DISK_FULL,
    ),
    (
        429,
        "cluster_block_exception",
        "index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has block];",
        Cause.DISK_FULL,
    ),
    (
        403,
        "index_create_block_exception",
        "blocked by: [FORBIDDEN/10/cluster create-index blocked (api)];",
        Cause.CREATION_BLOCKED,
    ),
    (
        403,
        "cluster_block_exception",
        "blocked by: [FORBIDDEN/10/cluster create-index blocked (api)];",
        Cause.CREATION_BLOCKED,
    ),
    (503, "unavailable_shards_exception", "[x][0] primary shard is not active Timeout: [1m]", Cause.SHARD_DOWN),
    (404, "shard_not_found_exception", "no such shard", Cause.SHARD_DOWN),
    (404, "illegal_index_shard_state_exception", "CurrentState[CLOSED] operation only allowed when", Cause.SHARD_DOWN),
    (500, "already_closed_exception", "engine is closed", Cause.SHARD_DOWN),
    (429, "circuit_breaking_exception", "[parent] Data too large, data for [<http_request>]", Cause.OUT_OF_MEMORY),
    (
        503,
        "process_cluster_event_timeout_exception",
        "failed to process cluster event (put-mapping) within 30s",
        Cause.OVERLOADED,
    ),
    (500, "node_disconnected_exception", "[n][127.0.0.1:9300] disconnected", Cause.UNAVAILABLE),
    (404, "index_not_found_exception", "no such index [x]", Cause.NO_INDEX),
    (403, "security_exception", "no permissions for [indices:admin/mapping/auto_put]", Cause.MAPPED_BY_SERVER),
]


@pytest.mark.parametrize(("status", "kind", "reason", "cause"), OF_EITHER)
def test_an_error_means_the_same_of_an_item_and_of_the_request(
    status: int, kind: str, reason: str, cause: Cause
) -> None:
    for outcome in (item(kind, reason, status), whole(status, error(kind, reason))):
        assert (outcome.cause, outcome.reason) == (cause, f"{kind}: {reason}")
        assert not outcome.verdict.is_rejected


HEADER: JsonObject = {"processor_type": "rename", "processor_tag": "t", "pipeline_origin": ["corp"]}
ABSENT = "field [foo] not present as part of path [foo]"


@pytest.mark.parametrize(
    ("status", "kind", "reason", "more", "told"),
    [
        (400, "illegal_argument_exception", ABSENT, {}, ABSENT),
        (400, "illegal_argument_exception", "field [a.b] of type [java.lang.Integer] cannot be cast to [x]", {}, None),
        (500, "exception", f"java.lang.IllegalArgumentException: {ABSENT}", {"header": HEADER}, ABSENT),
        (400, "ingest_processor_exception", f"java.lang.IllegalArgumentException: {ABSENT}", {}, ABSENT),
        (
            500,
            "fail_processor_exception",
            "records of this cluster go elsewhere",
            {},
            "records of this cluster go elsewhere",
        ),
        (400, "mapper_parsing_exception", "something of a processor", {"header": HEADER}, "processor rename tagged t"),
        (400, "script_exception", "runtime error", {"processor_type": "script"}, "(processor script)"),
        (
            400,
            "illegal_argument_exception",
            "unable to convert [SECRET] to integer",
            {"header": HEADER},
            "unable to convert …",
        ),
        (
            400,
            "illegal_argument_exception",
            "unable to parse date [SECRET]",
            {"header": HEADER},
            "unable to parse date …",
        ),
        (
            500,
            "illegal_state_exception",
            "There are no ingest nodes in this cluster, unable to forward",
            {},
            "no ingest nodes",
        ),
    ],
)
def test_a_pipeline_that_fails_is_named_and_never_blamed_on_the_document(
    status: int, kind: str, reason: str, more: JsonObject, told: str | None
) -> None:
    for outcome in (item(kind, reason, status, **more), whole(status, error(kind, reason, **more))):
        assert (outcome.cause, outcome.verdict) == (Cause.PIPELINE_FAILED, Verdict.MISCONFIGURED)
        assert (told or reason) in outcome.reason
        assert kind in outcome.reason
        assert "SECRET" not in outcome.reason


@pytest.mark.parametrize(
    "quoted",
    [
        "rate exceeded",
        "KMS",
        "is not active",
        "is not authorized to perform: x",
        "try again later",
        "field [x] is null",
    ],
)
@pytest.mark.parametrize(
    ("status", "kind", "cause"),
    [
        (400, "mapper_parsing_exception", Cause.MAPPING),
        (400, "illegal_argument_exception", Cause.NOT_UNDERSTOOD),
        (400, "exception", Cause.NOT_UNDERSTOOD),
        (500, "illegal_state_exception", Cause.BUSY),
    ],
)
def test_words_of_a_record_that_an_error_quotes_decide_nothing(
    status: int, kind: str, cause: Cause, quoted: str
) -> None:
    outcome = item(kind, f"value [{quoted} SECRET]", status)
    assert outcome.cause is cause
    assert "SECRET" not in outcome.reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"__type": "AccessDeniedException", "Message": "no"}, "AccessDeniedException: no"),
        ({"message": "two\nlines"}, "two"),
        ("Unauthorized", "HTTP 403: Unauthorized"),
        ("<html><head><title>403 Forbidden</title></head>", "HTTP 403: 403 Forbidden"),
        ("x" * 1000, "HTTP 403"),
        ("<html>" + "x" * 10, "HTTP 403"),
        ({"message": ["no"]}, "HTTP 403"),
        ({"error": "no handler found for uri [/_bulk]"}, "no handler found for uri [/_bulk]"),
        (None, "HTTP 403"),
        ([], "HTTP 403"),
        (7, "HTTP 403"),
    ],
)
def test_the_reason_is_the_servers_own(body: JsonValue, reason: str) -> None:
    assert whole(403, body).reason == reason


DEPLOYMENT = Deployment("stack", "eu-west-1", "function", "https://logs", "logs", "domain", "us-west-2")


@pytest.mark.parametrize("cause", Cause, ids=lambda cause: cause.name)
def test_each_cause_has_its_own_advice_with_everything_filled_in(cause: Cause) -> None:
    told = advice_for(cause, "logs-2026.11.20", DEPLOYMENT)
    assert told
    assert re.search(r"<[a-z-]+>|\{_", told) is None
    assert [other for other in Cause if other.advice == cause.advice] == [cause]


def test_the_domains_own_region_is_named_where_it_is_another() -> None:
    told = advice_for(Cause.NO_INDEX_IN_BULK, None, DEPLOYMENT)
    assert "--domain-name domain --region us-west-2" in told


@pytest.mark.parametrize("number", range(3))
def test_reason_and_advice_are_in_the_error(number: int) -> None:
    status, kind, reason, cause = OF_EITHER[number]
    failure = failure_of(Delivery((item(kind, reason, status),), 0), Index("logs"), DEPLOYMENT)
    assert f"{kind}: {reason}".rstrip(".") in str(failure)
    assert advice_for(cause, "logs", DEPLOYMENT).rstrip(".") in str(failure)
