"""What OpenSearch refuses in a document even where `dynamic` is false, told without asking a server.

Source: OpenSearch 2.19, DocumentParser.java (splitAndValidatePath, parseObject, innerParseObject): every dot in a name
is a step of its path; a mapped object takes objects only, a mapped field none; a part of a name may not be blank.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from eks_logs.opensearch import json_file

Path = tuple[str, ...]

_PROPERTIES: dict[str, Any] = json_file("index_template.json")["template"]["mappings"]["properties"]
_BAD_NAME = re.compile(r"\s*|\..*|.*\.|.*\.\s*\..*", re.DOTALL)
# What a field of these types takes; all others take any scalar.
_TAKES: dict[str, type] = {"boolean": bool, "integer": int, "date": str}


@dataclass
class Mapped:
    """A step of the mapping: an object that has members, or a field of a type."""

    kind: str = "object"
    members: dict[str, "Mapped"] = field(default_factory=dict)


def mapped_paths(*, objects: bool) -> list[Path]:
    """The paths of all mapped objects, or of all mapped fields; a name with dots is one step, as it is written."""
    return [path for path, mapping in _walk(_PROPERTIES, ()) if ("properties" in mapping) is objects]


def breaches(document: dict[str, Any]) -> list[str]:
    """Why OpenSearch would refuse the document, each with its path; empty where it would not."""
    return list(_object_breaches(document, _tree(_PROPERTIES), "document"))


def _walk(properties: dict[str, Any], path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for name, mapping in properties.items():
        yield (*path, name), mapping
        yield from _walk(mapping.get("properties", {}), (*path, name))


def _tree(properties: dict[str, Any]) -> Mapped:
    """The mapping as OpenSearch holds it: with dots in names taken as steps."""
    root = Mapped()
    for path, mapping in _walk(properties, ()):
        step = root
        for part in ".".join(path).split("."):
            step = step.members.setdefault(part, Mapped())
        if "properties" not in mapping:
            step.kind = "not read" if mapping.get("enabled") is False else mapping["type"]
    return root


def _object_breaches(value: object, mapped: Mapped, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _object_breaches(item, mapped, path)
    elif not isinstance(value, dict):
        yield f"{path}: {type(value).__name__} where an object is mapped"
    else:
        for name, member in value.items():
            yield from _member_breaches(name, member, mapped, f"{path} > {name!r}")


def _member_breaches(name: str, value: object, mapped: Mapped, path: str) -> Iterator[str]:
    if _BAD_NAME.fullmatch(name):
        yield f"{path}: not a name of a field"
        return
    step: Mapped | None = mapped
    for part in name.split("."):
        if step is None or step.kind == "not read":
            return
        if step.kind != "object":
            yield f"{path}: leads beneath a mapped field"
            return
        step = step.members.get(part)
    if step is not None and step.kind != "not read":
        yield from _value_breaches(value, step, path)


def _value_breaches(value: object, mapped: Mapped, path: str) -> Iterator[str]:
    if mapped.kind == "object":
        yield from _object_breaches(value, mapped, path)
        return
    for scalar in _scalars(value):
        if isinstance(scalar, dict):
            yield f"{path}: an object where {mapped.kind} is mapped"
        elif not isinstance(scalar, _TAKES.get(mapped.kind, object)):
            yield f"{path}: {type(scalar).__name__} where {mapped.kind} is mapped"


def _scalars(value: object) -> Iterable[object]:
    if not isinstance(value, list):
        return [value]
    return (scalar for item in value for scalar in _scalars(item))
