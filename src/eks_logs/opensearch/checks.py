"""A check of every link in OpenSearch, from the endpoint to the documents: what is read, and a finding for each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from eks_logs.errors import NotAllowed, NotOpenSearch, NotProvided, NotReachable, SetupError
from eks_logs.findings import Finding, fail, ok, skipped, warn
from eks_logs.opensearch import registry
from eks_logs.opensearch.client import Client
from eks_logs.opensearch.conflicts import check_creation, check_room, index_conflicts
from eks_logs.opensearch.registry import attempt
from eks_logs.opensearch.resource import Current, State
from eks_logs.opensearch.role import NO_ROLES
from eks_logs.opensearch.server import Caller, Server
from eks_logs.opensearch.target import Target
from forwarder.documents import SLIM
from forwarder.sources import EKS_LOG_TYPES

# Of a hundred documents. Some lines are no klog, such as a panic's; more of them are a format that is not known.
_MOST_NOT_PARSED = 5

_CALLER = "set OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD of the domain's master user, or name another --profile"


@dataclass(frozen=True, slots=True)
class Documents:
    """How many documents of the last minutes there are: by log type, in all, not parsed, and slim among these."""

    by_type: Mapping[str, int]
    total: int
    not_parsed: int
    slim: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read, and an error where it could not be read.

    Attributes:
        minutes: How far back documents were counted.
        caller: None on OpenSearch Serverless, which does not say.
        bulk: Whether an empty bulk request came as far as OpenSearch; None if it was not sent.
    """

    target: Target
    minutes: int
    server: Server | SetupError
    caller: Caller | SetupError | None
    state: State
    bulk: bool | SetupError | None
    documents: Documents | SetupError


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands that help, for the same stack or domain."""

    apply: str
    check: str


def gather(client: Client, target: Target, minutes: int, today: date) -> Facts | SetupError:
    """Read everything that `check` judges.

    Args:
        client: The domain, as the caller may use it.
        target: What it should hold; its server is that of the client, or None if that does not say what it is.
        minutes: How far back to count documents.
        today: In UTC.

    Returns:
        The error alone where nobody answers, or somebody else than OpenSearch.
    """
    server = attempt(client.server)
    if isinstance(server, NotReachable | NotOpenSearch):
        return server
    state = registry.read(client, target, today)
    read = (*state.current.values(), state.indices)
    if wrong := [error for error in read if isinstance(error, NotReachable | NotOpenSearch)]:
        return wrong[0]
    caller = None if target.is_serverless else attempt(client.caller)
    is_function = isinstance(caller, Caller) and target.iam_role_arn in caller.backend_roles
    return Facts(
        target=target,
        minutes=minutes,
        server=server,
        caller=caller,
        state=state,
        bulk=attempt(client.reaches_bulk) if is_function else None,
        documents=attempt(lambda: _documents(client, target, minutes)),
    )


def check(facts: Facts | SetupError, commands: Commands) -> tuple[Finding, ...]:
    """Every link, in the order in which one depends on the other."""
    if isinstance(facts, SetupError):
        return (fail("endpoint", str(facts), f"nothing else could be asked; then {commands.check}"),)
    return (
        ok("endpoint", "answers, with a certificate that is trusted"),
        check_caller(facts),
        check_version(facts.server),
        check_security(facts),
        *registry.check(facts.state, facts.target, commands.apply),
        *check_indices(facts),
        check_bulk(facts),
        *check_documents(facts),
    )


def check_caller(facts: Facts) -> Finding:
    """OpenSearch knows who asks."""
    if isinstance(facts.caller, Caller):
        return ok("caller", f"asks as {facts.caller.name}")
    read = (facts.caller, facts.server, *facts.state.current.values(), facts.state.indices, facts.documents)
    refused = [error for error in read if isinstance(error, NotAllowed)]
    if refused and (facts.caller is not None or not any(isinstance(one, Current) for one in read)):
        return fail("caller", str(refused[0]), _CALLER)
    if isinstance(facts.caller, SetupError) and not isinstance(facts.caller, NotProvided):
        return fail("caller", str(facts.caller), _CALLER)
    return ok("caller", "is let in")


def check_version(server: Server | SetupError) -> Finding:
    """The server has composable index templates."""
    if isinstance(server, NotProvided):
        return fail("version", str(server), "upgrade the domain, or name its own address with --endpoint")
    if isinstance(server, SetupError):
        return skipped("version", str(server), _CALLER)
    return ok("version", server.name)


def check_security(facts: Facts) -> Finding:
    """There is a security plugin, where roles are."""
    if facts.target.is_serverless:
        return skipped("security", NO_ROLES)
    if isinstance(facts.caller, NotProvided):
        remediation = "turn on fine-grained access control (Amazon OpenSearch Service developer guide)"
        return fail("security", str(facts.caller), remediation)
    if isinstance(facts.caller, SetupError):
        return skipped("security", "the caller was refused", _CALLER)
    return ok("security", "the security plugin is there")


def check_indices(facts: Facts) -> Iterator[Finding]:
    """What is written to has our mapping and takes records, and is made where it is not there."""
    indices, settings = facts.state.indices, facts.state.settings
    if isinstance(indices, SetupError):
        yield skipped("index", str(indices))
        return
    conflicts = tuple(index_conflicts(indices, facts.target, facts.state.today))
    yield from conflicts or (ok("index", f"no index of {facts.target.index} has another mapping"),)
    if facts.target.is_serverless:
        return
    if isinstance(settings, SetupError):
        yield skipped("creation", str(settings))
    else:
        yield check_creation(settings, indices, facts.target, facts.state.today)
        yield from check_room(settings, facts.state.shards, indices, facts.target, facts.state.today)


def check_bulk(facts: Facts) -> Finding:
    """A bulk request of the function would come through; nobody else can sign one as the function."""
    if isinstance(facts.bulk, SetupError):
        remediation = "let the domain's access policy and the role's IAM policy allow es:ESHttpPost"
        return fail("write", str(facts.bulk), remediation)
    if facts.bulk is None:
        return skipped("write", "not tried: only the function can sign as itself; rights and mapped say what it may do")
    return ok("write", "an empty bulk request, signed as the function's role, came through")


def check_documents(facts: Facts) -> Iterator[Finding]:
    """Documents of the cluster, of each log type, came within the last minutes, and were parsed."""
    documents = facts.documents
    if isinstance(documents, SetupError):
        yield skipped("documents", str(documents))
        return
    whose = f" of cluster {facts.target.cluster}" if facts.target.cluster else ""
    which = "" if facts.target.cluster else "; of all clusters, unless --cluster names one"
    quiet = "look at the links before this one, enable log types that are off, or look back further with --minutes"
    if not documents.total:
        message = f"none{whose} in the last {facts.minutes} minutes; new ones can be found after some 30 seconds{which}"
        yield fail("documents", message, quiet)
        return
    counted = ", ".join(f"{log_type} {documents.by_type.get(log_type, 0)}" for log_type in EKS_LOG_TYPES)
    message = f"{documents.total}{whose} in the last {facts.minutes} minutes: {counted}{which}"
    is_complete = all(documents.by_type.get(log_type) for log_type in EKS_LOG_TYPES)
    yield ok("documents", message) if is_complete else warn("documents", message, quiet)
    share = 100 * documents.not_parsed / documents.total
    message = f"{documents.not_parsed} of {documents.total} not parsed ({share:.1f} %), {documents.slim} of them slim"
    if share < _MOST_NOT_PARSED and not documents.slim:
        yield ok("parsed", message)
    else:
        yield warn("parsed", message, "look at the reasons: search for parse_error:* and count by parse_error")


def _documents(client: Client, target: Target, minutes: int) -> Documents:
    """How many documents there are of the last minutes, by one search."""
    filters: list[dict[str, Any]] = [{"range": {"@timestamp": {"gte": f"now-{minutes}m"}}}]
    if target.cluster:
        filters.append({"term": {"cluster": target.cluster}})
    body = {
        "size": 0,
        "query": {"bool": {"filter": filters}},
        "aggs": {
            "all": {"filter": {"match_all": {}}},
            "types": {"terms": {"field": "log_type", "size": 20}},
            "not_parsed": {"filter": {"exists": {"field": "parse_error"}}},
            "slim": {"filter": {"prefix": {"parse_error": SLIM}}},
        },
    }
    answer = client.api.search(index=target.written, body=body, ignore_unavailable=True, allow_no_indices=True)
    # An index that is not there is not searched, and then there are no aggregations.
    found: dict[str, Any] = answer.get("aggregations") or {}
    types = {bucket["key"]: bucket["doc_count"] for bucket in found.get("types", {}).get("buckets", ())}
    total, not_parsed, slim = (int(found.get(name, {}).get("doc_count", 0)) for name in ("all", "not_parsed", "slim"))
    return Documents(types, total, not_parsed, slim)
