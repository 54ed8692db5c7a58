"""What the dashboards show, as a table: which panel asks what, and where it stands.

A panel that a question answers has that question's query; `saved_objects` writes all of it as Dashboards reads it.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from eks_logs.questions import (
    Query,
    Question,
    how_many_calls_per_code,
    what_makes_the_volume,
    which_anonymous_requests_were_allowed,
    which_calls_failed,
    which_requests_were_denied,
    who_calls_deprecated_api,
    who_changed_config_map,
    who_deleted_pod,
    who_entered_pod,
    who_granted_everything,
    who_is_behind,
    who_ran_privileged,
    who_read_secrets,
)

GRID_WIDTH = 48
"""Columns of a dashboard's grid (OpenSearch Dashboards, DASHBOARD_GRID_COLUMN_COUNT); a row is about 20 pixels high."""

CONTROL_PLANE_LOGS = "1a1c3a70-831a-11ee-8baf-a5d5c77ada98"
"""Id of the dashboard in the EKS workshop: links to it go on working."""

_EVERYTHING: Query = {"match_all": {}}


@dataclass(frozen=True)
class Terms:
    """The most frequent values of a field; records without one count under `missing`, if that is given.

    Some values have a color of their own (CSS).
    """

    field: str
    label: str
    size: int = 10
    missing: str = ""
    colors: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """A number about records: how many there are, or one of a field's values."""

    kind: Literal["count", "sum", "max", "cardinality"]
    label: str
    field: str = ""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What all panels have.

    Attributes:
        slug: Its name in ids, the same for ever.
        title: What a person reads above it.
        query: What finds its records.
    """

    slug: str
    title: str
    query: Query = dataclasses.field(default_factory=lambda: _EVERYTHING)


@dataclass(frozen=True, kw_only=True)
class Number(Panel):
    """One number."""

    metric: Metric


@dataclass(frozen=True, kw_only=True)
class Timeline(Panel):
    """Stacked bars over time; `interval` as Dashboards says it, which widens it where there would be too many bars."""

    metric: Metric
    split: Terms
    interval: Literal["auto", "m"] = "auto"


@dataclass(frozen=True, kw_only=True)
class Bars(Panel):
    """A bar for each value of a field."""

    metric: Metric
    by: Terms


@dataclass(frozen=True, kw_only=True)
class Counts(Panel):
    """A table of values that occur together, with numbers about them; ordered by the first number."""

    rows: tuple[Terms, ...]
    metrics: tuple[Metric, ...]


@dataclass(frozen=True, kw_only=True)
class Records(Panel):
    """A table of records, the newest first: a saved search."""

    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Controls(Panel):
    """Lists to choose from, which filter the whole dashboard."""

    choices: tuple[Terms, ...]


@dataclass(frozen=True, kw_only=True)
class Text(Panel):
    """Markdown."""

    markdown: str


@dataclass(frozen=True)
class Asked:
    """The saved search of a question, or of what controllers did where that stands apart."""

    asking: Callable[..., Question]
    by_controllers: bool = False


Content: TypeAlias = Panel | Asked


@dataclass(frozen=True)
class Row:
    """Panels side by side, each with its width; together they fill the grid."""

    height: int
    panels: tuple[tuple[Content, int], ...]


@dataclass(frozen=True)
class Dashboard:
    """A dashboard: where it is found, what it is for, since when it shows at first, and its rows from top to bottom."""

    id: str
    slug: str
    title: str
    about: str
    since: str
    rows: tuple[Row, ...]


RECORDS = Metric("count", "Records")
# A long-running call has a record when it begins and one when it ends.
CALLS = Metric("cardinality", "Calls", "auditID")
BYTES = Metric("sum", "Bytes", "record_bytes")
ADDRESSES = Metric("cardinality", "Addresses", "actor.source_ip")
LAST = Metric("max", "Last seen", "@timestamp")

USER = Terms("actor.username", "Kubernetes user", missing="none")
SESSION = Terms("actor.session_name", "IAM session", missing="none")
VERB = Terms("verb", "Verb", missing="none")
RESOURCE = Terms("objectRef.resource", "Resource", missing="none")
# Clusters of several regions or accounts may have the same name.
CLUSTER = Terms("cluster", "Cluster", 100)
REGION = Terms("region", "Region", 50)
ACCOUNT = Terms("@owner", "Account", 100)
LOG_TYPE = Terms("log_type", "Log type")
CLIENT = Terms("userAgent.keyword", "Client")
_GREEN, _BLUE, _YELLOW, _RED, _DARK_RED, _GREY = "#54A868", "#6092C0", "#D6A23A", "#CC5642", "#7B1E3B", "#98A2B3"
_CODES = {
    _GREY: ("101",),
    _GREEN: ("200", "201", "202"),
    _BLUE: ("404", "409", "422"),
    _YELLOW: ("401", "403", "429"),
    _RED: ("500", "502", "503", "504"),
}
CODE = Terms(
    "responseStatus.code", "Code", 20, colors={code: color for color, codes in _CODES.items() for code in codes}
)
SEVERITY = Terms("severity", "Severity", colors={"INFO": _BLUE, "WARNING": _YELLOW, "ERROR": _RED, "FATAL": _DARK_RED})

_DETAILS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("api", "API server", ("severity", "message", "klog.file", "klog.err", "@log_stream")),
    (
        "audit",
        "Audit",
        (
            *("message", "actor.username", "actor.session_name", "responseStatus.code"),
            # The workshop's columns.
            *("objectRef.name", "objectRef.apiGroup", "annotations.authorization.k8s.io/reason"),
            *("@log_stream", "@message"),
        ),
    ),
    (
        "authenticator",
        "Authenticator",
        (
            *("severity", "message", "actor.username", "actor.iam_arn", "actor.session_name"),
            *("authenticator.error", "@log_stream"),
        ),
    ),
    (
        "controllerManager",
        "Controller managers",
        ("severity", "component", "message", "klog.file", "klog.err", "@log_stream"),
    ),
    ("scheduler", "Scheduler", ("severity", "message", "klog.pod", "klog.node", "klog.err", "@log_stream")),
)


_SEARCHES = "Each question is a saved search too: Discover, Open, such as *Who deleted pods?*"


def _of_type(log_type: str) -> Query:
    return {"bool": {"filter": [{"term": {"log_type": log_type}}]}}


def _with(name: str) -> Query:
    return {"bool": {"filter": [{"exists": {"field": name}}]}}


def _head() -> Row:
    """What stands above every dashboard: what to choose from, and the way to the others."""
    links = " · ".join(
        f"[{title}](#/view/{dashboard})"
        for title, dashboard in (
            ("EKS Control Plane Logs", CONTROL_PLANE_LOGS),
            ("EKS security overview", "eks-security-overview"),
            ("EKS API usage", "eks-api-usage"),
        )
    )
    choices = (CLUSTER, REGION, ACCOUNT, Terms(LOG_TYPE.field, LOG_TYPE.label, 10))
    controls = Controls(slug="controls", title="EKS: cluster, region, account, log type", choices=choices)
    text = Text(slug="links", title="EKS: dashboards", markdown=f"{links}\n\n{_SEARCHES}")
    return Row(8, ((controls, 24), (text, 24)))


def _log_type_row(log_type: str, name: str, columns: tuple[str, ...]) -> Row:
    query = _of_type(log_type)
    timeline = Timeline(
        slug=f"{log_type}-per-minute",
        title=f"{name}: records per minute by severity",
        query=query,
        metric=RECORDS,
        split=SEVERITY,
        interval="m",
    )
    records = Records(slug=f"{log_type}-records", title=f"{name}: log details", query=query, columns=columns)
    return Row(15, ((timeline, 14), (records, 34)))


def _control_plane_logs() -> Dashboard:
    return Dashboard(
        CONTROL_PLANE_LOGS,
        "control-plane-logs",
        "EKS Control Plane Logs",
        "Each log type: how much there is, how severe, and the records",
        "now-1h",
        (_head(), *(_log_type_row(*details) for details in _DETAILS)),
    )


def _numbers(*numbers: tuple[str, str, Query, Metric]) -> Row:
    width = GRID_WIDTH // len(numbers)
    panels = (
        Number(slug=slug, title=title, query=query, metric=Metric(metric.kind, title, metric.field))
        for slug, title, query, metric in numbers
    )
    return Row(7, tuple((panel, width) for panel in panels))


def _security_overview() -> Dashboard:
    denied = which_requests_were_denied().everything
    return Dashboard(
        "eks-security-overview",
        "security-overview",
        "EKS security overview",
        "Who was denied, who read secrets, entered and deleted pods, granted rights, and which IAM identity it was",
        "now-24h",
        (
            _head(),
            _numbers(
                # These queries find each request once.
                ("denied", "Denied", which_requests_were_denied().query, RECORDS),
                ("anonymous", "Anonymous and allowed", which_anonymous_requests_were_allowed().query, RECORDS),
                ("entered", "Pods entered", who_entered_pod().query, RECORDS),
                ("secrets", "Secrets read", who_read_secrets().query, RECORDS),
                ("granted", "Everything granted", who_granted_everything().query, RECORDS),
                ("privileged", "Privileged workloads", who_ran_privileged().query, RECORDS),
                ("aws-auth", "aws-auth changed", who_changed_config_map().query, RECORDS),
                ("identities", "IAM identities", _EVERYTHING, Metric("cardinality", "", "actor.iam_arn")),
            ),
            Row(15, ((_denied_over_time(denied), 20), (_denied_by_user(denied), 28))),
            Row(15, ((Asked(which_requests_were_denied), GRID_WIDTH),)),
            Row(15, ((Asked(who_entered_pod), 24), (Asked(who_read_secrets), 24))),
            Row(15, ((Asked(who_granted_everything), 24), (Asked(who_ran_privileged), 24))),
            Row(15, ((Asked(who_changed_config_map), 24), (Asked(which_anonymous_requests_were_allowed), 24))),
            Row(15, ((Asked(who_deleted_pod), GRID_WIDTH),)),
            Row(18, ((_identities(), GRID_WIDTH),)),
            Row(15, ((_apart(which_requests_were_denied), 24), (_apart(who_read_secrets), 24))),
            Row(15, ((_apart(who_granted_everything), 24), (_apart(who_ran_privileged), 24))),
            Row(15, ((_apart(who_deleted_pod), GRID_WIDTH),)),
        ),
    )


def _apart(asking: Callable[..., Question]) -> Asked:
    """What controllers, components and nodes did."""
    return Asked(asking, by_controllers=True)


def _denied_over_time(denied: Query) -> Panel:
    kind = Terms("actor.kind", "Kind of user", missing="unknown")
    return Timeline(slug="denied-over-time", title="Denied, by kind of user", query=denied, metric=RECORDS, split=kind)


def _denied_by_user(denied: Query) -> Panel:
    rows = (USER, SESSION, VERB, RESOURCE)
    return Counts(
        slug="denied-by-user", title="Who was denied what", query=denied, rows=rows, metrics=(RECORDS, ADDRESSES, LAST)
    )


def _identities() -> Panel:
    return Counts(
        slug="iam-identities",
        title="Which IAM identities are behind Kubernetes users",
        query=who_is_behind().query,
        rows=(Terms("actor.iam_arn", "IAM identity", 20), SESSION, USER),
        metrics=(RECORDS, ADDRESSES, LAST),
    )


def _api_usage() -> Dashboard:
    codes, volume = how_many_calls_per_code().query, what_makes_the_volume().query
    audit, failed = _of_type("audit"), which_calls_failed().query
    return Dashboard(
        "eks-api-usage",
        "api-usage",
        "EKS API usage",
        "Response codes, verbs, clients; slow, failing and deprecated calls; and what makes the log volume",
        "now-24h",
        (
            _head(),
            _numbers(
                ("calls", "Calls", audit, CALLS),
                ("server-errors", "Calls that failed with 5xx", failed, CALLS),
                ("deprecated", "Calls of deprecated APIs", who_calls_deprecated_api().query, CALLS),
                ("clients", "Clients", audit, Metric("cardinality", "", CLIENT.field)),
                ("records", "Records, all log types", volume, RECORDS),
                ("bytes", "Bytes, all log types", volume, BYTES),
            ),
            Row(15, ((_calls("by code", codes, CODE), 24), (_calls("by verb", audit, VERB), 24))),
            Row(15, ((_top("codes", "Response codes", codes, CALLS, CODE), 24), (_verbs(audit), 24))),
            Row(15, ((_unsuccessful(), GRID_WIDTH),)),
            Row(15, ((Asked(which_calls_failed), 24), (_slow_calls(), 24))),
            Row(15, ((_clients(audit), GRID_WIDTH),)),
            Row(15, ((_deprecated(), 24), (Asked(who_calls_deprecated_api), 24))),
            Row(12, ((_volume_over_time(volume), GRID_WIDTH),)),
            Row(15, ((_volume(volume, LOG_TYPE), 24), (_volume(volume, CLIENT), 24))),
            Row(15, ((_volume(volume, RESOURCE), 24), (_volume(volume, VERB), 24))),
        ),
    )


def _calls(words: str, query: Query, split: Terms) -> Panel:
    slug = f"calls-{words.replace(' ', '-')}"
    return Timeline(slug=slug, title=f"Calls {words}", query=query, metric=CALLS, split=split)


def _top(slug: str, title: str, query: Query, metric: Metric, by: Terms) -> Panel:
    return Bars(slug=slug, title=title, query=query, metric=metric, by=by)


def _verbs(query: Query) -> Panel:
    return _top("verbs", "Verbs", query, CALLS, VERB)


def _unsuccessful() -> Panel:
    rows = (CODE, Terms("responseStatus.reason", "Reason", missing="none"), VERB, RESOURCE, USER)
    unsuccessful: Query = {"bool": {"filter": [{"range": {"responseStatus.code": {"gte": 400}}}]}}
    return Counts(
        slug="unsuccessful", title="Calls that did not succeed", query=unsuccessful, rows=rows, metrics=(CALLS, LAST)
    )


def _slow_calls() -> Panel:
    latency = "annotations.apiserver.latency.k8s.io"
    columns = ("message", f"{latency}/total", f"{latency}/etcd", f"{latency}/response-write", "userAgent", "requestURI")
    return Records(slug="slow-calls", title="Slow calls", query=_with(f"{latency}/total"), columns=columns)


def _clients(query: Query) -> Panel:
    rows = (Terms(CLIENT.field, CLIENT.label, 15), USER)
    return Counts(slug="top-clients", title="Top clients", query=query, rows=rows, metrics=(CALLS, BYTES, LAST))


def _deprecated() -> Panel:
    rows = (
        Terms("annotations.k8s.io/removed-release", "Removed in", missing="not yet said"),
        Terms("objectRef.apiGroup", "API group", missing="core"),
        Terms("objectRef.apiVersion", "Version"),
        Terms("objectRef.resource", "Resource"),
    )
    return Counts(
        slug="deprecated-apis",
        title="Deprecated APIs that are still called",
        query=who_calls_deprecated_api().query,
        rows=rows,
        metrics=(CALLS, LAST),
    )


def _volume_over_time(query: Query) -> Panel:
    return Timeline(slug="volume-over-time", title="Log volume over time", query=query, metric=BYTES, split=LOG_TYPE)


def _volume(query: Query, by: Terms) -> Panel:
    label = by.label.lower()
    return _top(f"volume-by-{label.replace(' ', '-')}", f"Log volume by {label}", query, BYTES, by)


def dashboards() -> tuple[Dashboard, ...]:
    """All dashboards."""
    return (_control_plane_logs(), _security_overview(), _api_usage())
