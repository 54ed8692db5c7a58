"""Why a document is not stored, as an answer of OpenSearch, or of what stands in front of it, says.

The closed lists follow OpenSearch's own code (2.19 and 3.5: DocumentParser, MapperService, TransportBulkAction,
IngestService, CompoundProcessor, ClusterBlocks, ShardLimitValidator; Lucene's IndexingChain) and what Amazon's
endpoints answer in front of it (AWS, "Common errors" of Signature Version 4 and of the query protocols).
"""

import re
from http import HTTPStatus

from forwarder.delivery.verdicts import Cause
from forwarder.json_values import JsonValue, as_keyword, as_object

# The classes of which a document is the reason; their texts quote it.
_OF_THE_DOCUMENT = frozenset(
    {
        "document_parsing_exception",
        "input_coercion_exception",
        "json_e_o_f_exception",
        "json_parse_exception",
        "mapper_parsing_exception",
        "max_bytes_length_exceeded_exception",
        "not_x_content_exception",
        "parse_exception",
        "parsing_exception",
        "stream_constraints_exception",
        "strict_dynamic_mapping_exception",
        "x_content_parse_exception",
    }
)
# `illegal_argument_exception` is anybody's: only these are said of a document's fields, by mappers and by Lucene.
_ILLEGAL_FIELD = re.compile(
    r"Document contains at least one immense term in field="
    r"|Limit of (?:total fields|mapping depth|nested fields|field name length) \["
    r"|Field name \[|field name cannot |object field starting or ending with a \[\.\]|name cannot be empty"
    r"|can't merge a non object mapping \[|[Oo]bject mapping \[|[Mm]apper (?:for )?\[|[Cc]annot change nested mapping"
    r"|Cannot update parameter \[|Cannot write to a field alias \[|[Ff]ailed to parse (?:date )?(?:field|value) \["
    r"|DocValuesField \"|cannot change field \"|Inconsistency of field data structures across documents for field \["
    r"|startOffset must be non-negative|(?:first )?position increment|position overflowed"
    r"|documents must contain a single-valued timestamp field"
)
_ILLEGAL_ARGUMENT = "illegal_argument_exception"
_MAPPING_ITSELF = "Failed to parse mapping ["
# What else an `illegal_argument_exception` says; its text names indices, templates and pipelines, and nothing else.
_ILLEGAL_ARGUMENTS = (
    (
        re.compile(r"no write index is defined for alias \[|[Aa]lias \[[^]]*\] has more than one ind"),
        Cause.NO_WRITE_INDEX,
    ),
    (
        re.compile(
            r"pipeline with id \[[^]]*\] does not exist|Pipeline processor configured for non-existent pipeline"
        ),
        Cause.NO_PIPELINE,
    ),
    # Of time-series and vector collections of OpenSearch Serverless, for every item (AWS, "Supported operations").
    (re.compile(r"Document ID is not supported"), Cause.NO_IDS),
    # With the domain's option rest.action.multi.allow_explicit_index set to false.
    (re.compile(r"explicit index in bulk is not allowed"), Cause.NO_INDEX_IN_BULK),
    (re.compile(r"number of documents in (?:the index|a shard|shard) cannot exceed"), Cause.INDEX_FULL),
    (
        re.compile(
            r"index \[[^]]*\] matches multiple|(?:composable |index )?template \[|Rejecting mapping update to \[|"
            r"(?:index|alias|data stream) \[[^]]*\] (?:matches|is not|has|and|cannot|already)|unknown setting \[|"
            r"[Aa]lias \[|cannot create index with name|only write ops with an op_type of create"
        ),
        Cause.FOREIGN_INDEX,
    ),
)
_BY_TYPE = {
    "index_create_block_exception": Cause.CREATION_BLOCKED,
    "index_closed_exception": Cause.INDEX_CLOSED,
    "index_not_found_exception": Cause.NO_INDEX,
    "index_template_missing_exception": Cause.FOREIGN_INDEX,
    "invalid_alias_name_exception": Cause.FOREIGN_INDEX,
    "invalid_index_name_exception": Cause.INDEX_NAME,
    "invalid_index_template_exception": Cause.FOREIGN_INDEX,
    # Another request has made the index meanwhile.
    "resource_already_exists_exception": Cause.BUSY,
    "routing_missing_exception": Cause.FOREIGN_INDEX,
    "circuit_breaking_exception": Cause.OUT_OF_MEMORY,
    "opensearch_rejected_execution_exception": Cause.OVERLOADED,
    "rejected_execution_exception": Cause.OVERLOADED,
    "cluster_manager_not_discovered_exception": Cause.CLUSTER_NOT_READY,
    "cluster_manager_throttling_exception": Cause.OVERLOADED,
    "failed_to_commit_cluster_state_exception": Cause.CLUSTER_NOT_READY,
    "master_not_discovered_exception": Cause.CLUSTER_NOT_READY,
    "not_cluster_manager_exception": Cause.CLUSTER_NOT_READY,
    "not_master_exception": Cause.CLUSTER_NOT_READY,
    "process_cluster_event_timeout_exception": Cause.OVERLOADED,
    **dict.fromkeys(
        (
            "already_closed_exception",
            "engine_closed_exception",
            "illegal_index_shard_state_exception",
            "index_shard_closed_exception",
            "index_shard_not_recovering_exception",
            "index_shard_not_started_exception",
            "index_shard_recovering_exception",
            "no_shard_available_action_exception",
            "primary_missing_action_exception",
            "shard_lock_obtain_failed_exception",
            "shard_not_found_exception",
            "shard_not_in_primary_mode_exception",
            "unavailable_shards_exception",
        ),
        Cause.SHARD_DOWN,
    ),
    **dict.fromkeys(
        (
            "connect_transport_exception",
            "node_closed_exception",
            "node_disconnected_exception",
            "node_not_connected_exception",
            "receive_timeout_transport_exception",
            "timeout_exception",
        ),
        Cause.UNAVAILABLE,
    ),
}
_BLOCK = "cluster_block_exception"
# Of what ClusterBlock and IndexMetadata call them; behind them stands what blocks any index for another reason.
_BLOCKS = (
    (re.compile(r"index closed"), Cause.INDEX_CLOSED),
    (
        re.compile(r"SERVICE_UNAVAILABLE/|state not recovered|no (?:master|cluster[- _]manager)"),
        Cause.CLUSTER_NOT_READY,
    ),
    (re.compile(r"cluster read-only"), Cause.CLUSTER_READ_ONLY),
    (re.compile(r"create-index blocked"), Cause.CREATION_BLOCKED),
    (re.compile(r"allow delete|disk usage exceeded|TOO_MANY_REQUESTS/12"), Cause.DISK_FULL),
)
_MAY_NOT_MAP = re.compile(r"\bindices:admin/mapping/(?:auto_)?put\b")
_SHARD_LIMIT = re.compile(r"this action would add \[\d+\]|maximum (?:\w+ )?shards open")
_PIPELINE_TYPES = frozenset(
    {
        "compound_processor_exception",
        "fail_processor_exception",
        "ingest_processor_exception",
        "ingest_pipeline_exception",
    }
)
# What processors say of fields that they were told to work on (IngestDocument), or of there being nobody to do so.
_OF_PROCESSORS = re.compile(
    r"(?:java\.lang\.\w+: )*(?:field \[[^]]*\] (?:not present as part of path|of type \[[^]]*\] cannot be cast|is null)"
    r"|cannot resolve \[[^]]*\] from (?:null|object of type)|path \[[^]]*\] is not valid|"
    r"There are no ingest nodes in this cluster)"
)
_THROTTLING = re.compile(
    r"throttl|rate ?(?:limit)? ?exceeded|too ?many ?requests|slow ?down|request ?limit ?exceeded"
    r"|(?:OCU|capacity) (?:limit )?(?:exceeded|reached)|insufficient ?capacity|bandwidth ?limit ?exceeded",
    re.IGNORECASE,
)
_PASSING_STATE = re.compile(
    r"\b(?:is|are) not (?:yet )?(?:active|available|ready|initialized)|[Ss]ecurity not (?:yet )?initialized"
    r"|\bis (?:currently |still |being )*(?:creating|created|updating|updated|processed|processing|upgraded)\b"
    r"|temporarily unavailable|service ?unavailable|under maintenance|maintenance (?:window|mode|in progress)"
    r"|internal ?(?:failure|server ?error|service ?error|error)\b|request ?timed? ?out\b|requesttimeout"
    r"|currently unavailable|try again (?:later|shortly|in )|modifying state",
    re.IGNORECASE,
)


