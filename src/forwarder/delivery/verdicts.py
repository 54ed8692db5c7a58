"""What an answer of OpenSearch means for a document: why it is not stored, and what an operator can do about it.

The closed lists follow OpenSearch's own code (2.19 and 3.5: DocumentParser, MapperService, TransportBulkAction,
IngestService, ShardLimitValidator; Lucene's IndexingChain) and what Amazon's endpoints answer in front of it.
"""

import re
from dataclasses import dataclass
from enum import Enum, unique
from http import HTTPStatus

from forwarder.json_values import JsonValue, as_object


class Verdict(Enum):
    """What an answer means for a document.

    Attributes:
        is_done: whether OpenSearch has the document.
        is_kept: whether OpenSearch or S3 has the document.
        is_rejected: whether OpenSearch will never take this document as it is, though without its fields perhaps.
    """

    STORED = "stored"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    """The mapping refuses it: the same document will be refused again."""
    DEAD_LETTER = "dead letter"
    """It was refused for good, and is kept in S3."""
    TOO_LARGE = "too large"
    LATER = "later"
    """The server could not take it now."""
    SETUP = "set-up"
    """Identity, rights or target are wrong: nothing gets better by itself."""

    is_done: bool
    is_kept: bool
    is_rejected: bool

    def __init__(self, value: str) -> None:
        # Attributes, as they are asked for each of thousands of documents.
        self.is_done = value in ("stored", "duplicate")
        self.is_kept = self.is_done or value == "dead letter"
        self.is_rejected = value in ("refused", "too large")


_APPLY = "eks-logs apply --stack-name <stack> --region <region>"
_CHECK = "eks-logs check --stack-name <stack> --region <region>"
_PARAMETERS = 'aws cloudformation describe-stacks --stack-name <stack> --region <region> --query "Stacks[0].Parameters"'


