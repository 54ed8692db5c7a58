"""Who would get which rights: lifted from the bodies of roles and of bindings.

Source: Kubernetes API reference, rbac.authorization.k8s.io/v1 (PolicyRule, RoleRef, Subject).
"""

from forwarder.audit_event import NO_OBJECT, AuditEvent, ObjectRef
from forwarder.json_values import JsonObject, JsonValue, as_keyword, as_object, as_objects, as_texts

_ROLES = {"roles": "Role", "clusterroles": "ClusterRole"}
_BINDINGS = ("rolebindings", "clusterrolebindings")
_VERBS = ("create", "update", "patch", "delete")
# Every right in every namespace: Kubernetes, "Using RBAC Authorization", user-facing roles.
_CLUSTER_ADMIN = {"role_kind": "ClusterRole", "role_name": "cluster-admin"}
_WIDE = ("verbs", "resources", "nonResourceURLs")


def rbac_of(event: AuditEvent, body: JsonObject) -> JsonObject:
    """The block `rbac` of an audit event; empty where it is not about roles or bindings, or has no body."""
    ref = event.objectRef or NO_OBJECT
    if event.verb not in _VERBS or ref.subresource or not body:
        return {}
    if ref.resource in _BINDINGS:
        block = _binding(body)
    elif ref.resource in _ROLES:
        block = _role(_ROLES[ref.resource], ref, body)
    else:
        return {}
    return {name: value for name, value in block.items() if value}


def _binding(body: JsonObject) -> JsonObject:
    role = as_object(body.get("roleRef"))
    named: JsonObject = {"role_kind": as_keyword(role.get("kind")), "role_name": as_keyword(role.get("name"))}
    subjects = as_texts(_subject(subject) for subject in as_objects(body.get("subjects")))
    return {**named, "subjects": subjects, "wildcard": named == _CLUSTER_ADMIN}


def _role(kind: str, ref: ObjectRef, body: JsonObject) -> JsonObject:
    name = ref.name or as_object(body.get("metadata")).get("name")
    rules = as_objects(body.get("rules"))
    return {"role_kind": kind, "role_name": as_keyword(name), "wildcard": any(_is_wide(rule) for rule in rules)}


def _is_wide(rule: JsonObject) -> bool:
    return any("*" in granted for name in _WIDE if isinstance(granted := rule.get(name), list))


def _subject(subject: JsonObject) -> JsonValue:
    """`User:ada`, `Group:ops`, `ServiceAccount:namespace/name`."""
    place = "/".join(str(subject[name]) for name in ("namespace", "name") if subject.get(name))
    return f"{subject.get('kind')}:{place}"