def item_cause(status: int, error: JsonValue) -> Cause:
    """Why an item of a bulk answer, which is neither stored nor a duplicate, is not stored.

    Args:
        status: the item's.
        error: its `error`, `{"type": …, "reason": …}`.
    """
    kind, reason = error_type(error), error_reason(error)
    if _is_of_a_pipeline(kind, reason, error):
        return Cause.PIPELINE_FAILED
    known = _cause_of_type(kind, reason) or (_bad_request(kind, reason) if status == HTTPStatus.BAD_REQUEST else None)
    if known is not None:
        return known
    if kind == "security_exception" and status == HTTPStatus.FORBIDDEN:
        return Cause.MAPPED_BY_SERVER if _MAY_NOT_MAP.search(reason) else Cause.MISSING_RIGHTS
    said = _cause_of_words(f"{kind} {reason}" if _is_of_aws(kind) else kind)
    return said or (Cause.DATA_ACCESS if kind in _OF_SERVERLESS else _by_status(status))


def _cause_of_type(kind: str, reason: str) -> Cause | None:
    if kind == _BLOCK:
        return next((cause for words, cause in _BLOCKS if words.search(reason)), Cause.BLOCKED)
    if kind == "validation_exception" and _SHARD_LIMIT.search(reason):
        return Cause.SHARD_LIMIT
    return _BY_TYPE.get(kind)


