"""The answer to a question: a row for each request, people before controllers, and what led to each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eks_logs.cause_search import Sought, search_for, sought
from eks_logs.causes import (
    FIELDS,
    NOT_FIELDS,
    ORIGIN,
    Chain,
    Source,
    chains,
    one_of_each_request,
    unexplained,
    without_confirmations,
)
from eks_logs.errors import NotAnswerable, SetupError
from eks_logs.opensearch.client import Client
from eks_logs.questions import (
    API_SERVER,
    CONTROLLERS,
    NODES,
    SERVICE_ACCOUNTS,
    Bucket,
    Query,
    Question,
    as_text,
    field_of,
)

# The later ones weigh less than all before them together, so that each kind stands as a whole.
_FIRST: tuple[tuple[Query, int], ...] = (
    ({"bool": {"must_not": [CONTROLLERS, SERVICE_ACCOUNTS]}}, 4),
    ({"bool": {"must_not": [CONTROLLERS]}}, 2),
    ({"bool": {"must_not": [NODES]}}, 1),
)


_CLUSTERS: Query = {"terms": {"field": "cluster", "size": 100}}


@dataclass(frozen=True)
class Row:
    """A request, or a record of another log.

    Attributes:
        values: What the question shows, in that order, as text.
        origin: Of which cluster, region and account (ORIGIN) the record is, as text.
        chain: What led to it; None where there is nothing to tell.
    """

    values: tuple[str, ...]
    origin: tuple[str, ...]
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
        clusters: How many records of which cluster were found, before any are left out.
        notes: What the answer lacks, in sentences.
    """

    total: int
    rows: tuple[Row, ...]
    people_first: bool
    counts: Mapping[str, tuple[Bucket, ...]]
    confirmations: int
    by_api_server: int
    clusters: Mapping[str, int]
    notes: tuple[str, ...]


def answer(  # noqa: PLR0913 - where to look, what for, and how far
    client: Client,
    index: str,
    question: Question,
    size: int,
    *,
    last: str = "",
    cluster: str = "",
    region: str = "",
) -> Answered:
    """What OpenSearch finds in the indices that begin with a name.

    Args:
        client: The domain.
        index: The name.
        question: What is asked, of people and of controllers.
        size: How many records to show.
        last: How far to look back, such as `24h` (OpenSearch's date math); all, if empty.
        cluster: Of which cluster; of all, if empty.
        region: Of which region; of all, if empty. A record that names none, as an earlier version stored it, is found.

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
    part = _where_from(cluster, region)
    asked = question.within({"bool": {"filter": part}}) if part else question
    found = client.search(f"{index}*", _body(asked, searched, last, of_requests=of_requests))
    if found["_shards"]["total"] == 0:
        raise NotAnswerable(f"there is no index {index}*: nothing was forwarded yet, or --index names another")
    hits: list[Source] = [hit["_source"] for hit in found["hits"]["hits"]]
    rows, told = one_of_each_request(hits), _incomplete(found, "records")
    if cluster and not found["hits"]["total"]["value"]:
        told += _other_clusters(client, index, cluster, part)
    traced: Sequence[Chain | None] = [None] * len(rows)
    if of_requests:
        candidates, more = _candidates(client, index, rows)
        traced, told = chains(rows, candidates), [*told, *more]
    shown, confirmations = without_confirmations(rows, traced)
    aggregations = found.get("aggregations", {})
    return Answered(
        total=found["hits"]["total"]["value"] - (len(hits) - len(rows) if of_requests else 0) - confirmations,
        rows=tuple(Row(question.row(source), _origin(source), chain) for source, chain in shown[:size]),
        people_first=of_requests,
        counts=question.read(found).counts,
        confirmations=confirmations,
        by_api_server=aggregations.get("api_server", {}).get("doc_count", 0),
        clusters={
            str(bucket["key"]): bucket["doc_count"] for bucket in aggregations.get("clusters", {}).get("buckets", ())
        },
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
    else:
        body["_source"] = [*question.shows, *ORIGIN]
    body["aggs"] = {name: _by_cluster(counted) for name, counted in question.aggregations.items()} | {
        "clusters": _CLUSTERS
    }
    if question.controllers is not None:
        body["aggs"]["api_server"] = {"filter": API_SERVER}
        body["post_filter"] = {"bool": {"must_not": [API_SERVER]}}
    return {**body, "query": {"bool": query}}


def _by_cluster(counted: Mapping[str, Any]) -> dict[str, Any]:
    """What is counted, and of which clusters each is."""
    return {**counted, "aggs": {**counted.get("aggs", {}), "clusters": _CLUSTERS}}


def _where_from(cluster: str, region: str) -> list[Query]:
    """What finds the records of a cluster and a region."""
    nowhere: Query = {"bool": {"must_not": [{"exists": {"field": "region"}}]}}
    there: Query = {"bool": {"should": [{"term": {"region": region}}, nowhere], "minimum_should_match": 1}}
    return [*([{"term": {"cluster": cluster}}] if cluster else []), *([there] if region else [])]


def _origin(source: Source) -> tuple[str, ...]:
    return tuple(as_text(field_of(source, name)) for name in ORIGIN)


def _other_clusters(client: Client, index: str, cluster: str, part: Sequence[Query]) -> list[str]:
    """A sentence that names the clusters that there are, if this one has no record at all."""
    own = {"filter": {"bool": {"filter": list(part)}}}
    found = client.search(f"{index}*", {"size": 0, "aggs": {"own": own, "clusters": _CLUSTERS}})
    counted = found.get("aggregations", {})
    if counted.get("own", {}).get("doc_count"):
        return []
    names = ", ".join(str(bucket["key"]) for bucket in counted.get("clusters", {}).get("buckets", ()))
    return [f"There is no record of cluster {cluster}; there are some of: {names or 'no cluster'}."]


def _incomplete(found: Mapping[str, Any], what: str) -> list[str]:
    failed, total = found["_shards"].get("failed", 0), found["_shards"]["total"]
    if failed or found.get("timed_out"):
        return [f"OpenSearch answered in part ({failed} of {total} shards failed): {what} may be missing."]
    return []


def _candidates(client: Client, index: str, rows: Sequence[Source]) -> tuple[list[Source], list[str]]:
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
            found.extend(_looked_for(client, index, search_for(wanted, **choice), notes))
        further = _open(rows, found)
        if further is not None and not further.is_within(wanted):
            found.extend(_looked_for(client, index, search_for(further), notes))
    except (SetupError, ValueError) as error:
        notes.append(f"What led to requests of controllers was not looked for in full: {error}")
    return found, notes


def _open(rows: Sequence[Source], candidates: Iterable[Source]) -> Sought | None:
    """What is still to be looked for; None if nothing is."""
    known = list(candidates)
    effects = unexplained(chains(rows, known), [*known, *rows])
    return sought(effects) if effects else None


def _looked_for(client: Client, index: str, body: Mapping[str, Any], notes: list[str]) -> list[Source]:
    found = client.search(f"{index}*", body)
    notes.extend(_incomplete(found, "causes"))
    sources: list[Source] = [hit["_source"] for hit in found["hits"]["hits"]]
    if (total := found["hits"]["total"]["value"]) > len(sources):
        notes.append(f"Causes were looked for among the newest {len(sources)} of {total} requests that they may be.")
    return sources
