"""The page of dashboards: everything is on it, and nothing that a record says becomes part of its markup."""

import json
import re
from html import escape
from pathlib import Path

from opensearchpy import OpenSearch

from local.dashboard_page import page, write_page
from local.saved_panels import Shown, read_library
from tests.conftest import SAMPLES

HOSTILE = "</script><img src=x onerror=alert(1)>"
CELL = {"x": 0, "y": 0, "w": 48, "h": 15, "i": "0"}


def test_every_panel_of_every_dashboard_is_drawn(samples: OpenSearch, tmp_path: Path) -> None:
    drawn = write_page(samples, SAMPLES, tmp_path / "build" / "dashboards.html").read_text(encoding="utf-8")
    library = read_library()
    for (kind, _), saved in library.items():
        if kind == "dashboard":
            panels = len(json.loads(saved["attributes"]["panelsJSON"]))
            section = drawn[drawn.index(f'<section id="{saved["id"]}">') :].partition("</section>")[0]
            assert section.count("<article") == panels
            for reference in saved["references"]:
                assert escape(library[reference["type"], reference["id"]]["attributes"]["title"]) in section
    assert "No results found" not in drawn


def test_the_page_needs_no_network(samples: OpenSearch, tmp_path: Path) -> None:
    drawn = write_page(samples, SAMPLES, tmp_path / "dashboards.html").read_text(encoding="utf-8")
    assert re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=", drawn) == []


def test_what_a_record_says_is_text_on_the_page() -> None:
    board = read_library()["dashboard", "eks-api-usage"]
    timeline = Shown("histogram", HOSTILE, 1, ("", "", ""), (("2026-11-20", HOSTILE, 1),), {}, {})
    bars = Shown("horizontal_bar", HOSTILE, 1, ("", ""), ((HOSTILE, 1),), {}, {})
    table = Shown("table", HOSTILE, 1, (HOSTILE,), ((HOSTILE,),), {}, {})
    drawn = page([(board, [(CELL, shown) for shown in (timeline, bars, table)])])
    assert "<img" not in drawn.partition("<body>")[2]
    assert drawn.count(escape(HOSTILE)) >= 3
