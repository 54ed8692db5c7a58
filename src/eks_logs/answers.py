"""The answer to a question: a row for each request, people before controllers, and what led to each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from eks_logs.cause_search import Sought, search_for, sought
from eks_logs.causes import (
    FIELDS,
    NOT_FIELDS,
    Chain,
    Source,
    chains,
    one_of_each_request,
    unexplained,
    without_confirmations,
)
from eks_logs.endpoint import Endpoint, said
from eks_logs.errors import NotAllowed, NotAnswerable, Rejected, SetupError
from eks_logs.questions import API_SERVER, CONTROLLERS, NODES, SERVICE_ACCOUNTS, Bucket, Query, Question

# The later ones weigh less than all before them together, so that each kind stands as a whole.
_FIRST: tuple[tuple[Query, int], ...] = (
    ({"bool": {"must_not": [CONTROLLERS, SERVICE_ACCOUNTS]}}, 4),
    ({"bool": {"must_not": [CONTROLLERS]}}, 2),
    ({"bool": {"must_not": [NODES]}}, 1),
)


@dataclass(frozen=True)
class Row:
    """A request, or a record of another log.

    Attributes:
        values: What the question shows, in that order, as text.
        chain: What led to it; None where there is nothing to tell.
    """

    values: tuple[str, ...]
    chain: Chain | None


@dataclass(frozen=True)
class Answered:
    """What OpenSearch found.

    Attributes:
        total: How many requests and records of other logs, without those that are counted apart.
        rows: The first of them.
        people_first: Whether people and IAM identities stand first, then other programs, then the cluster's own; within
            each the newest first.
        counts: The buckets of each aggregation, in the order that OpenSearch gave them.
        confirmations: How many deletions of pods by kubelets are left out, which confirm deletions that are rows.
        by_api_server: How many requests of the API server itself are left out.
        notes: What the answer lacks, in sentences.
    """

    total: int
    rows: tuple[Row, ...]
    people_first: bool
    counts: Mapping[str, tuple[Bucket, ...]]
    confirmations: int
    by_api_server: int
    notes: tuple[str, ...]


def answer(endpoint: Endpoint, index: str, question: Question, size: int, last: str = "") -> Answered:
    """What OpenSearch finds in the indices that begin with a name.

    Args:
        endpoint: The domain.
        index: The name.
        question: What is asked, of people and of controllers.
        size: How many records to show.
        last: How far to look back, such as `24h` (OpenSearch's date math); all, if empty.

    Raises:
        NotReachable: there is no answer.
        NotAllowed: the caller may not read these indices.
        NotAnswerable: there is no such index.
        Rejected: any other answer.
    """
    # A count, or the first of all, is about no single request.
    of_requests = not question.aggregations and not question.oldest_first
    # Up to half of what deletes pods are kubelets' confirmations, which stand last and make no row.
    searched = 2 * size if of_requests else size
    found = _search(endpoint, index, _body(question, searched, last, of_requests=of_requests))
    if found["_shards"]["total"] == 0:
        raise NotAnswerable(f"there is no index {index}*: nothing was forwarded yet, or --index names another")
    hits: list[Source] = [hit["_source"] for hit in found["hits"]["hits"]]
    rows, told = one_of_each_request(hits), _incomplete(found, "records")
    traced: Sequence[Chain | None] = [None] * len(rows)
    if of_requests:
        candidates, more = _candidates(endpoint, index, rows)
        traced, told = chains(rows, candidates), [*told, *more]
    shown, confirmations = without_confirmations(rows, traced)
    aggregations = found.get("aggregations", {})
    return Answered(
        total=found["hits"]["total"]["value"] - (len(hits) - len(rows) if of_requests else 0) - confirmations,
        rows=tuple(Row(question.row(source), chain) for source, chain in shown[:size]),
        people_first=of_requests,
        counts=question.read(found).counts,
        confirmations=confirmations,
        by_api_server=aggregations.get("api_server", {}).get("doc_count", 0),
        notes=tuple(dict.fromkeys(told)),
    )


def _body(question: Question, size: int, last: str, *, of_requests: bool) -> dict[str, Any]:
    body = question.request(size, newest_first=True)
    recent = [{"range": {"@timestamp": {"gte": f"now-{last}"}}}] if last else []
    query: dict[str, Any] = {"filter": [question.everything, *recent]}
    if of_requests:
        query["should"] = [{"constant_score": {"filter": kind, "boost": weight}} for kind, weight in _FIRST]
        body["sort"] = [{"_score": "desc"}, *body["sort"]]
        body["_source"] = {"includes": [*question.shows, *FIELDS], "excludes": list(NOT_FIELDS)}
    if question.controllers is not None:
        body["aggs"] = {"api_server": {"filter": API_SERVER}}
        body["post_filter"] = {"bool": {"must_not": [API_SERVER]}}
    return {**body, "query": {"bool": query}}


def _search(endpoint: Endpoint, index: str, body: Mapping[str, Any]) -> dict[str, Any]:
    response = endpoint.send("POST", f"/{index}*/_search", body)
    if response.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
        raise NotAllowed(
            f"{response.status_code}: the caller may not read {index}*; map its user or IAM role to a role "
            f"that may, such as readall. {said(response)}"
        )
    if not response.ok:
        raise Rejected(f"{response.status_code} at {index}*: {said(response)}")
    found: dict[str, Any] = response.json()
    return found


def _incomplete(found: Mapping[str, Any], what: str) -> list[str]:
    failed, total = found["_shards"].get("failed", 0), found["_shards"]["total"]
    if failed or found.get("timed_out"):
        return [f"OpenSearch answered in part ({failed} of {total} shards failed): {what} may be missing."]
    return []


def _candidates(endpoint: Endpoint, index: str, rows: Sequence[Source]) -> tuple[list[Source], list[str]]:
    """Records among which the causes of rows are, from at most three searches; and what may be missing of them.

    People and service accounts of other namespaces have a search of their own, so that no controller crowds them out.
    A third one follows owners and nodes that the first two tell.
    """
    found: list[Source] = []
    notes: list[str] = []
    wanted = _open(rows, found)
    if wanted is None:
        return found, notes
    try:
        for choice in ({"but": [CONTROLLERS]}, {"who": [CONTROLLERS], "but": [NODES]}):
            found.extend(_looked_for(endpoint, index, search_for(wanted, **choice), notes))
        further = _open(rows, found)
        if further is not None and not further.is_within(wanted):
            found.extend(_looked_for(endpoint, index, search_for(further), notes))
    except (SetupError, ValueError) as error:
        notes.append(f"What led to requests of controllers was not looked for in full: {error}")
    return found, notes


def _open(rows: Sequence[Source], candidates: Iterable[Source]) -> Sought | None:
    """What is still to be looked for; None if nothing is."""
    known = list(candidates)
    effects = unexplained(chains(rows, known), [*known, *rows])
    return sought(effects) if effects else None


def _looked_for(endpoint: Endpoint, index: str, body: Mapping[str, Any], notes: list[str]) -> list[Source]:
    found = _search(endpoint, index, body)
    notes.extend(_incomplete(found, "causes"))
    sources: list[Source] = [hit["_source"] for hit in found["hits"]["hits"]]
    if (total := found["hits"]["total"]["value"]) > len(sources):
        notes.append(f"Causes were looked for among the newest {len(sources)} of {total} requests that they may be.")
    return sources