def _bad_request(kind: str, reason: str) -> Cause | None:
    if kind in _OF_THE_DOCUMENT:
        return Cause.FOREIGN_INDEX if reason.startswith(_MAPPING_ITSELF) else Cause.MAPPING
    if kind != _ILLEGAL_ARGUMENT:
        return None
    if _ILLEGAL_FIELD.match(reason):
        return Cause.MAPPING
    return next((cause for known, cause in _ILLEGAL_ARGUMENTS if known.match(reason)), Cause.NOT_UNDERSTOOD)


def _is_of_aws(kind: str) -> bool:
    """Whether an error has a name of Amazon's endpoints, such as `Forbidden`; OpenSearch's own are in small letters."""
    return kind in _OF_SERVERLESS or not kind.islower()


# How OpenSearch Serverless says that no policy lets the caller in (AWS, "Troubleshooting OpenSearch Serverless").
_OF_SERVERLESS = frozenset({"Forbidden", "Unauthorized", "authorization_exception"})
_BY_STATUS = {
    int(HTTPStatus.UNAUTHORIZED): Cause.NOT_AUTHENTICATED,
    int(HTTPStatus.FORBIDDEN): Cause.OTHER_SETUP,
    int(HTTPStatus.NOT_FOUND): Cause.OTHER_SETUP,
    int(HTTPStatus.REQUEST_ENTITY_TOO_LARGE): Cause.TOO_LARGE,
    int(HTTPStatus.TOO_MANY_REQUESTS): Cause.OVERLOADED,
    int(HTTPStatus.BAD_GATEWAY): Cause.UNAVAILABLE,
    int(HTTPStatus.SERVICE_UNAVAILABLE): Cause.UNAVAILABLE,
    int(HTTPStatus.GATEWAY_TIMEOUT): Cause.UNAVAILABLE,
}
# 460 and 499 say, at load balancers and proxies, that the client went away before there was an answer.
_WAIT = frozenset(
    {
        int(HTTPStatus.REQUEST_TIMEOUT),
        int(HTTPStatus.CONFLICT),
        int(HTTPStatus.LOCKED),
        int(HTTPStatus.TOO_EARLY),
        460,
        499,
    }
)


def _by_status(status: int) -> Cause:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    is_ours = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _WAIT
    return Cause.NOT_UNDERSTOOD if is_ours else Cause.BUSY


def _is_of_a_pipeline(kind: str, reason: str, error: JsonValue) -> bool:
    """Whether an ingest pipeline failed: it says which processor, or says what only processors say."""
    if kind in _PIPELINE_TYPES or _OF_PROCESSORS.match(reason):
        return True
    return not _processors(error).isdisjoint(("processor_type", "pipeline_origin"))


def _processors(error: JsonValue) -> set[str]:
    members = as_object(error)
    return {*members, *as_object(members.get("header"))}


