"""Which records tell what led to requests of controllers: the searches for them, as plain data."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from eks_logs.causes import FIELDS, NOT_FIELDS, QUIET_SUBRESOURCES, VERBS, Request, Thing, owners_by_name
from eks_logs.questions import Query

LOOKED_BACK = timedelta(hours=1)
"""How long before its effect a cause is looked for."""

MOST_RECORDS = 2000
"""How many records a search returns, the newest first."""

SOURCE: Query = {"includes": list(FIELDS), "excludes": list(NOT_FIELDS)}
"""What a search returns of each document."""

# A bool query may have 1,024 clauses in all (indices.query.bool.max_clause_count).
_MOST_CLAUSES = 100


@dataclass(frozen=True)
class Sought:
    """What the causes of some requests are about.

    Attributes:
        clusters: Their clusters; empty for records that name none.
        spans: When they were received: first and last moment of each span, in order.
        names: Of objects: those that were acted on, their owners, nodes and namespaces.
        prefixes: What the names of pods begin with whose loss is made good.
        namespaces: In which all objects of a kind may have been deleted at once.
    """

    clusters: frozenset[str]
    spans: tuple[tuple[datetime, datetime], ...]
    names: frozenset[str]
    prefixes: frozenset[str]
    namespaces: frozenset[str]

    def is_within(self, other: "Sought") -> bool:
        """Whether the other finds all that this does."""
        return (
            self.clusters <= other.clusters
            and self.names <= other.names
            and self.prefixes <= other.prefixes
            and self.namespaces <= other.namespaces
            and all(any(first <= begin and end <= last for first, last in other.spans) for begin, end in self.spans)
        )


def sought(effects: Iterable[Request]) -> Sought:
    """What the causes of these requests are about."""
    requests = list(effects)
    namespaces = {request.thing.namespace for request in requests} - {""}
    makers = (request for request in requests if request.verb == "create" and request.thing.resource == "pods")
    names = {name for request in requests for name in _names(request)}
    return Sought(
        clusters=frozenset(request.cluster for request in requests),
        spans=_spans(request.time for request in requests),
        names=frozenset(names | namespaces) - {""},
        prefixes=frozenset(f"{owner.name}-" for request in makers for owner in request.owners),
        namespaces=frozenset(namespaces),
    )


def _names(request: Request) -> Iterator[str]:
    yield request.node
    ahead = [request.thing, *request.owners]
    while ahead:
        thing: Thing = ahead.pop()
        yield thing.name
        ahead.extend(owners_by_name(thing))


def _spans(times: Iterable[datetime]) -> tuple[tuple[datetime, datetime], ...]:
    """The spans in which causes of effects at these times are; if there are too many for a query, what holds all."""
    spans: list[tuple[datetime, datetime]] = []
    for time in sorted(times):
        begin = time - LOOKED_BACK
        if spans and begin <= spans[-1][1]:
            spans[-1] = (spans[-1][0], time)
        else:
            spans.append((begin, time))
    return tuple(spans) if len(spans) <= _MOST_CLAUSES else ((spans[0][0], spans[-1][1]),)


def search_for(wanted: Sought, *, who: Sequence[Query] = (), but: Sequence[Query] = ()) -> dict[str, Any]:
    """The body of the search for records among which causes are.

    Args:
        wanted: What they are about.
        who: What finds those whose requests they are; anybody's, if there is none.
        but: What finds those whose requests they are not.
    """
    clusters: list[Query] = [{"terms": {"cluster": sorted(wanted.clusters - {""})}}]
    if "" in wanted.clusters:
        clusters.append({"bool": {"must_not": [{"exists": {"field": "cluster"}}]}})
    received = "requestReceivedTimestamp"
    cut_off: Query = {"bool": {"must_not": [{"exists": {"field": received}}]}}
    spans: list[Query] = []
    for begin, end in wanted.spans:
        # A record that CloudWatch Logs cut has lost its last members, of which this is one.
        spans.append(_span(received, begin, end))
        spans.append({"bool": {"filter": [cut_off, _span("@timestamp", begin, end)]}})
    names = sorted(wanted.names)
    all_of_them: list[Query] = [
        {"term": {"verb": "deletecollection"}},
        _any_of(
            {"terms": {"objectRef.namespace": sorted(wanted.namespaces)}}, {"term": {"objectRef.resource": "nodes"}}
        ),
    ]
    prefixes: list[Query] = [
        {"bool": {"filter": [{"term": {"objectRef.resource": "pods"}}, {"prefix": {"objectRef.name.keyword": prefix}}]}}
        for prefix in sorted(wanted.prefixes)[:_MOST_CLAUSES]
    ]
    about = _any_of(
        {"terms": {"objectRef.name.keyword": names}},
        {"terms": {"generated_name": names}},
        {"bool": {"filter": all_of_them}},
        *prefixes,
    )
    query: Query = {
        "bool": {
            "filter": [
                {"term": {"log_type": "audit"}},
                {"term": {"outcome": "allowed"}},
                {"terms": {"verb": sorted(VERBS)}},
                _any_of(*clusters),
                _any_of(*spans),
                about,
                *who,
            ],
            "must_not": [
                {"term": {"dry_run": True}},
                {"terms": {"objectRef.subresource": sorted(QUIET_SUBRESOURCES)}},
                *but,
            ],
        }
    }
    return {
        "query": query,
        "_source": SOURCE,
        "sort": [{"@timestamp": "desc"}, {"@id": "desc"}],
        "size": MOST_RECORDS,
        "track_total_hits": True,
    }


def _any_of(*queries: Query) -> Query:
    return {"bool": {"should": list(queries), "minimum_should_match": 1}}


def _span(field: str, begin: datetime, end: datetime) -> Query:
    return {"range": {field: {"gte": _written(begin), "lte": _written(end)}}}


def _written(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
