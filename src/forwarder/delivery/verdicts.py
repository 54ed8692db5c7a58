"""What follows for a document that is not stored, by why it is not, and what an operator can do about it.

Which answer means which of these is in `error_causes`.
"""

import re
from dataclasses import dataclass
from enum import Enum, Flag, auto, unique
from typing import Self


class _Is(Flag):
    DONE = auto()
    KEPT = auto()
    REJECTED = auto()
    REFUSED_FOR_GOOD = auto()


class Verdict(Enum):
    """What an answer means for a document.

    Attributes:
        is_done: whether OpenSearch has the document.
        is_kept: whether OpenSearch or S3 has the document.
        is_rejected: whether OpenSearch will never take this document as it is, though without its fields perhaps.
        is_refused_for_good: whether OpenSearch will never take it, be it kept elsewhere or not.
    """

    STORED = "stored", _Is.DONE | _Is.KEPT
    DUPLICATE = "duplicate", _Is.DONE | _Is.KEPT
    REJECTED = "refused", _Is.REJECTED | _Is.REFUSED_FOR_GOOD
    """The mapping refuses it: the same document will be refused again."""
    DEAD_LETTER = "dead letter", _Is.KEPT | _Is.REFUSED_FOR_GOOD
    """It was refused for good, and is kept in S3."""
    TOO_LARGE = "too large", _Is.REJECTED | _Is.REFUSED_FOR_GOOD
    RETRYABLE = "later", _Is(0)
    """The server could not take it now."""
    MISCONFIGURED = "set-up", _Is(0)
    """Identity, rights or target are wrong: nothing gets better by itself."""

    is_done: bool
    is_kept: bool
    is_rejected: bool
    is_refused_for_good: bool

    def __new__(cls, word: str, flags: _Is) -> Self:
        """A verdict with the word for it as its value."""
        verdict = object.__new__(cls)
        verdict._value_ = word
        # Attributes, as they are asked for each of thousands of documents.
        verdict.is_done = _Is.DONE in flags
        verdict.is_kept = _Is.KEPT in flags
        verdict.is_rejected = _Is.REJECTED in flags
        verdict.is_refused_for_good = _Is.REFUSED_FOR_GOOD in flags
        return verdict