# What Amazon's endpoints say before OpenSearch is asked, in this order: who may not is named first, with names in it.
_WORDS = (
    (re.compile(r"is not authorized to perform: kms:"), Cause.ENCRYPTION_KEY),
    (re.compile(r"User: anonymous is not authorized|[Mm]issing ?Authentication ?Token"), Cause.NOT_AUTHENTICATED),
    (re.compile(r"is not authorized to perform"), Cause.IAM_DENIED),
    (
        re.compile(
            r"Signature expired|Signature not yet current|RequestTimeTooSkewed|RequestExpired|Request has expired"
        ),
        Cause.SIGNATURE_TIME,
    ),
    (re.compile(r"Credential should be scoped"), Cause.SIGNATURE_SCOPE),
    (
        re.compile(
            r"security token included in the request is|UnrecognizedClient|ExpiredToken|InvalidClientTokenId"
            r"|InvalidAccessKeyId|InvalidToken"
        ),
        Cause.TOKEN,
    ),
    (
        re.compile(
            r"request signature we calculated|Authorization header requires|in Credential scope|Credential must"
            r"|InvalidSignature|IncompleteSignature|SignatureDoesNotMatch"
        ),
        Cause.SIGNATURE_MISMATCH,
    ),
    (_THROTTLING, Cause.THROTTLED),
    (re.compile(r"\bKMS|kms:[A-Z]|:kms:"), Cause.ENCRYPTION_KEY),
    (re.compile(r"[Rr]equest size exceeded|[Cc]ontent length exceeded|EntityTooLarge"), Cause.TOO_LARGE),
    (_PASSING_STATE, Cause.UNAVAILABLE),
)


def _cause_of_words(words: str) -> Cause | None:
    return next((cause for known, cause in _WORDS if known.search(words)), None)


# What the client says where there is no answer.
_WITHOUT_ANSWER = (
    (re.compile(r"no TLS connection"), Cause.NO_TLS),
    (re.compile(r"no (?:whole )?answer "), Cause.NO_ANSWER),
    (re.compile(r"no connection: the answer is that of another request"), Cause.FOREIGN_ANSWER),
)
# Of a server that cannot do what is asked, and will not learn it: the rest of 5xx may pass.
_NEVER = frozenset(
    {
        int(HTTPStatus.NOT_IMPLEMENTED),
        int(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED),
        int(HTTPStatus.VARIANT_ALSO_NEGOTIATES),
        int(HTTPStatus.LOOP_DETECTED),
        int(HTTPStatus.NOT_EXTENDED),
        int(HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED),
    }
)


def request_cause(status: int | None, body: JsonValue) -> Cause:
    """Why no document of a request is stored, from an answer to the request as a whole.

    Args:
        status: HTTP's; None without an answer.
        body: what came: JSON, decoded; of anything else its text, or None.
    """
    if status is None:
        said = body if isinstance(body, str) else ""
        return next((cause for known, cause in _WITHOUT_ANSWER if known.match(said)), Cause.UNREACHABLE)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return Cause.NOT_OPENSEARCH
    error, own = as_object(body).get("error"), as_object(body).get("status")
    if status < HTTPStatus.MULTIPLE_CHOICES:
        # Behind a proxy that makes 200 of everything, the body has the server's own status.
        if not (isinstance(error, dict) and isinstance(own, int) and own >= HTTPStatus.BAD_REQUEST):
            return Cause.FOREIGN_ANSWER
        status = own
    if cause := _cause_of_words(f"{gateway_type(body)} {gateway_message(body)}"):
        return cause
    if isinstance(error, dict):
        return _cause_of_error(status, error)
    return _cause_of_status(status, body)


def _cause_of_error(status: int, error: JsonValue) -> Cause:
    """Of an error that OpenSearch words. Nothing in a document makes it refuse the whole request."""
    cause = item_cause(status, error)
    if status == HTTPStatus.NOT_FOUND and cause is Cause.OTHER_SETUP:
        return Cause.NOT_OPENSEARCH
    return Cause.OTHER_SETUP if cause in (Cause.MAPPING, Cause.NOT_UNDERSTOOD) else cause


def _cause_of_status(status: int, body: JsonValue) -> Cause:
    if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN):
        return Cause.OTHER_SETUP if isinstance(body, dict) else Cause.NOT_OPENSEARCH
    if status == HTTPStatus.NOT_FOUND or status in _NEVER:
        return Cause.NOT_OPENSEARCH
    cause = _by_status(status)
    return Cause.NOT_OPENSEARCH if cause is Cause.NOT_UNDERSTOOD else cause


