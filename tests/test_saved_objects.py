"""The saved objects: whole in themselves, and each panel asked of the real OpenSearch as Dashboards would."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from opensearchpy import OpenSearch

from eks_logs.dashboards import SAVED_OBJECTS
from eks_logs.questions import all_questions, field_of
from local.forwarding import EVENTS, stored_by_type, subscription_message
from local.saved_panels import Shown, ask_panel, read_library, referred, span_of
from tests.conftest import SAMPLES
from tests.test_questions import PROPERTIES, fields_of, found_ids, mapped
from tools.dashboards.panels import CONTROL_PLANE_LOGS, GRID_WIDTH
from tools.dashboards.saved_objects import ndjson, saved_objects

LIBRARY = read_library()
DASHBOARDS = [saved for (kind, _), saved in LIBRARY.items() if kind == "dashboard"]
SEARCHES = [saved for (kind, _), saved in LIBRARY.items() if kind == "search"]
ASKED = [saved for (kind, _), saved in LIBRARY.items() if kind in {"search", "visualization"}]
LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
# Where a record is from, which a saved search shows beside what its question does.
ORIGIN = {"cluster", "region", "@owner"}
WORKSHOP_COLUMNS = (
    "@log_stream",
    "objectRef.name",
    "objectRef.apiGroup",
    "annotations.authorization.k8s.io/reason",
    "@message",
)
# Columns that are mapped, and that no record of events/ happens to fill.
NOT_IN_EVENTS = {
    "annotations.apiserver.latency.k8s.io/response-write",
    "dry_run",
    "workload.host_ipc",
    "workload.host_process",
}


def by_id(saved: dict[str, Any]) -> str:
    return str(saved["id"])


def show(server: OpenSearch, saved: dict[str, Any]) -> Shown:
    return ask_panel(server, LIBRARY, saved, span_of(server, SAMPLES), SAMPLES)


def empty_columns(shown: Shown) -> set[str]:
    """The columns of a panel in which no row has anything, or only the word for what has no value."""
    nothing = {"", *(one["params"].get("missingBucketLabel", "") for one in shown.state.get("aggs", []))}
    values = zip(*shown.rows, strict=True)
    empty = {name for name, cells in zip(shown.columns, values, strict=True) if nothing.issuperset(cells)}
    return empty - NOT_IN_EVENTS


def parsed(value: Any) -> Any:
    """An object with what it holds as JSON text read, at any depth."""
    if isinstance(value, dict):
        return {name: json.loads(part) if is_json(name) else parsed(part) for name, part in value.items()}
    return [parsed(part) for part in value] if isinstance(value, list) else value


def is_json(name: str) -> bool:
    return name.endswith("JSON") or name in {"visState", "fieldFormatMap"}


def named_fields(saved: dict[str, Any]) -> set[str]:
    """Every field that a saved object names: in its filters, aggregations, controls, columns and order."""
    attributes = parsed(saved["attributes"])
    state = attributes.get("visState", {"aggs": [], "params": {}})
    filters = attributes.get("kibanaSavedObjectMeta", {}).get("searchSourceJSON", {}).get("filter", [])
    return {
        *fields_of([one["query"] for one in filters]),
        *(one["params"]["field"] for one in state["aggs"] if one["type"] != "count"),
        *(control["fieldName"] for control in state["params"].get("controls", [])),
        *attributes.get("columns", []),
        *(name for name, _ in attributes.get("sort", [])),
    }


def reference_names(value: Any) -> set[str]:
    """What an object calls the objects that it refers to."""
    if isinstance(value, list):
        return {name for part in value for name in reference_names(part)}
    if not isinstance(value, dict):
        return set()
    own = {part for name, part in value.items() if name.endswith("RefName")}
    return own | {name for part in value.values() for name in reference_names(part)}


def test_the_file_is_what_its_source_makes() -> None:
    assert SAVED_OBJECTS.read_text(encoding="utf-8") == ndjson(saved_objects()), "run `make dashboards`"


@pytest.mark.parametrize("saved", LIBRARY.values(), ids=by_id)
def test_references_are_those_that_are_used_and_lead_to_an_object(saved: dict[str, Any]) -> None:
    names = reference_names(parsed(saved["attributes"]))
    assert names == {reference["name"] for reference in saved["references"]}
    assert all(referred(LIBRARY, saved, name) for name in names)


def test_every_panel_is_on_a_dashboard() -> None:
    used = {(one["type"], one["id"]) for saved in DASHBOARDS for one in saved["references"]}
    questions = {key for key in LIBRARY if key[1].startswith("eks-question-")}
    assert set(LIBRARY) - used - questions == {
        (kind, name) for kind, name in LIBRARY if kind in {"dashboard", "index-pattern"}
    }


@pytest.mark.parametrize("saved", DASHBOARDS, ids=by_id)
def test_panels_fill_the_width_of_the_grid_and_do_not_overlap(saved: dict[str, Any]) -> None:
    cells = [panel["gridData"] for panel in json.loads(saved["attributes"]["panelsJSON"])]
    taken = [
        (x, y)
        for cell in cells
        for x in range(cell["x"], cell["x"] + cell["w"])
        for y in range(cell["y"], cell["y"] + cell["h"])
    ]
    assert len(taken) == len(set(taken))
    assert {x for x, _ in taken} == set(range(GRID_WIDTH))
    assert len(taken) == GRID_WIDTH * (1 + max(y for _, y in taken))


@pytest.mark.parametrize("saved", ASKED, ids=by_id)
def test_every_field_of_a_panel_is_mapped(saved: dict[str, Any]) -> None:
    bodies = ("requestObject.", "responseObject.")
    assert {name for name in named_fields(saved) if not name.startswith(bodies)} <= mapped(PROPERTIES)


@pytest.mark.parametrize("saved", ASKED, ids=by_id)
def test_a_panel_shows_something_in_every_column(samples: OpenSearch, saved: dict[str, Any]) -> None:
    shown = show(samples, saved)
    assert shown.rows or shown.kind == "markdown"
    assert empty_columns(shown) == set()
    if shown.kind == "metric":
        assert float(shown.rows[0][0]) > 0


@pytest.mark.parametrize("log_type", LOG_TYPES)
def test_the_panels_of_a_log_type_show_all_of_its_records_and_no_other(samples: OpenSearch, log_type: str) -> None:
    stored = stored_by_type(samples, SAMPLES)[log_type]
    timeline = show(samples, LIBRARY["visualization", f"eks-control-plane-logs-{log_type}-per-minute"])
    records = show(samples, LIBRARY["search", f"eks-control-plane-logs-{log_type}-records"])
    assert sum(float(row[-1]) for row in timeline.rows) == stored
    assert len(records.rows) == records.total == stored


@pytest.mark.parametrize("saved", SEARCHES, ids=by_id)
def test_every_saved_search_says_of_which_cluster_a_record_is(saved: dict[str, Any]) -> None:
    columns = saved["attributes"]["columns"]
    assert set(columns) >= ORIGIN
    assert len(columns) == len(set(columns))


@pytest.fixture
def two_clusters(samples: OpenSearch) -> Iterator[str]:
    """The samples, and one record of each log type that another cluster has of them."""
    index = f"{SAMPLES}-of-two-clusters"
    for log_type in LOG_TYPES:
        query = {"term": {"log_type": log_type}}
        (hit,) = samples.search(index=SAMPLES, body={"query": query, "size": 1})["hits"]["hits"]
        other = {"cluster": "shop-test", "region": "us-east-1", "@owner": "444455556666"}
        samples.index(index=index, body=hit["_source"] | other)
    samples.indices.refresh(index=index)
    yield f"{SAMPLES},{index}"
    samples.indices.delete(index=index)


@pytest.mark.parametrize("saved", DASHBOARDS, ids=by_id)
def test_each_dashboard_lets_choose_a_cluster(samples: OpenSearch, two_clusters: str, saved: dict[str, Any]) -> None:
    panels = (referred(LIBRARY, saved, reference["name"]) for reference in saved["references"])
    states = [(panel, json.loads(panel["attributes"].get("visState", "{}"))) for panel in panels]
    ((panel, state),) = [found for found in states if found[1].get("type") == "input_control_vis"]
    assert state["params"]["updateFiltersOnChange"]
    cluster = state["params"]["controls"][0]
    assert cluster["fieldName"] == "cluster"
    assert referred(LIBRARY, panel, cluster["indexPatternRefName"])["type"] == "index-pattern"
    shown = ask_panel(samples, LIBRARY, panel, span_of(samples, SAMPLES), two_clusters)
    assert ("Cluster", "shop-prod, shop-test") in shown.rows
    assert ("Account", "111122223333, 444455556666") in shown.rows
    # What Dashboards filters by once a value is chosen.
    chosen = {"query": {"match_phrase": {cluster["fieldName"]: "shop-test"}}}
    assert samples.count(index=two_clusters, body=chosen)["count"] == len(LOG_TYPES)


def test_the_saved_searches_are_the_questions(samples: OpenSearch) -> None:
    titles = {saved["attributes"]["title"]: saved for saved in SEARCHES if saved["id"].startswith("eks-question-")}
    apart = [by_controllers for question in all_questions() if (by_controllers := question.by_controllers())]
    asked = [*all_questions(), *apart]
    assert set(titles) == {question.text for question in asked}
    for question in asked:
        shown = show(samples, titles[question.text])
        assert [name for name in shown.columns if name not in ORIGIN] == [
            one for one in question.shows if one not in ORIGIN
        ]
        assert shown.total == samples.count(index=SAMPLES, body={"query": question.query})["count"]
        assert len(shown.rows) == len(found_ids(samples, question, size=500))


@pytest.mark.parametrize(
    "key",
    [
        ("search", "eks-question-who-read-secrets"),
        ("visualization", "eks-security-overview-denied-by-user"),
        ("visualization", "eks-api-usage-top-clients"),
    ],
)
def test_a_misspelt_column_is_noticed(samples: OpenSearch, key: tuple[str, str]) -> None:
    saved = read_library(SAVED_OBJECTS.read_text().replace("actor.username", "actor.usernam"))[key]
    assert named_fields(saved) - mapped(PROPERTIES) == {"actor.usernam"}
    assert len(empty_columns(show(samples, saved))) == 1


def test_a_misspelt_filter_finds_nothing(samples: OpenSearch) -> None:
    text = SAVED_OBJECTS.read_text().replace("objectRef.resource", "objectRef.resourc")
    saved = read_library(text)["search", "eks-question-who-read-secrets"]
    assert show(samples, saved).rows == ()


def test_the_dashboard_has_the_workshops_id_and_columns(samples: OpenSearch) -> None:
    assert LIBRARY["dashboard", CONTROL_PLANE_LOGS]["attributes"]["title"] == "EKS Control Plane Logs"
    columns = LIBRARY["search", "eks-control-plane-logs-audit-records"]["attributes"]["columns"]
    assert set(WORKSHOP_COLUMNS) <= set(columns)
    query = {"bool": {"filter": [{"match_phrase": {"@log_stream": "*audit*"}}]}}
    hits = samples.search(index=SAMPLES, body={"query": query, "size": 500})["hits"]["hits"]
    assert len(hits) == stored_by_type(samples, SAMPLES)["audit"]
    for hit in hits:
        assert all(hit["_source"][name] for name in ("@log_stream", "@message"))


def test_the_workshops_columns_hold_what_the_event_says(samples: OpenSearch) -> None:
    sent = subscription_message((EVENTS / "audit.json").read_bytes())["logEvents"]
    for record in sent:
        if record["message"].endswith("[Truncated...]"):
            continue
        event, document = json.loads(record["message"]), samples.get(index=SAMPLES, id=record["id"])["_source"]
        for name in WORKSHOP_COLUMNS[1:-1]:
            assert field_of(document, name) == field_of(event, name)
