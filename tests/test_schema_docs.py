"""docs/schema.md says what is so: it comes from the index template, and its claims are held against documents."""

import ipaddress
import json
import tomllib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from forwarder.pipeline import documents_of
from forwarder.sources import EKS_LOG_TYPES
from forwarder.subscription import read_subscription
from local.forwarding import EVENTS
from tests.golden_pairs import pairs
from tools import schema

MAPPED = schema.read_template()
SCHEMA = schema.read_schema(tomllib.loads(schema.DESCRIPTIONS.read_text()))
FIELDS = list(SCHEMA.fields())


def test_every_field_is_described_once_and_every_description_has_its_field() -> None:
    assert schema.mismatches(MAPPED, SCHEMA) == []


def test_a_field_without_description_is_told() -> None:
    assert schema.mismatches({**MAPPED, "new": {"type": "keyword"}}, SCHEMA) == [
        "new is in the index template and not in docs/schema.toml"
    ]


def test_the_page_is_the_one_that_is_generated() -> None:
    assert schema.PAGE.read_text() == schema.page(MAPPED, SCHEMA), "run `make schema`"


def fits(kind: str, example: Any) -> bool:
    """Whether an example is a value that a field of this type takes."""
    if isinstance(example, list):
        return bool(example) and all(fits(kind, one) for one in example)
    if kind == "boolean":
        return example is True
    if kind == "integer":
        return isinstance(example, int)
    if kind == "date":
        return datetime.fromisoformat(example).tzinfo is not None
    if kind == "ip":
        return bool(ipaddress.ip_address(example))
    return isinstance(example, str) and bool(example)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_an_example_fits_its_type(field: Any) -> None:
    mapping = MAPPED[field.name]
    assert mapping.get("enabled") is False or fits(mapping["type"], field.example)
    assert field.meaning


def test_a_wrong_example_is_noticed() -> None:
    assert not fits("integer", "5")
    assert not fits("boolean", "true")


def documents() -> Iterator[dict[str, Any]]:
    """Every document of events/ and of the golden pairs."""
    for file in sorted(EVENTS.glob("*.json")):
        batch = read_subscription(json.loads(file.read_text()), 10**8)
        yield from (document.source for document in documents_of(batch))
    yield from (pair.document for pair in pairs())


def paths(value: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, member in value.items():
        yield f"{path}{name}"
        if isinstance(member, dict) and name not in {"requestObject", "responseObject"}:
            yield from paths(member, f"{path}{name}.")


SEEN = {(document["log_type"], path) for document in documents() for path in paths(document) if path in MAPPED}


def test_fields_occur_in_no_log_type_that_they_are_not_said_to_be_in() -> None:
    claimed = {(log_type, field.name) for field in FIELDS for log_type in field.log_types}
    assert claimed >= SEEN


@pytest.mark.parametrize("block", ["actor", "authenticator", "klog", "objectRef", "rbac", "user", "workload"])
def test_blocks_occur_in_every_log_type_that_they_are_said_to_be_in(block: str) -> None:
    claimed = {kind for field in FIELDS if field.name.startswith(f"{block}.") for kind in field.log_types}
    assert {log_type for log_type, path in SEEN if path.startswith(f"{block}.")} == claimed


def test_the_log_types_are_ours() -> None:
    assert {log_type for field in FIELDS for log_type in field.log_types} == {*EKS_LOG_TYPES, "unknown"}
