"""A panel as the `visState` of a saved visualization: its type, its aggregations, how it is drawn.

What is the same for every visualization of a type stands in visualizations.json.

Source: OpenSearch-Dashboards, plugins vis_type_vislib, vis_type_table, vis_type_metric, vis_type_markdown and
input_control_vis (parameters), data/common/search/aggs (aggregations).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.dashboards.panels import Bars, Controls, Counts, Metric, Number, Panel, Terms, Text, Timeline

_PARAMETERS = Path(__file__).parent / "visualizations.json"


def vis_state(panel: Panel) -> dict[str, Any]:
    """What Dashboards draws for a panel."""
    kind, aggregations, params = _drawn(panel)
    return {"title": panel.title, "type": kind, "aggs": aggregations, "params": params}


def _drawn(panel: Panel) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
    match panel:
        case Number():
            return "metric", [_metric(1, panel.metric)], _params("metric")
        case Timeline():
            buckets = [_over_time(2, panel.interval), _terms(3, panel.split, "group")]
            return "histogram", [_metric(1, panel.metric), *buckets], _chart("histogram", panel.metric)
        case Bars():
            by = _terms(2, panel.by, "segment")
            return "horizontal_bar", [_metric(1, panel.metric), by], _chart("horizontal_bar", panel.metric)
        case Counts():
            return "table", _table(panel), _params("table")
        case Controls():
            return "input_control_vis", [], {**_params("input_control_vis"), "controls": _controls(panel)}
        case Text():
            return "markdown", [], {**_params("markdown"), "markdown": panel.markdown}
    raise TypeError(f"{type(panel).__name__} has no visualization: draw it in _drawn")


def _params(kind: str) -> dict[str, Any]:
    params: dict[str, Any] = json.loads(_PARAMETERS.read_text(encoding="utf-8"))[kind]
    return params


def _chart(kind: str, metric: Metric) -> dict[str, Any]:
    """The parameters of a chart, with its axis named after what it shows."""
    params = _params(kind)
    params["valueAxes"][0]["title"]["text"] = metric.label
    params["seriesParams"][0]["data"]["label"] = metric.label
    return params


def _aggregation(number: int, kind: str, schema: str, params: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": str(number), "enabled": True, "type": kind, "schema": schema, "params": dict(params)}


def _metric(number: int, metric: Metric) -> dict[str, Any]:
    field = {"field": metric.field} if metric.field else {}
    return _aggregation(number, metric.kind, "metric", {**field, "customLabel": metric.label})


def _terms(number: int, terms: Terms, schema: str) -> dict[str, Any]:
    """The values with the highest first metric."""
    params = {
        "field": terms.field,
        "size": terms.size,
        "order": "desc",
        "orderBy": "1",
        "otherBucket": False,
        "otherBucketLabel": "Other",
        "missingBucket": bool(terms.missing),
        "missingBucketLabel": terms.missing or "Missing",
        "customLabel": terms.label,
    }
    return _aggregation(number, "terms", schema, params)


def _over_time(number: int, interval: str) -> dict[str, Any]:
    params = {
        "field": "@timestamp",
        "interval": interval,
        "useNormalizedOpenSearchInterval": True,
        "scaleMetricValues": False,
        "drop_partials": False,
        "min_doc_count": 1,
        "extended_bounds": {},
    }
    return _aggregation(number, "date_histogram", "segment", params)


def _table(panel: Counts) -> list[dict[str, Any]]:
    metrics = [_metric(number, metric) for number, metric in enumerate(panel.metrics, 1)]
    return metrics + [_terms(number, terms, "bucket") for number, terms in enumerate(panel.rows, len(metrics) + 1)]


def _controls(panel: Controls) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{panel.slug}-{place}",
            "type": "list",
            "fieldName": terms.field,
            "label": terms.label,
            "parent": "",
            "indexPatternRefName": f"control_{place}_index_pattern",
            "options": {
                "type": "terms",
                "multiselect": True,
                "dynamicOptions": True,
                "size": terms.size,
                "order": "desc",
            },
        }
        for place, terms in enumerate(panel.choices)
    ]
