"""The index template and the code that writes documents agree on the names of fields."""

from collections.abc import Iterator
from typing import Any

import pytest

from eks_logs.opensearch import json_file
from forwarder.formats.audit import reader
from forwarder.formats.audit.event import AuditEvent

TEMPLATE = json_file("index_template.json")["template"]
PROPERTIES: dict[str, Any] = TEMPLATE["mappings"]["properties"]


def objects(properties: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, mapping in properties.items():
        yield f"{path}{name}", mapping
        yield from objects(mapping.get("properties", {}), f"{path}{name}.")


def test_there_are_fewer_than_300_fields() -> None:
    assert 0 < sum(1 + len(mapping.get("fields", {})) for _, mapping in objects(PROPERTIES)) < 300


def test_nothing_is_mapped_dynamically() -> None:
    assert TEMPLATE["mappings"]["dynamic"] is False
    for path, mapping in objects(PROPERTIES):
        if "properties" in mapping:
            assert mapping["dynamic"] is False, path


@pytest.mark.parametrize("user", ["user", "impersonatedUser"])
def test_known_annotations_and_user_extra_are_the_mapped_ones(user: str) -> None:
    assert set(reader.ANNOTATIONS) == set(PROPERTIES["annotations"]["properties"])
    assert set(reader.USER_EXTRA) == set(PROPERTIES[user]["properties"]["extra"]["properties"])


def test_every_name_at_the_top_is_known_to_the_reader_so_that_no_new_member_can_bear_it() -> None:
    assert set(PROPERTIES) <= reader.WRITTEN_BY_US | set(AuditEvent.__struct_fields__)


def test_the_names_that_the_workshops_data_view_has_are_there() -> None:
    for name in ("@id", "@message", "@owner", "@log_group", "@log_stream", "verb", "requestURI", "userAgent"):
        assert "keyword" in PROPERTIES[name]["fields"], name
    for name in ("name", "namespace", "resource", "apiGroup"):
        assert "keyword" in PROPERTIES["objectRef"]["properties"][name]["fields"], name
