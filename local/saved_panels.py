"""What a dashboard would show, without Dashboards: our saved objects asked of the real OpenSearch.

Reads only what the saved objects say, as Dashboards does: the data view's index and time field, the filters and the
query string of a search source, the aggregations of a `visState`, the columns and order of a saved search.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from opensearchpy import OpenSearch

from eks_logs.dashboards import SAVED_OBJECTS, SavedObject
from eks_logs.questions import as_text, field_of

Library: TypeAlias = Mapping[tuple[str, str], SavedObject]
"""Saved objects by type and id."""

Cell: TypeAlias = str | float

_MISSING = "__missing__"  # what Dashboards has a terms aggregation call records without a value
_MOST_RECORDS = 500  # Dashboards' discover:sampleSize
_MOST_BARS = 100  # Dashboards' histogram:maxBars
_BARS = 50  # Dashboards' histogram:barTarget
_SECOND, _MINUTE, _HOUR, _DAY = 1, 60, 3_600, 86_400
_INTERVALS = (_SECOND, 10 * _SECOND, _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE, _HOUR, 3 * _HOUR, 12 * _HOUR)


@dataclass(frozen=True)
class Span:
    """The time that a dashboard is about: from the first to the last moment, in milliseconds since 1970."""

    first: int
    last: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.last - self.first) / 1000


@dataclass(frozen=True)
class Shown:
    """What a panel shows.

    Attributes:
        kind: `search`, or the type of the visualization: `metric`, `histogram`, `horizontal_bar`, `table` …
        title: What stands above it.
        total: How many records its query finds.
        columns: Of the rows; those of a chart are what it is split by, then its number.
        rows: As Dashboards would draw them, in that order.
        state: The `visState`, empty for a saved search.
        colors: Of values, where the saved object names them.
    """

    kind: str
    title: str
    total: int
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    state: Mapping[str, Any]
    colors: Mapping[str, str]


def read_library(text: str = "") -> Library:
    """The saved objects in NDJSON; ours, if nothing is given."""
    objects = map(json.loads, (text or SAVED_OBJECTS.read_text(encoding="utf-8")).splitlines())
    return {(saved["type"], saved["id"]): saved for saved in objects}


def referred(library: Library, saved: SavedObject, name: str) -> SavedObject:
    """The object that a saved object refers to under a name.

    Raises:
        KeyError: it has no such reference, or it leads nowhere.
    """
    (reference,) = [reference for reference in saved["references"] if reference["name"] == name] or [{}]
    return library[reference["type"], reference["id"]]


def span_of(server: OpenSearch, index: str) -> Span:
    """From the oldest to the newest record."""
    ends = {"first": {"min": {"field": "@timestamp"}}, "last": {"max": {"field": "@timestamp"}}}
    found = server.search(index=index, body={"size": 0, "aggs": ends})["aggregations"]
    return Span(int(found["first"]["value"]), int(found["last"]["value"]))


def ask_panel(server: OpenSearch, library: Library, saved: SavedObject, span: Span, index: str = "") -> Shown:
    """What a saved search or a visualization shows.

    Args:
        server: The server itself.
        library: All saved objects, to follow references in.
        saved: The search or visualization.
        span: The time range of its dashboard.
        index: To be asked instead of the data view's pattern.
    """
    if "columns" in saved["attributes"]:
        return _ask_search(server, library, saved, span, index)
    state = json.loads(saved["attributes"]["visState"])
    colors = json.loads(saved["attributes"]["uiStateJSON"]).get("vis", {}).get("colors", {})
    title, kind = saved["attributes"]["title"], state["type"]
    if kind == "markdown":
        return Shown(kind, title, 0, (), (), state, colors)
    if kind == "input_control_vis":
        choices = tuple(_choices(server, library, saved, index))
        return Shown(kind, title, 0, ("control", "values"), choices, state, colors)
    view = referred(library, saved, _source(saved)["indexRefName"])
    body = {"size": 0, "query": _query(saved, view, span), "aggs": _nested(state["aggs"], span)}
    found = _search(server, index, view, body)
    total = found["hits"]["total"]["value"]
    level = {**found.get("aggregations", {}), "doc_count": total}
    rows = tuple(_rows(level, _buckets(state["aggs"]), _metrics(state["aggs"])))
    return Shown(kind, title, total, _columns(state["aggs"]), rows, state, colors)


def _ask_search(server: OpenSearch, library: Library, saved: SavedObject, span: Span, index: str) -> Shown:
    view = referred(library, saved, _source(saved)["indexRefName"])
    columns = (view["attributes"]["timeFieldName"], *saved["attributes"]["columns"])
    order = [
        {name: {"order": direction, "unmapped_type": "boolean"}} for name, direction in saved["attributes"]["sort"]
    ]
    body = {"size": _MOST_RECORDS, "query": _query(saved, view, span), "sort": order}
    hits = _search(server, index, view, body)["hits"]
    rows = tuple(tuple(as_text(field_of(hit["_source"], name)) for name in columns) for hit in hits["hits"])
    return Shown("search", saved["attributes"]["title"], hits["total"]["value"], columns, rows, {}, {})


def _choices(server: OpenSearch, library: Library, saved: SavedObject, index: str) -> Iterator[tuple[Cell, ...]]:
    for control in json.loads(saved["attributes"]["visState"])["params"]["controls"]:
        view = referred(library, saved, control["indexPatternRefName"])
        terms = {"terms": {"field": control["fieldName"], "size": control["options"]["size"]}}
        found = _search(server, index, view, {"size": 0, "aggs": {"values": terms}})
        yield control["label"], ", ".join(str(one["key"]) for one in found["aggregations"]["values"]["buckets"])


def _search(server: OpenSearch, index: str, view: SavedObject, body: dict[str, Any]) -> dict[str, Any]:
    pattern = index or view["attributes"]["title"]
    found: dict[str, Any] = server.search(index=pattern, body={**body, "track_total_hits": True})
    return found


def _source(saved: SavedObject) -> dict[str, Any]:
    source: dict[str, Any] = json.loads(saved["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    return source


def _query(saved: SavedObject, view: SavedObject, span: Span) -> dict[str, Any]:
    source = _source(saved)
    times = {"gte": span.first, "lte": span.last, "format": "epoch_millis"}
    found: list[Any] = [{"range": {view["attributes"]["timeFieldName"]: times}}]
    if source["query"]["query"]:
        found.append({"query_string": {"query": source["query"]["query"], "analyze_wildcard": True}})
    filters = [one for one in source["filter"] if not one["meta"]["disabled"]]
    found += [one["query"] for one in filters if not one["meta"]["negate"]]
    return {"bool": {"filter": found, "must_not": [one["query"] for one in filters if one["meta"]["negate"]]}}


def _metrics(aggregations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in aggregations if one["schema"] == "metric"]


def _buckets(aggregations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in aggregations if one["schema"] != "metric"]


def _columns(aggregations: list[dict[str, Any]]) -> tuple[str, ...]:
    ordered = (*_buckets(aggregations), *_metrics(aggregations))
    return tuple(one["params"].get("customLabel") or one["params"]["field"] for one in ordered)


def _nested(aggregations: list[dict[str, Any]], span: Span) -> dict[str, Any]:
    """The buckets, each within the one before, and the metrics within all of them, since they decide the order."""
    metrics = {
        one["id"]: {one["type"]: {"field": one["params"]["field"]}}
        for one in _metrics(aggregations)
        if one["type"] != "count"
    }
    nested = metrics
    for bucket in reversed(_buckets(aggregations)):
        own = _over_time(bucket, span) if bucket["type"] == "date_histogram" else _terms(bucket, metrics)
        nested = {**metrics, bucket["id"]: {bucket["type"]: own, "aggs": nested}}
    return nested


def _terms(bucket: dict[str, Any], metrics: Mapping[str, Any]) -> dict[str, Any]:
    params = bucket["params"]
    order = params["orderBy"] if params["orderBy"] in metrics else "_count"
    missing = {"missing": _MISSING} if params["missingBucket"] else {}
    return {"field": params["field"], "size": params["size"], "order": {order: params["order"]}, **missing}


def _over_time(bucket: dict[str, Any], span: Span) -> dict[str, Any]:
    params = bucket["params"]
    least = span.seconds / _BARS if params["interval"] == "auto" else max(_MINUTE, span.seconds / _MOST_BARS)
    seconds = next((interval for interval in _INTERVALS if interval >= least), _DAY)
    return {"field": params["field"], "fixed_interval": f"{seconds}s", "min_doc_count": params["min_doc_count"]}


def _rows(
    level: Mapping[str, Any], buckets: list[dict[str, Any]], metrics: list[dict[str, Any]]
) -> Iterator[tuple[Cell, ...]]:
    if not buckets:
        yield tuple(_value(level, metric) for metric in metrics)
        return
    for found in level[buckets[0]["id"]]["buckets"]:
        for row in _rows(found, buckets[1:], metrics):
            yield _key(found, buckets[0]), *row


def _value(level: Mapping[str, Any], metric: dict[str, Any]) -> Cell:
    if metric["type"] == "count":
        return int(level["doc_count"])
    found = level[metric["id"]]
    return str(found.get("value_as_string", "")) or float(found["value"] or 0)


def _key(found: Mapping[str, Any], bucket: dict[str, Any]) -> str:
    if bucket["type"] == "date_histogram":
        return datetime.fromtimestamp(found["key"] / 1000, UTC).isoformat()
    return str(bucket["params"]["missingBucketLabel"] if found["key"] == _MISSING else found["key"])
