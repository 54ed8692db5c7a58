"""What would have to go so that OpenSearch holds nothing of ours: pure, from what is there."""

from collections.abc import Iterator
from typing import Any

from eks_logs.opensearch.conflicts import belongs_to
from eks_logs.opensearch.ism_policy import dated, policy_path
from eks_logs.opensearch.target import ROLE, TEMPLATE, Wanted
from eks_logs.plan import (
    MAPPING_PATH,
    ROLE_PATH,
    TEMPLATE_PATH,
    Found,
    Plan,
    Resource,
    Step,
    diff_of,
    mapping_without,
    refuse_reserved,
)


def plan_removal(found: Found, wanted: Wanted, *, with_indices: bool) -> Plan:
    """The steps that take away what `plan` made for this index and this IAM role; nothing else.

    Role and template stay while others have the role: other stacks' functions write with them.

    Raises:
        ReservedResource: the role or its mapping belongs to the security plugin.
    """
    refuse_reserved("role", found.role)
    refuse_reserved("rolesmapping", found.mapping)
    rest = mapping_without(found.mapping, wanted.iam_role_arn) if found.mapping else {}
    is_shared = any(rest.get(kind) for kind in ("backend_roles", "and_backend_roles", "hosts", "users"))
    steps = [*_unmap(found, rest, is_shared=is_shared)]
    if not is_shared:
        steps += _role_and_template(found, wanted)
    steps += _policy(found, wanted)
    if with_indices:
        steps += [_delete(f"index {name}", f"/{name}", {"documents": "all"}) for name in indices_of(found, wanted)]
    return Plan(tuple(steps), notes=tuple(_notes(found, wanted, is_shared=is_shared, with_indices=with_indices)))


def indices_of(found: Found, wanted: Wanted) -> tuple[str, ...]:
    """The indices of this index name, dated or not."""
    return tuple(one.name for one in found.indices if belongs_to(one.name, wanted.index))


def _unmap(found: Found, rest: Resource, *, is_shared: bool) -> Iterator[Step]:
    if found.mapping is None:
        return
    if not is_shared:
        yield _delete(f"rolesmapping {ROLE}", MAPPING_PATH, _shown(found.mapping))
    elif rest["backend_roles"] != found.mapping.get("backend_roles"):
        diff = diff_of(_shown(found.mapping), _shown(rest))
        yield Step(f"take the function's role out of rolesmapping {ROLE}", MAPPING_PATH, rest, diff)


def _shown(mapping: Resource) -> dict[str, Any]:
    return {"backend_roles": mapping.get("backend_roles") or []}


def _role_and_template(found: Found, wanted: Wanted) -> Iterator[Step]:
    if found.role is not None:
        yield _delete(f"role {ROLE}", ROLE_PATH, {"index_permissions": found.role.get("index_permissions")})
    if _is_ours(found.template, wanted):
        patterns = (found.template or {}).get("index_patterns")
        yield _delete(f"index template {TEMPLATE}", TEMPLATE_PATH, {"index_patterns": patterns})


def _is_ours(template: Resource | None, wanted: Wanted) -> bool:
    return template is not None and template.get("_meta") == wanted.template["_meta"]


def _policy(found: Found, wanted: Wanted) -> Iterator[Step]:
    if found.policy is not None and found.policy.is_ours:
        yield _delete(f"ISM policy {wanted.index}", policy_path(wanted.index), dict(found.policy.body))


def _delete(title: str, path: str, shown: Resource) -> Step:
    return Step(f"delete {title}", path, None, diff_of(shown, {}), "DELETE")


def _notes(found: Found, wanted: Wanted, *, is_shared: bool, with_indices: bool) -> Iterator[str]:
    if is_shared:
        yield f"role {ROLE} and index template {TEMPLATE} stay: others are mapped to the role and write with them"
    elif found.template is not None and not _is_ours(found.template, wanted):
        yield f"index template {TEMPLATE} stays: this command did not make it"
    if found.policy is not None and not found.policy.is_ours:
        yield f"ISM policy {wanted.index} stays: this command did not make it"
    elif found.policy is not None and not with_indices:
        yield (
            f"indices that the policy manages are deleted when they are due all the same; to keep them: "
            f"POST /_plugins/_ism/remove/{dated(wanted.index)}"
        )
    kept = indices_of(found, wanted)
    if kept and not with_indices:
        yield f"{len(kept)} indices stay with their records, {kept[0]} first: --delete-indices deletes them"