_MESSAGES = ("message", "Message", "errorMessage", "error_description", "detail")
_TYPES = ("__type", "code", "Code")
_LONGEST_TEXT = 300
# Of a page its title, of XML its message: `<Error><Code>…</Code><Message>…</Message>`.
_MARKUP = re.compile(r"<(?:title|Message|Code)>([^<]{1,300})</", re.IGNORECASE)


def gateway_message(body: JsonValue) -> str:
    """What Amazon's endpoint, a load balancer or a proxy says: a message in JSON, a page's title, a line of text."""
    if isinstance(body, str):
        told = " ".join(found.strip() for found in _MARKUP.findall(body)) if "<" in body else body.strip()
        return told if len(told) <= _LONGEST_TEXT else ""
    members = as_object(body)
    error = members.get("error") or members.get("Error")
    for holder in (members, as_object(error)):
        for name in _MESSAGES:
            if isinstance(message := holder.get(name), str) and message:
                return message
    return error if isinstance(error, str) else ""


def gateway_type(body: JsonValue) -> str:
    """What Amazon's services call an error: `ThrottlingException`."""
    members = as_object(body)
    error = as_object(members.get("error") or members.get("Error"))
    kinds = (holder.get(name) for holder in (members, error) for name in _TYPES)
    return next((kind for kind in kinds if isinstance(kind, str)), "")


def error_type(error: JsonValue) -> str:
    """The `type` of an error."""
    kind = as_object(error).get("type")
    return kind if isinstance(kind, str) else ""


def error_reason(error: JsonValue) -> str:
    """The `reason` of an error, as the server words it: it may quote the document."""
    reason = as_object(error).get("reason")
    return reason if isinstance(reason, str) else ""


# Reasons of these types speak of the server, its rights and its load; those of other types may quote the document.
_SPEAKS_OF_SERVER = frozenset(
    {*_BY_TYPE, _BLOCK, "action_request_validation_exception", "security_exception", "validation_exception"}
)
_SAFE_CAUSES = frozenset(cause for _, cause in _ILLEGAL_ARGUMENTS)
# Where a text may begin to quote something.
_QUOTES = re.compile(r"[\[\"{<`(]|(?<![a-z])'|: ")
_FIELD = re.compile(r"(?:failed to parse (?:date )?field|mapping for|in field) ?=?[\[\"]([\w@./-]{1,100})[\]\"]")


def shown_reason(cause: Cause, error: JsonValue) -> str:
    """Type and, as far as it quotes no document, reason of an error; of a mapping's refusal the field that it names."""
    kind, reason = error_type(error), error_reason(error)
    if not kind or not reason:
        return kind
    if kind in _SPEAKS_OF_SERVER or _is_of_aws(kind) or _THROTTLING.search(kind) or cause in _SAFE_CAUSES:
        index = as_object(error).get("index")
        where = f" [{index}]" if isinstance(index, str) and index not in reason else ""
        return f"{kind}: {reason}{where}"
    if cause is Cause.MAPPING:
        field = _FIELD.search(reason)
        return f"{kind} in field [{field[1]}]" if field else kind
    if cause is Cause.PIPELINE_FAILED:
        told = reason if _OF_PROCESSORS.match(reason) else _unquoted(reason)
        return f"{kind}: {told}{_processor(error)}" if told else f"{kind}{_processor(error)}"
    if cause is Cause.NOT_UNDERSTOOD and kind == _ILLEGAL_ARGUMENT:
        told = _unquoted(reason)
        return f"{kind}: {told}" if told else kind
    return kind


def _unquoted(reason: str) -> str:
    """A reason up to where it may begin to quote the document."""
    told = _QUOTES.split(reason, maxsplit=1)[0].rstrip()
    return f"{told} …" if told and told != reason else told


def _processor(error: JsonValue) -> str:
    """Which processor of which pipeline, as far as an error says so."""
    members = as_object(error)
    known = {**members, **as_object(members.get("header"))}
    names = (("processor", "processor_type"), ("tagged", "processor_tag"), ("of pipeline", "pipeline_origin"))
    told = [f"{word} {as_keyword(known[name])}" for word, name in names if known.get(name)]
    return f" ({' '.join(told)})" if told else ""
