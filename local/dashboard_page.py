"""The dashboards as one HTML page, drawn from our saved objects without Dashboards; no network is needed to see it."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opensearchpy import OpenSearch
from plotly.io import to_html
from plotly.offline import get_plotlyjs

from eks_logs.dashboards import SavedObject
from local.lambda_runtime import TREE
from local.saved_panels import Cell, Library, Shown, Span, ask_panel, read_library, referred, span_of
from tools.dashboards.panels import dashboards

PAGE = TREE / "build" / "dashboards.html"

_FRAME = Path(__file__).parent / "dashboard_page.html"
# Of Markdown what our text panels have: links to dashboards, emphasis, paragraphs.
_MARKDOWN = (
    (re.compile(r"\[([^\]]+)\]\(#/view/([\w-]+)\)"), r'<a href="#\2">\1</a>'),
    (re.compile(r"\*([^*]+)\*"), r"<em>\1</em>"),
    (re.compile(r"\n\n"), "<br>"),
)
_PALETTE = (
    "#3a7ca5",
    "#d98324",
    "#5a9e6f",
    "#8e6bb0",
    "#2f9c95",
    "#c9a227",
    "#b56576",
    "#7c7f86",
    "#8a8d3a",
    "#c8553d",
)
_LONG, _LONG_COLUMNS = ' class="long"', {"message", "@message"}
_LABEL_LENGTH = 44
_TABLE_ROWS = 100
_BYTES = 1024


def write_page(server: OpenSearch, index: str, path: Path = PAGE) -> Path:
    """Ask everything that the dashboards ask, for the time of the index' records, and write the page.

    Args:
        server: The server itself.
        index: What to ask.
        path: Where the page goes.

    Returns:
        The path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(_shown(server, index)), encoding="utf-8")
    return path


def _shown(server: OpenSearch, index: str) -> list[tuple[SavedObject, list[tuple[dict[str, Any], Shown]]]]:
    """Each dashboard with its panels: where they stand, and what they show."""
    library, span = read_library(), span_of(server, index)
    boards = [library["dashboard", dashboard.id] for dashboard in dashboards()]
    return [(board, list(_panels(server, library, board, span, index))) for board in boards]


def _panels(
    server: OpenSearch, library: Library, board: SavedObject, span: Span, index: str
) -> Iterator[tuple[dict[str, Any], Shown]]:
    for panel in json.loads(board["attributes"]["panelsJSON"]):
        saved = referred(library, board, panel["panelRefName"])
        yield panel["gridData"], ask_panel(server, library, saved, span, index)


def page(boards: list[tuple[SavedObject, list[tuple[dict[str, Any], Shown]]]]) -> str:
    """The page of dashboards with what their panels show."""
    frame = _FRAME.read_text(encoding="utf-8")
    sections = "".join(_dashboard(board, panels) for board, panels in boards)
    return frame.replace("/* plotly */", get_plotlyjs()).replace("<!-- dashboards -->", sections)


def _dashboard(board: SavedObject, panels: list[tuple[dict[str, Any], Shown]]) -> str:
    name, attributes = html.escape(board["id"]), board["attributes"]
    drawn = "".join(_panel(f"{name}-{cell['i']}", cell, shown) for cell, shown in panels)
    head = f"<h1>{html.escape(attributes['title'])}</h1><p>{html.escape(attributes['description'])}</p>"
    return f'<section id="{name}">{head}<div class="grid">{drawn}</div></section>'


def _panel(name: str, cell: dict[str, Any], shown: Shown) -> str:
    place = f"--x:{cell['x'] + 1};--y:{cell['y'] + 1};--w:{cell['w']};--h:{cell['h']}"
    return (
        f'<article class="{shown.kind}" style="{place}"><h2>{html.escape(shown.title)}</h2>'
        f'<div class="content">{_content(name, shown)}</div></article>'
    )


def _content(name: str, shown: Shown) -> str:
    match shown.kind:
        case "metric":
            return f"<strong>{_number(shown.rows[0][0], shown.columns[0])}</strong>"
        case "histogram":
            return _figure(name, _timeline(shown))
        case "horizontal_bar":
            return _figure(name, _bars(shown))
        case "markdown":
            return _text(shown.state["params"]["markdown"])
        case "input_control_vis":
            return "".join(f"<p><b>{html.escape(str(row[0]))}</b> {html.escape(str(row[1]))}</p>" for row in shown.rows)
    return _table(shown)


def _text(markdown: str) -> str:
    text = html.escape(markdown)
    for pattern, replacement in _MARKDOWN:
        text = pattern.sub(replacement, text)
    return text


def _table(shown: Shown) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in shown.columns)
    rows = (
        "".join(
            f"<td{_LONG if name in _LONG_COLUMNS else ''}><div>{_number(cell, name)}</div></td>"
            for cell, name in zip(row, shown.columns, strict=True)
        )
        for row in shown.rows[:_TABLE_ROWS]
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if body else "<p>No results found</p>"


def _number(cell: Cell, name: str) -> str:
    """A cell as a person reads it: the data view shows `record_bytes` in bytes, and so do we."""
    if isinstance(cell, str):
        return html.escape(cell)
    if name.startswith("Bytes") and cell >= _BYTES:
        return f"{cell / _BYTES:,.1f} KB"
    return f"{cell:,.0f}"


def _figure(name: str, figure: dict[str, Any]) -> str:
    """A figure that takes the size of its panel; the page has the library once."""
    drawn: str = to_html(
        figure,
        config={"responsive": True, "displayModeBar": False},
        include_plotlyjs=False,
        full_html=False,
        default_width="100%",
        default_height="100%",
        div_id=name,
    )
    return drawn


def _timeline(shown: Shown) -> dict[str, Any]:
    """Stacked bars, a color for each value."""
    values = dict.fromkeys(str(row[1]) for row in shown.rows)
    series = [
        {
            "type": "bar",
            "name": html.escape(value),
            "x": [row[0] for row in shown.rows if row[1] == value],
            "y": [row[2] for row in shown.rows if row[1] == value],
            "marker": {"color": shown.colors.get(value, _PALETTE[place % len(_PALETTE)])},
        }
        for place, value in enumerate(values)
    ]
    return {"data": series, "layout": _layout(barmode="stack", showlegend=True)}


def _bars(shown: Shown) -> dict[str, Any]:
    """Lying bars, the longest on top; a long name is cut in the label and whole on the bar."""
    names = [html.escape(str(row[0])) for row in shown.rows]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "x": [row[1] for row in shown.rows],
        "marker": {"color": _PALETTE[0]},
    }
    labels = [_cut(str(row[0])) for row in shown.rows]
    axis = {"autorange": "reversed", "type": "category", "tickvals": names, "ticktext": labels, "automargin": True}
    return {"data": [bars], "layout": _layout(showlegend=False, yaxis=axis)}


def _cut(text: str) -> str:
    return html.escape(text if len(text) <= _LABEL_LENGTH else f"{text[: _LABEL_LENGTH - 1]}…")


def _layout(**own: object) -> dict[str, Any]:
    """Without colors of its own: the page's style has those, for light and dark."""
    return {
        "template": "none",
        "margin": {"l": 44, "r": 12, "t": 6, "b": 30},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12},
        "legend": {"orientation": "h", "y": -0.2},
        "xaxis": {"gridcolor": "rgba(128,128,128,0.25)"},
        "yaxis": {"gridcolor": "rgba(128,128,128,0.25)"},
        "bargap": 0.15,
        **own,
    }