@unique
class Cause(Enum):
    """Why a document is not stored, told apart as far as what an operator does next depends on it.

    Attributes:
        verdict: What follows for the document.
        advice: What to do, with commands and requests to paste; `advice_for` fills in what stands in angle brackets.
    """

    verdict: Verdict
    advice: str

    def __init__(self, verdict: Verdict, advice: str) -> None:
        self.verdict = verdict
        self.advice = advice

    MAPPING = (Verdict.REFUSED, f"The mapping of <index> is not ours: {_APPLY}; then let a new index begin.")
    TOO_LARGE = (Verdict.TOO_LARGE, "A document is larger than OpenSearch takes (http.max_content_length).")
    BUSY = (Verdict.LATER, "")
    UNREACHABLE = (
        Verdict.LATER,
        f"Check OPENSEARCH_ENDPOINT, and for a domain in a VPC the function's subnets and security groups: {_CHECK}.",
    )
    OUT_OF_TIME = (
        Verdict.LATER,
        "OpenSearch took them too slowly: give the function more time (FunctionTimeout), or the domain more CPU.",
    )
    FOREIGN_ANSWER = (
        Verdict.LATER,
        (
            "Something between the function and OpenSearch answers in its place, such as a proxy; is "
            f"OPENSEARCH_ENDPOINT an OpenSearch? {_PARAMETERS} shows it."
        ),
    )
    NOT_UNDERSTOOD = (
        Verdict.LATER,
        (
            "OpenSearch refuses the request, and not for what is in the document: the domain's own log, and GET "
            "<index>/_settings, may say more."
        ),
    )
    BLOCKED = (
        Verdict.LATER,
        (
            "Make room if the disk is full, then lift the block, in Dashboards > Dev Tools: PUT <index>/_settings "
            '{"index.blocks.write": null, "index.blocks.read_only": null, "index.blocks.read_only_allow_delete": '
            'null}; of the whole cluster: PUT _cluster/settings {"persistent": {"cluster.blocks.create_index": null, '
            '"cluster.blocks.read_only": null, "cluster.blocks.read_only_allow_delete": null}}.'
        ),
    )
    SHARD_LIMIT = (
        Verdict.LATER,
        (
            "The cluster may have no more shards: delete old indices (GET _cat/indices/<name>*?s=index), or add nodes, "
            'or raise the limit: PUT _cluster/settings {"persistent": {"cluster.max_shards_per_node": 1500}}.'
        ),
    )
    INDEX_CLOSED = (Verdict.LATER, "Open the index, in Dashboards > Dev Tools: POST <index>/_open.")
    SIGNATURE_TIME = (
        Verdict.LATER,
        (
            "The function's signature was not of the moment when it arrived: something holds requests up for minutes, "
            'or a clock is wrong. The time that OpenSearch has: curl -sI <endpoint> | grep -i "^date"'
        ),
    )
    MAPPED_BY_SERVER = (
        Verdict.SETUP,
        (
            "OpenSearch wants to map fields by itself, as <index> was not made by our index template. Put that: "
            "{_APPLY}; then move what the index has into one that is mapped, in Dashboards > Dev Tools: POST _reindex "
            '{"source": {"index": "<index>"}, "dest": {"index": "<index>-remapped"}}, and DELETE <index>: it is made '
            "anew by the next record."
        ),
    )
    FOREIGN_INDEX = (
        Verdict.SETUP,
        f"<index> was made by somebody else's mapping or template. {_CHECK} names it; then {_APPLY}",
    )
    NO_INDEX = (
        Verdict.SETUP,
        (
            "The index is not there and OpenSearch may not make it (action.auto_create_index). Make it, in Dashboards "
            "> Dev Tools: PUT <index>; or let OpenSearch make indices: PUT _cluster/settings "
            '{"persistent": {"action.auto_create_index": "true"}}'
        ),
    )
    NO_WRITE_INDEX = (
        Verdict.SETUP,
        (
            "<index> is an alias without an index to write to. See its indices in Dashboards > Dev Tools, GET "
            '_alias/<index>, and choose one: POST _aliases {"actions": [{"add": {"alias": "<index>", "index": "…", '
            '"is_write_index": true}}]}'
        ),
    )
    NO_PIPELINE = (
        Verdict.SETUP,
        (
            "The index, or a template, wants an ingest pipeline that is not there. Put the pipeline back, or have "
            "none, in Dashboards > Dev Tools: PUT <index>/_settings "
            '{"index.default_pipeline": null, "index.final_pipeline": null}'
        ),
    )
    NO_IDS = (
        Verdict.SETUP,
        (
            "This is a time-series or vector collection of OpenSearch Serverless: set DOCUMENT_IDS=generated, and what "
            "is sent again may be stored twice; or send to a collection of type SEARCH, which takes the events' ids."
        ),
    )
    NO_INDEX_IN_BULK = (
        Verdict.SETUP,
        (
            "The domain does not let a bulk request name its index: aws opensearch update-domain-config --domain-name "
            "<domain> --region <region> --advanced-options rest.action.multi.allow_explicit_index=true"
        ),
    )
    MISSING_RIGHTS = (Verdict.SETUP, f"Give the function's role its rights: {_APPLY}")
    NOT_AUTHENTICATED = (
        Verdict.SETUP,
        (
            "OpenSearch does not see who the function is: fine-grained access control must know IAM roles, and nothing "
            f"on the way, such as a proxy, may take the header Authorization out. {_CHECK}"
        ),
    )
    IAM_DENIED = (
        Verdict.SETUP,
        (
            "IAM, not OpenSearch, denies it: the domain's access policy, the role's own policy, or one of the "
            f"organisation or of a VPC endpoint. {_CHECK} says which statement is missing."
        ),
    )
    DATA_ACCESS = (
        Verdict.SETUP,
        (
            "OpenSearch Serverless: name the function's role in a data access policy of the collection, and let its "
            "network policy be open to the function; docs/operations.md#opensearch-serverless has both commands."
        ),
    )
    SIGNATURE_SCOPE = (
        Verdict.SETUP,
        (
            "The signature is for another region or service than the endpoint's: OpenSearchDomainArn and "
            f"OpenSearchEndpoint must be of one domain or collection. {_PARAMETERS} shows both."
        ),
    )
    SIGNATURE_MISMATCH = (
        Verdict.SETUP,
        (
            "The request that arrives is not the one that was signed: OpenSearchEndpoint must be the domain's own "
            "address or its custom endpoint, with no proxy between that changes host or headers. "
            f"{_PARAMETERS} shows it."
        ),
    )
    TOKEN = (
        Verdict.SETUP,
        (
            "AWS does not know the credentials that the function began with, or no longer. Let it begin anew: aws "
            "lambda update-function-configuration --function-name <function> --region <region> --description again"
        ),
    )
    NOT_OPENSEARCH = (
        Verdict.SETUP,
        (
            "Something else than OpenSearch answers, such as a sign-in page, Dashboards or a proxy: OpenSearchEndpoint "
            f"must be the domain's own address. {_PARAMETERS} shows it."
        ),
    )
    OTHER_SETUP = (Verdict.SETUP, f"{_CHECK} names what is wrong; rights and mapping are mended by {_APPLY}")