_APPLY = "eks-logs apply --stack-name <stack> --region <region>"
_CHECK = "eks-logs check --stack-name <stack> --region <region>"
_PARAMETERS = 'aws cloudformation describe-stacks --stack-name <stack> --region <region> --query "Stacks[0].Parameters"'
_DEV_TOOLS = "in Dashboards > Dev Tools:"
_STATE = (
    "aws opensearch describe-domain --domain-name <domain> --region <domain-region> --query "
    '"DomainStatus.[DomainProcessingStatus,ServiceSoftwareOptions]"'
)
_NO_PIPELINES = 'PUT <index>/_settings {"index.default_pipeline": null, "index.final_pipeline": null}'


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

    MAPPING = (Verdict.REJECTED, f"The mapping of <index> is not ours: {_APPLY}; then let a new index begin.")
    TOO_LARGE = (
        Verdict.TOO_LARGE,
        (
            "A document is larger than the domain takes (http.max_content_length, 10 MiB on small instances): give it "
            "larger ones. What it has: aws opensearch describe-domain --domain-name <domain> --region <domain-region> "
            "--query DomainStatus.ClusterConfig.InstanceType"
        ),
    )
    BUSY = (
        Verdict.RETRYABLE,
        f"It may pass by itself; if it does not, the domain's own log says more, and so may its state: {_STATE}",
    )
    OVERLOADED = (
        Verdict.RETRYABLE,
        (
            "The domain has more to write than its CPUs can: give it more, or send less at once (FunctionConcurrency). "
            f"What waits and is rejected, {_DEV_TOOLS} GET _cat/thread_pool/write?v&h=node_name,active,queue,rejected"
        ),
    )
    OUT_OF_MEMORY = (
        Verdict.RETRYABLE,
        (
            "A node of the domain has no memory for the request: take larger instances, or send less at once "
            f"(FunctionConcurrency, BULK_BYTES). Who uses it, {_DEV_TOOLS} GET _nodes/stats/breaker,indexing_pressure"
        ),
    )
    THROTTLED = (
        Verdict.RETRYABLE,
        (
            "AWS limits how many requests it passes on: send fewer side by side (FunctionConcurrency, "
            "BULK_REQUESTS_IN_FLIGHT), or larger ones (BULK_BYTES); for a collection the account's limit counts: aws "
            "opensearchserverless get-account-settings --region <domain-region>"
        ),
    )
    UNAVAILABLE = (
        Verdict.RETRYABLE,
        (
            "The domain or collection does not serve requests at present, as while it is made, updated or restarted. "
            f"Its state: {_STATE}; a collection's: aws opensearchserverless list-collections --region <domain-region>"
        ),
    )
    SHARD_DOWN = (
        Verdict.RETRYABLE,
        (
            f"The primary shard of <index> is nowhere (status red). Why, {_DEV_TOOLS} GET _cluster/allocation/explain; "
            "once there are nodes and disks enough: POST _cluster/reroute?retry_failed=true"
        ),
    )
    CLUSTER_NOT_READY = (
        Verdict.RETRYABLE,
        (
            "The cluster has no manager or has not recovered its state: nodes are down or begin. It recovers "
            f"by itself once a majority is there, {_DEV_TOOLS} GET _cat/nodes?v; the domain's state: {_STATE}"
        ),
    )
    UNREACHABLE = (
        Verdict.RETRYABLE,
        f"Check OPENSEARCH_ENDPOINT, and for a domain in a VPC the function's subnets and security groups: {_CHECK}.",
    )
    NO_TLS = (
        Verdict.RETRYABLE,
        (
            "The endpoint's certificate is not for OPENSEARCH_ENDPOINT, or of nobody whom the function trusts "
            "(OPENSEARCH_CA_FILE), or something between answers for it. What it shows: curl -svo /dev/null <endpoint>"
        ),
    )
    NO_ANSWER = (
        Verdict.RETRYABLE,
        (
            "OpenSearch was reached and did not answer in time: its CPU, memory or disk is used up, or "
            f"OPENSEARCH_TIMEOUT_SECONDS is too short. What it is busy with, {_DEV_TOOLS} GET _nodes/hot_threads"
        ),
    )
    OUT_OF_TIME = (
        Verdict.RETRYABLE,
        "OpenSearch took them too slowly: give the function more time (FunctionTimeout), or the domain more CPU.",
    )
    FOREIGN_ANSWER = (
        Verdict.RETRYABLE,
        (
            "Something between the function and OpenSearch answers in its place, such as a proxy; is "
            f"OPENSEARCH_ENDPOINT an OpenSearch? {_PARAMETERS} shows it."
        ),
    )
    NOT_UNDERSTOOD = (
        Verdict.RETRYABLE,
        (
            "OpenSearch refuses the request, and not for what is in the document: the domain's own log, and GET "
            "<index>/_settings, may say more."
        ),
    )
    BLOCKED = (
        Verdict.RETRYABLE,
        (
            f"Somebody has made the index read-only. Lift that, {_DEV_TOOLS} PUT <index>/_settings "
            '{"index.blocks.write": null, "index.blocks.read_only": null, "index.blocks.metadata": null}; if it is in '
            "UltraWarm: POST _ultrawarm/migration/<index>/_hot"
        ),
    )
    DISK_FULL = (
        Verdict.RETRYABLE,
        (
            f"A disk is full. See which, {_DEV_TOOLS} GET _cat/allocation?v, and delete old indices (GET "
            "_cat/indices/<name>*?v&s=index) or give the domain larger disks; then, where OpenSearch does not lift the "
            'block itself: PUT <index>/_settings {"index.blocks.read_only_allow_delete": null}'
        ),
    )
    CREATION_BLOCKED = (
        Verdict.RETRYABLE,
        (
            "The cluster makes no new indices; Amazon's domains block that while a disk is nearly full or memory is "
            f"used up. Make room first, {_DEV_TOOLS} GET _cat/allocation?v; then, if the block stays: PUT "
            '_cluster/settings {"persistent": {"cluster.blocks.create_index": null}}'
        ),
    )
    CLUSTER_READ_ONLY = (
        Verdict.RETRYABLE,
        (
            f"Somebody has made the whole cluster read-only. Lift that, {_DEV_TOOLS} PUT _cluster/settings "
            '{"persistent": {"cluster.blocks.read_only": null, "cluster.blocks.read_only_allow_delete": null}, '
            '"transient": {"cluster.blocks.read_only": null, "cluster.blocks.read_only_allow_delete": null}}'
        ),
    )
    SHARD_LIMIT = (
        Verdict.RETRYABLE,
        (
            "The cluster may have no more shards: delete old indices (GET _cat/indices/<name>*?s=index), or add nodes, "
            'or raise the limit: PUT _cluster/settings {"persistent": {"cluster.max_shards_per_node": 1500}}.'
        ),
    )
    INDEX_CLOSED = (Verdict.RETRYABLE, f"Open the index, {_DEV_TOOLS} POST <index>/_open.")
    SIGNATURE_TIME = (
        Verdict.RETRYABLE,
        (
            "The function's signature was not of the moment when it arrived: something holds requests up for minutes, "
            'or a clock is wrong. The time that OpenSearch has: curl -sI <endpoint> | grep -i "^date"'
        ),
    )
    INDEX_FULL = (
        Verdict.MISCONFIGURED,
        (
            "A shard of <index> holds as many documents as it can, 2147483519. Let the stack make an index for each "
            "day or month: sam deploy --stack-name <stack> --region <region> --parameter-overrides IndexRotation=daily"
        ),
    )
    INDEX_NAME = (
        Verdict.MISCONFIGURED,
        (
            "OpenSearch takes no index of the name <index>: sam deploy --stack-name <stack> --region <region> "
            "--parameter-overrides IndexName=eks-control-plane-logs"
        ),
    )
    MAPPED_BY_SERVER = (
        Verdict.MISCONFIGURED,
        (
            "OpenSearch wants to map fields by itself, as <index> was not made by our index template. Put that: "
            f"{_APPLY}; then move what the index has into one that is mapped, {_DEV_TOOLS} POST _reindex "
            '{"source": {"index": "<index>"}, "dest": {"index": "<index>-remapped"}}, and DELETE <index>: it is made '
            "anew by the next record."
        ),
    )
    FOREIGN_INDEX = (
        Verdict.MISCONFIGURED,
        (
            f"<index> was made by somebody else's mapping, template or alias. See which, {_DEV_TOOLS} POST "
            f"_index_template/_simulate_index/<index>; {_CHECK} names it too; then {_APPLY}"
        ),
    )
    NO_INDEX = (
        Verdict.MISCONFIGURED,
        (
            f"The index is not there and OpenSearch may not make it (action.auto_create_index). Make it, {_DEV_TOOLS} "
            "PUT <index>; or let OpenSearch make indices: PUT _cluster/settings "
            '{"persistent": {"action.auto_create_index": "true"}}'
        ),
    )
    NO_WRITE_INDEX = (
        Verdict.MISCONFIGURED,
        (
            f"<index> is an alias without an index to write to. See its indices, {_DEV_TOOLS} GET "
            '_alias/<index>, and choose one: POST _aliases {"actions": [{"add": {"alias": "<index>", "index": "…", '
            '"is_write_index": true}}]}'
        ),
    )
    NO_PIPELINE = (
        Verdict.MISCONFIGURED,
        (
            "The index, or a template, wants an ingest pipeline that is not there. Put the pipeline back, or have "
            f"none, {_DEV_TOOLS} {_NO_PIPELINES}"
        ),
    )
    PIPELINE_FAILED = (
        Verdict.MISCONFIGURED,
        (
            f"An ingest pipeline of <index> fails, not the document. Its name, {_DEV_TOOLS} GET "
            "<index>/_settings/index.*_pipeline; what it does: GET _ingest/pipeline; fix it, or have none: "
            f"{_NO_PIPELINES}"
        ),
    )
    NO_IDS = (
        Verdict.MISCONFIGURED,
        (
            "This is a time-series or vector collection of OpenSearch Serverless: set DOCUMENT_IDS=generated, and what "
            "is sent again may be stored twice; or send to a collection of type SEARCH, which takes the events' ids."
        ),
    )
    NO_INDEX_IN_BULK = (
        Verdict.MISCONFIGURED,
        (
            "The domain does not let a bulk request name its index: aws opensearch update-domain-config --domain-name "
            "<domain> --region <domain-region> --advanced-options rest.action.multi.allow_explicit_index=true"
        ),
    )
    ENCRYPTION_KEY = (
        Verdict.MISCONFIGURED,
        (
            "AWS cannot use the KMS key that encrypts the data: it was disabled, deleted, or a grant was revoked. "
            "Which key: aws opensearch describe-domain --domain-name <domain> --region <domain-region> --query "
            "DomainStatus.EncryptionAtRestOptions.KmsKeyId; then: aws kms enable-key --region <domain-region> --key-id "
            "…; one that is to be deleted needs aws kms cancel-key-deletion --region <domain-region> --key-id … first"
        ),
    )
    MISSING_RIGHTS = (Verdict.MISCONFIGURED, f"Give the function's role its rights: {_APPLY}")
    NOT_AUTHENTICATED = (
        Verdict.MISCONFIGURED,
        (
            "OpenSearch does not see who the function is: fine-grained access control must know IAM roles, and nothing "
            f"on the way, such as a proxy, may take the header Authorization out. {_CHECK}"
        ),
    )
    IAM_DENIED = (
        Verdict.MISCONFIGURED,
        (
            "IAM, not OpenSearch, denies it: the domain's access policy, the role's own policy, or one of the "
            f"organisation or of a VPC endpoint. {_CHECK} says which statement is missing."
        ),
    )
    DATA_ACCESS = (
        Verdict.MISCONFIGURED,
        (
            "OpenSearch Serverless: name the function's role in a data access policy of the collection, and let its "
            "network policy be open to the function. What there is: aws opensearchserverless list-access-policies "
            "--type data --region <domain-region>; docs/operations.md#opensearch-serverless has the commands."
        ),
    )
    SIGNATURE_SCOPE = (
        Verdict.MISCONFIGURED,
        (
            "The signature is for another region or service than the endpoint's: OpenSearchDomainArn and "
            f"OpenSearchEndpoint must be of one domain or collection. {_PARAMETERS} shows both."
        ),
    )
    SIGNATURE_MISMATCH = (
        Verdict.MISCONFIGURED,
        (
            "The request that arrives is not the one that was signed: OpenSearchEndpoint must be the domain's own "
            "address or its custom endpoint, with no proxy between that changes host or headers. "
            f"{_PARAMETERS} shows it."
        ),
    )
    TOKEN = (
        Verdict.MISCONFIGURED,
        (
            "AWS does not know the credentials that the function began with, or no longer. Let it begin anew: aws "
            "lambda update-function-configuration --function-name <function> --region <region> --description again"
        ),
    )
    NOT_OPENSEARCH = (
        Verdict.MISCONFIGURED,
        (
            "Something else than OpenSearch answers, such as a sign-in page, Dashboards or a proxy: OpenSearchEndpoint "
            f"must be the domain's own address. {_PARAMETERS} shows it."
        ),
    )
    OTHER_SETUP = (Verdict.MISCONFIGURED, f"{_CHECK} names what is wrong; rights and mapping are put right by {_APPLY}")


@dataclass(frozen=True, slots=True)
class Deployment:
    """What commands name: the function's stack and region, its own name, the endpoint, index, domain and its region."""

    stack: str
    region: str
    function: str
    endpoint: str
    index: str
    domain: str
    domain_region: str


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
        "<domain-region>": deployment.domain_region,
    }
    return re.sub(r"<[a-z-]+>", lambda name: told.get(name[0]) or name[0], cause.advice)
