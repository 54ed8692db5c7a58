"""Gathers in OpenSearch what the checks judge; what cannot be read is the error that kept it from being read."""

from collections.abc import Callable
from typing import Any, TypeVar

from eks_logs.errors import NotReachable, SetupError
from eks_logs.opensearch.checks import Documents, DomainFacts
from eks_logs.opensearch.client import Domain
from eks_logs.opensearch.ism_policy import dated
from eks_logs.opensearch.server import Caller, Server
from eks_logs.opensearch.target import Wanted
from forwarder.documents import SLIM
from forwarder.index_names import NONE

_Read = TypeVar("_Read")


def gather(domain: Domain, wanted_of: Callable[[Server | None], Wanted], minutes: int) -> DomainFacts:
    """Everything that `check_domain` judges.

    Args:
        domain: As the caller may use it.
        wanted_of: What a server should hold; None stands for one that did not tell what it is.
        minutes: How far back to count documents.
    """
    server = _or_error(domain.server)
    wanted = wanted_of(None if isinstance(server, SetupError) else server)
    if isinstance(server, NotReachable):
        return DomainFacts(wanted, minutes, *[server] * 8)
    caller = _or_error(domain.caller) if wanted.role else None
    return DomainFacts(
        wanted=wanted,
        minutes=minutes,
        server=server,
        caller=caller,
        role=_or_error(domain.role) if wanted.role else None,
        mapping=_or_error(domain.mapping) if wanted.role else None,
        templates=_or_error(domain.templates),
        indices=_or_error(lambda: domain.indices(wanted.index)),
        bulk=_or_error(domain.reaches_bulk) if _is_function(caller, wanted) else None,
        documents=_or_error(lambda: _documents(domain, wanted, minutes)),
    )


def _or_error(read: Callable[[], _Read]) -> _Read | SetupError:
    try:
        return read()
    except SetupError as error:
        return error


def _is_function(caller: Caller | SetupError | None, wanted: Wanted) -> bool:
    return isinstance(caller, Caller) and wanted.iam_role_arn in caller.backend_roles


def _documents(domain: Domain, wanted: Wanted, minutes: int) -> Documents:
    """How many documents there are of the last minutes, by one search."""
    indices = wanted.index if wanted.rotation == NONE else dated(wanted.index)
    answer = domain.search(indices, _counts(minutes))
    # An index that is not there is not searched, and then there are no aggregations.
    found: dict[str, Any] = answer.get("aggregations") or {}
    types = {bucket["key"]: bucket["doc_count"] for bucket in found.get("types", {}).get("buckets", ())}
    total, not_parsed, slim = (int(found.get(name, {}).get("doc_count", 0)) for name in ("all", "not_parsed", "slim"))
    return Documents(types, total, not_parsed, slim)


def _counts(minutes: int) -> dict[str, Any]:
    return {
        "size": 0,
        "query": {"range": {"@timestamp": {"gte": f"now-{minutes}m"}}},
        "aggs": {
            "all": {"filter": {"match_all": {}}},
            "types": {"terms": {"field": "log_type", "size": 20}},
            "not_parsed": {"filter": {"exists": {"field": "parse_error"}}},
            "slim": {"filter": {"prefix": {"parse_error": SLIM}}},
        },
    }