@dataclass(frozen=True, slots=True)
class Deployment:
    """What commands name: the function's stack and region, its own name, the endpoint, index and domain."""

    stack: str
    region: str
    function: str
    endpoint: str
    index: str
    domain: str


def advice_for(cause: Cause, index: str | None, deployment: Deployment | None) -> str:
    """What to do about it, for this index; what is not known stays in angle brackets."""
    if deployment is None:
        return cause.advice
    told = {
        "<stack>": deployment.stack,
        "<region>": deployment.region,
        "<function>": deployment.function,
        "<endpoint>": deployment.endpoint,
        "<name>": deployment.index,
        "<index>": index or deployment.index,
        "<domain>": deployment.domain,
    }
    return re.sub(r"<[a-z]+>", lambda name: told.get(name[0]) or name[0], cause.advice)


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
_ILLEGAL_ARGUMENTS = (
    (
        re.compile(r"no write index is defined for alias \[|[Aa]lias \[[^]]*\] has more than one ind"),
        Cause.NO_WRITE_INDEX,
    ),
    (re.compile(r"pipeline with id \[[^]]*\] does not exist"), Cause.NO_PIPELINE),
    # Of time-series and vector collections of OpenSearch Serverless, for every item (AWS, "Supported operations").
    (re.compile(r"Document ID is not supported"), Cause.NO_IDS),
    # With the domain's option rest.action.multi.allow_explicit_index set to false.
    (re.compile(r"explicit index in bulk is not allowed"), Cause.NO_INDEX_IN_BULK),
)
_BY_TYPE = {
    "cluster_block_exception": Cause.BLOCKED,
    "index_create_block_exception": Cause.BLOCKED,
    "index_closed_exception": Cause.INDEX_CLOSED,
    "index_not_found_exception": Cause.NO_INDEX,
    "invalid_alias_name_exception": Cause.FOREIGN_INDEX,
    "invalid_index_name_exception": Cause.OTHER_SETUP,
    "invalid_index_template_exception": Cause.FOREIGN_INDEX,
    # Another request has made the index meanwhile.
    "resource_already_exists_exception": Cause.BUSY,
    "routing_missing_exception": Cause.FOREIGN_INDEX,
}
_MAY_NOT_MAP = re.compile(r"\bindices:admin/mapping/(?:auto_)?put\b")
_SHARD_LIMIT = re.compile(r"this action would add \[\d+\]|maximum (?:\w+ )?shards open")


def item_cause(status: int, error: JsonValue) -> Cause:
    """Why an item of a bulk answer, which is neither stored nor a duplicate, is not stored.

    Args:
        status: the item's.
        error: its `error`, `{"type": …, "reason": …}`.
    """
    kind, reason = error_type(error), error_reason(error)
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    if status == HTTPStatus.BAD_REQUEST:
        return _bad_request(kind, reason)
    if status == HTTPStatus.FORBIDDEN:
        return _forbidden(kind, reason)
    is_ours = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _WAIT
    return _BY_STATUS.get(status, Cause.NOT_UNDERSTOOD if is_ours else Cause.BUSY)


_BY_STATUS = {
    int(HTTPStatus.UNAUTHORIZED): Cause.NOT_AUTHENTICATED,
    int(HTTPStatus.NOT_FOUND): Cause.OTHER_SETUP,
    int(HTTPStatus.REQUEST_ENTITY_TOO_LARGE): Cause.TOO_LARGE,
}
_WAIT = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


def _bad_request(kind: str, reason: str) -> Cause:
    if kind in _OF_THE_DOCUMENT:
        return Cause.FOREIGN_INDEX if reason.startswith(_MAPPING_ITSELF) else Cause.MAPPING
    if kind == "validation_exception":
        return Cause.SHARD_LIMIT if _SHARD_LIMIT.search(reason) else Cause.NOT_UNDERSTOOD
    if kind != _ILLEGAL_ARGUMENT:
        return Cause.NOT_UNDERSTOOD
    if _ILLEGAL_FIELD.match(reason):
        return Cause.MAPPING
    return next((cause for known, cause in _ILLEGAL_ARGUMENTS if known.match(reason)), Cause.NOT_UNDERSTOOD)


