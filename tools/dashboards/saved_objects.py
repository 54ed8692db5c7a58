"""The saved objects of OpenSearch Dashboards: panels and questions as Dashboards 2.9 and later exports them.

`python -m tools.dashboards` writes them to src/eks_logs/resources/saved_objects.ndjson, one object a line.

Source of the format: OpenSearch-Dashboards, sample_data/data_sets/*/saved_objects.ts (attributes), and the migrations
of dashboard, index-pattern, search and visualization (their newest versions: no migration is left to do).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from eks_logs.dashboards import SavedObject
from eks_logs.questions import ASKING, Asking, Query, Question, slug
from tools.dashboards.panels import Asked, Content, Controls, Dashboard, Panel, Records, Text, Timeline, dashboards
from tools.dashboards.visualizations import vis_state

Reference: TypeAlias = dict[str, str]
"""`name` (what an attribute calls it), `type` and `id` of another saved object."""

DATA_VIEW = "ea521530-81ac-11ee-8baf-a5d5c77ada98"
"""Id of the data view `eks-control-plane-logs*` in the EKS workshop: what people made with it goes on working."""

# Where a record is from: one domain may hold those of many clusters, of regions and accounts that call theirs alike.
_ORIGIN = ("region", "@owner")

_VERSIONS = {"dashboard": "7.9.3", "index-pattern": "7.6.0", "search": "7.9.3", "visualization": "7.10.0"}
_PANEL_VERSION = "2.9.0"
_SOURCE = "kibanaSavedObjectMeta.searchSourceJSON"


def saved_objects() -> list[SavedObject]:
    """All of ours, sorted by type and id."""
    boards = dashboards()
    panels = {panel_id(board, content): content for board in boards for content, _ in _contents(board)}
    made = [_of_panel(name, panel) for name, panel in panels.items() if isinstance(panel, Panel)]
    objects = [_data_view(), *_questions(), *made, *map(_dashboard, boards)]
    return sorted(objects, key=lambda saved: (saved["type"], saved["id"]))


def ndjson(objects: list[SavedObject]) -> str:
    """A saved object a line, always the same for the same objects."""
    return "".join(_json(saved) + "\n" for saved in objects)


def panel_id(board: Dashboard, content: Content) -> str:
    """The id of what a dashboard shows."""
    if isinstance(content, Asked):
        return _question_id(content.asking, by_controllers=content.by_controllers)
    return f"eks-{board.slug}-{content.slug}"


def _question_id(asking: Asking, *, by_controllers: bool = False) -> str:
    return f"eks-question-{slug(asking)}{'-by-controllers' if by_controllers else ''}"


def _contents(board: Dashboard) -> Iterator[tuple[Content, int]]:
    return (panel for row in board.rows for panel in row.panels)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _saved(kind: str, name: str, attributes: Mapping[str, Any], references: list[Reference]) -> SavedObject:
    return {
        "type": kind,
        "id": name,
        "attributes": dict(attributes),
        "references": references,
        "migrationVersion": {kind: _VERSIONS[kind]},
    }


def _data_view() -> SavedObject:
    """Without a list of fields: Dashboards then asks the index for them, also where it had listed fewer before."""
    formats = _json({"record_bytes": {"id": "bytes"}})
    attributes = {"title": "eks-control-plane-logs*", "timeFieldName": "@timestamp", "fieldFormatMap": formats}
    return _saved("index-pattern", DATA_VIEW, attributes, [])


def _questions() -> Iterator[SavedObject]:
    for asking in ASKING:
        question = asking()
        yield _of_question(_question_id(asking), question)
        if (apart := question.by_controllers()) is not None:
            yield _of_question(_question_id(asking, by_controllers=True), apart)


def _of_question(name: str, question: Question) -> SavedObject:
    order = "asc" if question.oldest_first else "desc"
    return _search(name, question.text, question.query, question.shows[1:], order)


def _search(name: str, title: str, query: Query, columns: tuple[str, ...], order: str = "desc") -> SavedObject:
    source, references = _search_source(title, query)
    attributes = {
        "title": title,
        "description": "",
        "hits": 0,
        "version": 1,
        "columns": list(dict.fromkeys(("cluster", *columns, *_ORIGIN))),
        "sort": [["@timestamp", order]],
        "kibanaSavedObjectMeta": {"searchSourceJSON": _json({**source, "highlightAll": True, "version": True})},
    }
    return _saved("search", name, attributes, references)


def _search_source(title: str, query: Query) -> tuple[dict[str, Any], list[Reference]]:
    """The query as a filter in query DSL, so that it is the tested one to the letter; and what it refers to."""
    filters = [] if "match_all" in query else [_filter(title, query)]
    names = [f"{_SOURCE}.index", *(one["meta"]["indexRefName"] for one in filters)]
    source = {"query": {"query": "", "language": "lucene"}, "filter": filters, "indexRefName": names[0]}
    return source, list(map(_to_data_view, names))


def _filter(title: str, query: Query) -> dict[str, Any]:
    meta = {
        "type": "custom",
        "key": "query",
        "value": _json(query),
        "alias": title,
        "disabled": False,
        "negate": False,
        "indexRefName": f"{_SOURCE}.filter[0].meta.index",
    }
    return {"$state": {"store": "appState"}, "meta": meta, "query": query}


def _to_data_view(name: str) -> Reference:
    return {"name": name, "type": "index-pattern", "id": DATA_VIEW}


def _of_panel(name: str, panel: Panel) -> SavedObject:
    match panel:
        case Records():
            return _search(name, panel.title, panel.query, panel.columns)
        case Controls():
            controls = range(len(panel.choices))
            return _visualization(name, panel, {}, [_to_data_view(f"control_{one}_index_pattern") for one in controls])
        case Text():
            return _visualization(name, panel, {}, [])
    return _visualization(name, panel, *_search_source(panel.title, panel.query))


def _visualization(name: str, panel: Panel, source: Mapping[str, Any], references: list[Reference]) -> SavedObject:
    colors = dict(panel.split.colors) if isinstance(panel, Timeline) else {}
    attributes = {
        "title": panel.title,
        "description": "",
        "version": 1,
        "visState": _json(vis_state(panel)),
        "uiStateJSON": _json({"vis": {"colors": colors}} if colors else {}),
        "kibanaSavedObjectMeta": {"searchSourceJSON": _json(source)},
    }
    return _saved("visualization", name, attributes, references)


def _dashboard(board: Dashboard) -> SavedObject:
    attributes = {
        "title": board.title,
        "description": board.about,
        "hits": 0,
        "version": 1,
        "panelsJSON": _json(list(map(_panel, range(len(_cells(board))), _cells(board)))),
        "optionsJSON": _json({"hidePanelTitles": False, "useMargins": True}),
        "timeRestore": True,
        "timeFrom": board.since,
        "timeTo": "now",
        "refreshInterval": {"pause": True, "value": 0},
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": _json({"query": {"query": "", "language": "lucene"}, "filter": []})
        },
    }
    return _saved("dashboard", board.id, attributes, list(_panel_references(board)))


def _panel(place: int, cell: Mapping[str, int]) -> dict[str, Any]:
    return {
        "version": _PANEL_VERSION,
        "panelIndex": str(place),
        "panelRefName": f"panel_{place}",
        "embeddableConfig": {},
        "gridData": {"i": str(place), **cell},
    }


def _cells(board: Dashboard) -> list[dict[str, int]]:
    """Where each panel stands on the grid."""
    cells, top = [], 0
    for row in board.rows:
        left = 0
        for _, width in row.panels:
            cells.append({"x": left, "y": top, "w": width, "h": row.height})
            left += width
        top += row.height
    return cells


def _panel_references(board: Dashboard) -> Iterator[Reference]:
    for place, (content, _) in enumerate(_contents(board)):
        kind = "search" if isinstance(content, Asked | Records) else "visualization"
        yield {"name": f"panel_{place}", "type": kind, "id": panel_id(board, content)}
