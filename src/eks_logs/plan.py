"""What would have to change: a pure comparison of what is there with what is wanted."""

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from eks_logs.errors import ReservedResource
from eks_logs.findings import Finding, Status
from eks_logs.opensearch.conflicts import ExistingIndex, belongs_to, index_conflicts, template_conflicts
from eks_logs.opensearch.ism_policy import FoundPolicy, comparable_policy, policy_path
from eks_logs.opensearch.server_notes import no_ism_note, older_indices_note, serverless_notes
from eks_logs.opensearch.target import ROLE, TEMPLATE, Wanted

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
    """What the server holds under our names, None where there is nothing; and what of others is beside it.

    Attributes:
        role: the role of the security plugin.
        mapping: who has that role.
        template: our index template.
        policy: of Index State Management.
        has_ism: whether the server has Index State Management at all.
        templates: all composable index templates by name, ours among them.
        indices: those whose names begin like ours, or that have an alias of that name.
    """

    role: Resource | None
    mapping: Resource | None
    template: Resource | None
    policy: FoundPolicy | None = None
    has_ism: bool = True
    templates: Mapping[str, Resource] = field(default_factory=dict)
    indices: tuple[ExistingIndex, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One change: the request that makes it, and how what it sends differs from what is there."""

    title: str
    path: str
    body: Resource | None
    diff: tuple[str, ...]
    method: str = "PUT"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, what stands in the way, and what else the operator should know."""

    steps: tuple[Step, ...]
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_blocked(self) -> bool:
        """Whether the steps would be refused, or be of no use."""
        return any(finding.status is Status.FAIL for finding in self.findings)


def plan(found: Found, wanted: Wanted) -> Plan:
    """The steps that lead from what is found to what is wanted, in the order to take them; none if nothing differs.

    Raises:
        ReservedResource: something of our name is another's, or the security plugin's, and cannot be changed.
    """
    refuse_reserved("role", found.role)
    refuse_reserved("rolesmapping", found.mapping)
    steps = (role_step(found, wanted), mapping_step(found, wanted), template_step(found, wanted))
    retention = policy_step(found, wanted)
    return Plan(
        steps=tuple(step for step in (*steps, retention) if step is not None),
        findings=(*template_conflicts(found.templates, wanted), *index_conflicts(found.indices, wanted)),
        notes=(*serverless_notes(wanted), *_retention_notes(found, wanted, changed=retention is not None)),
    )


def role_step(found: Found, wanted: Wanted) -> Step | None:
    """What the role lacks or has too much; None if nothing, or where there are no roles."""
    if wanted.role is None:
        return None
    return _step(f"role {ROLE}", ROLE_PATH, found.role, wanted.role, _comparable_role)


def mapping_step(found: Found, wanted: Wanted) -> Step | None:
    """The function's IAM role, if it is not mapped to the role."""
    if wanted.role is None:
        return None
    merged = _merged(found.mapping, wanted)
    return _step(f"rolesmapping {ROLE}", MAPPING_PATH, found.mapping, merged, _comparable_mapping)


def template_step(found: Found, wanted: Wanted) -> Step | None:
    """How the index template differs, if it does."""
    return _step(f"index template {TEMPLATE}", TEMPLATE_PATH, found.template, wanted.template, _comparable)


def policy_step(found: Found, wanted: Wanted) -> Step | None:
    """How the retention policy differs, if one is asked for and can be had.

    Raises:
        ReservedResource: there is a policy of that name that this package did not make.
    """
    if wanted.policy is None or not found.has_ism:
        return None
    before, path = found.policy, policy_path(wanted.index)
    if before is not None:
        _refuse_theirs(before, wanted)
        path = f"{path}?if_seq_no={before.seq_no}&if_primary_term={before.primary_term}"
    step = _step(f"ISM policy {wanted.index}", path, before.body if before else None, wanted.policy, comparable_policy)
    return step and replace(step, body={"policy": wanted.policy})


def _refuse_theirs(policy: FoundPolicy, wanted: Wanted) -> None:
    if not policy.is_ours:
        raise ReservedResource(
            f"there is an ISM policy {wanted.index} that this command did not make; leave --retention-days away and "
            "let that policy delete indices, or have its owner rename it"
        )


def _retention_notes(found: Found, wanted: Wanted, *, changed: bool) -> Iterator[str]:
    if wanted.policy is None or wanted.role is None:
        return
    if not found.has_ism:
        yield no_ism_note()
    older = [one.name for one in found.indices if one.name != wanted.index and belongs_to(one.name, wanted.index)]
    if changed and older:
        yield older_indices_note(wanted, older, replaced=found.policy is not None)


def refuse_reserved(kind: str, resource: Resource | None) -> None:
    """Refuse a resource of the security plugin itself.

    Raises:
        ReservedResource: it is one.
    """
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
    merged = _whole_mapping(mapping or {})
    if wanted.iam_role_arn not in merged["backend_roles"]:
        merged["backend_roles"].append(wanted.iam_role_arn)
    return merged


def mapping_without(mapping: Resource, iam_role_arn: str) -> Resource:
    """The mapping as it is to be written back without one IAM role; what others put there is kept."""
    rest = _whole_mapping(mapping)
    return {**rest, "backend_roles": [role for role in rest["backend_roles"] if role != iam_role_arn]}


def _whole_mapping(mapping: Resource) -> dict[str, Any]:
    whole: dict[str, Any] = {name: list(mapping.get(name) or []) for name in _MAPPED}
    return whole | ({"description": mapping["description"]} if mapping.get("description") else {})


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