def _forbidden(kind: str, reason: str) -> Cause:
    if _MAY_NOT_MAP.search(reason):
        return Cause.MAPPED_BY_SERVER
    if kind == "security_exception":
        return Cause.MISSING_RIGHTS
    return Cause.DATA_ACCESS if kind == "Forbidden" else Cause.OTHER_SETUP


# What Amazon's endpoints say before OpenSearch is asked (AWS, "Common errors" of Signature Version 4).
_MESSAGES = (
    (re.compile(r"Signature expired|Signature not yet current|RequestTimeTooSkewed"), Cause.SIGNATURE_TIME),
    (re.compile(r"Credential should be scoped"), Cause.SIGNATURE_SCOPE),
    (re.compile(r"security token included in the request is|UnrecognizedClient|ExpiredToken"), Cause.TOKEN),
    (re.compile(r"User: anonymous is not authorized|Missing Authentication Token"), Cause.NOT_AUTHENTICATED),
    (re.compile(r"is not authorized to perform"), Cause.IAM_DENIED),
    (
        re.compile(
            r"request signature we calculated|Authorization header requires|in Credential scope|Credential must"
        ),
        Cause.SIGNATURE_MISMATCH,
    ),
)


def request_cause(status: int | None, body: JsonValue) -> Cause:
    """Why no document of a request is stored, from an answer to the request as a whole.

    Args:
        status: HTTP's; None without an answer.
        body: what came, decoded.
    """
    if status is None:
        return Cause.UNREACHABLE
    error, message = as_object(body).get("error"), gateway_message(body)
    if error_type(error) in _BY_TYPE:
        return _BY_TYPE[error_type(error)]
    return next((cause for words, cause in _MESSAGES if words.search(message)), None) or _request_cause(status, error)


def _request_cause(status: int, error: JsonValue) -> Cause:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST or status == HTTPStatus.NOT_FOUND:
        return Cause.NOT_OPENSEARCH
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
        return item_cause(status, error)
    if status == HTTPStatus.BAD_REQUEST:
        # Nothing in a document makes OpenSearch refuse the whole request: its ids are short, its lines are JSON.
        cause = item_cause(status, error)
        return cause if cause.verdict is Verdict.SETUP else Cause.OTHER_SETUP
    is_busy = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _WAIT
    return Cause.BUSY if is_busy else Cause.FOREIGN_ANSWER


def gateway_message(body: JsonValue) -> str:
    """What Amazon's endpoint says: `{"message": …}` or `{"Message": …}`; nothing of any other answer."""
    members = as_object(body)
    message = members.get("message") or members.get("Message")
    return message if isinstance(message, str) else ""


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
    {
        *_BY_TYPE,
        "circuit_breaking_exception",
        "cluster_manager_not_discovered_exception",
        "master_not_discovered_exception",
        "no_shard_available_action_exception",
        "node_closed_exception",
        "node_not_connected_exception",
        "opensearch_rejected_execution_exception",
        "process_cluster_event_timeout_exception",
        "rejected_execution_exception",
        "security_exception",
        "unavailable_shards_exception",
        "validation_exception",
    }
)
_SAFE_ILLEGAL_ARGUMENTS = frozenset(cause for _, cause in _ILLEGAL_ARGUMENTS)
# Where a text may begin to quote something.
_QUOTES = re.compile(r"[\[\"{<`(]|(?<![a-z])'|: ")
_FIELD = re.compile(r"(?:failed to parse (?:date )?field|mapping for|in field) ?=?[\[\"]([\w@./-]{1,100})[\]\"]")


def shown_reason(cause: Cause, error: JsonValue) -> str:
    """Type and, as far as it quotes no document, reason of an error; of a mapping's refusal the field that it names."""
    kind, reason = error_type(error), error_reason(error)
    if not kind or not reason:
        return kind
    if kind in _SPEAKS_OF_SERVER or cause in _SAFE_ILLEGAL_ARGUMENTS:
        index = as_object(error).get("index")
        where = f" [{index}]" if isinstance(index, str) and index not in reason else ""
        return f"{kind}: {reason}{where}"
    if cause is Cause.MAPPING:
        field = _FIELD.search(reason)
        return f"{kind} in field [{field[1]}]" if field else kind
    if cause is Cause.NOT_UNDERSTOOD and kind == _ILLEGAL_ARGUMENT:
        told = _QUOTES.split(reason, maxsplit=1)[0].rstrip()
        return f"{kind}: {told} …" if told and told != reason else f"{kind}: {reason}" if told else kind
    return kind
