"""What would have to change: a pure comparison of what is there with what is wanted."""

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opensearch_setup.errors import ReservedResource
from opensearch_setup.wanted import ROLE, TEMPLATE, Wanted

ROLE_PATH = f"/_plugins/_security/api/roles/{ROLE}"
MAPPING_PATH = f"/_plugins/_security/api/rolesmapping/{ROLE}"
TEMPLATE_PATH = f"/_index_template/{TEMPLATE}"

Resource = Mapping[str, Any]

# What a rolesmapping holds and a PUT replaces as a whole: all of it is read, and written back with our addition.
_MAPPED = ("backend_roles", "and_backend_roles", "hosts", "users")
_GRANTED = ("index_patterns", "allowed_actions")
_RESTRICTIONS = ("dls", "fls", "masked_fields")


@dataclass(frozen=True, slots=True)
class Found:
    """What the server holds under our names; None where there is nothing."""

    role: Resource | None
    mapping: Resource | None
    template: Resource | None


@dataclass(frozen=True, slots=True)
class Step:
    """One change: the body to PUT to a path, and how it differs from what is there."""

    title: str
    path: str
    body: Resource
    diff: tuple[str, ...]


def plan(found: Found, wanted: Wanted) -> tuple[Step, ...]:
    """The steps that lead from what is found to what is wanted, in the order to take them; none if nothing differs.

    Raises:
        ReservedResource: the role or its mapping belongs to the security plugin and cannot be changed.
    """
    _refuse_reserved("role", found.role)
    _refuse_reserved("rolesmapping", found.mapping)
    steps = (
        _step(f"role {ROLE}", ROLE_PATH, found.role, wanted.role, _comparable_role),
        _step(f"rolesmapping {ROLE}", MAPPING_PATH, found.mapping, _merged(found.mapping, wanted), _comparable_mapping),
        _step(f"index template {TEMPLATE}", TEMPLATE_PATH, found.template, wanted.template, _comparable),
    )
    return tuple(step for step in steps if step is not None)


def _refuse_reserved(kind: str, resource: Resource | None) -> None:
    if resource is not None and (resource.get("reserved") or resource.get("hidden")):
        raise ReservedResource(
            f"the {kind} {ROLE} is reserved by the security plugin and cannot be changed; remove it from the plugin's "
            "configuration files first"
        )


def _step(
    title: str, path: str, found: Resource | None, body: Resource, comparable: Callable[[Resource], Any]
) -> Step | None:
    before = None if found is None else comparable(found)
    after = comparable(body)
    if before == after:
        return None
    return Step(f"{'create' if found is None else 'change'} {title}", path, body, diff_of(before, after))


def _merged(mapping: Resource | None, wanted: Wanted) -> Resource:
    """The mapping with the function's role added, and everything that other teams put there kept."""
    merged = {name: list((mapping or {}).get(name) or []) for name in _MAPPED}
    if wanted.iam_role_arn not in merged["backend_roles"]:
        merged["backend_roles"].append(wanted.iam_role_arn)
    if mapping and mapping.get("description"):
        return {**merged, "description": mapping["description"]}
    return merged


def _comparable_mapping(mapping: Resource) -> dict[str, list[str]]:
    return {name: sorted(mapping.get(name) or []) for name in _MAPPED}


def _comparable_role(role: Resource) -> dict[str, Any]:
    """What a role grants; restrictions that are empty count as none."""
    return {
        "cluster_permissions": sorted(role.get("cluster_permissions") or []),
        "index_permissions": [
            {name: sorted(rights.get(name) or []) for name in _GRANTED}
            | {name: rights[name] for name in _RESTRICTIONS if rights.get(name)}
            for rights in role.get("index_permissions") or []
        ],
        "tenant_permissions": list(role.get("tenant_permissions") or []),
    }


def _comparable(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """JSON with every scalar as text, since the server gives settings back as strings; empty parts do not count."""
    if isinstance(value, Mapping):
        parts = {name: _comparable(part) for name, part in value.items()}
        return {name: part for name, part in parts.items() if part not in ({}, [])}
    if isinstance(value, list):
        return [_comparable(part) for part in value]
    return json.dumps(value) if isinstance(value, bool) else str(value)


def diff_of(before: object, after: object) -> tuple[str, ...]:
    """How one JSON value differs from another, as lines of a unified diff; None before stands for nothing."""
    old = [] if before is None else _lines(before)
    return tuple(difflib.unified_diff(old, _lines(after), "there", "wanted", lineterm="", n=2))


def _lines(value: object) -> list[str]:
    return json.dumps(value, indent=2, sort_keys=True).splitlines()
