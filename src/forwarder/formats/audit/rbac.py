"""Who would get which rights: lifted from the bodies of roles and of bindings.

Source: Kubernetes API reference, rbac.authorization.k8s.io/v1 (PolicyRule, RoleRef, Subject, AggregationRule); "Using
RBAC Authorization" (what `*` stands for; a roleRef cannot be changed; user-facing roles).
"""

from forwarder.field_shapes import Keyword, Keywords, if_true, object_of
from forwarder.formats.audit.event import NO_OBJECT, AuditEvent, ObjectRef
from forwarder.formats.audit.json_patch import patched_members
from forwarder.json_values import JsonObject, JsonValue, as_keyword, as_object, as_objects, as_texts

_ROLES = {"roles": "Role", "clusterroles": "ClusterRole"}
_BINDINGS = ("rolebindings", "clusterrolebindings")
_VERBS = ("create", "update", "patch", "delete")
# Every right in every namespace, and the labels by which an aggregation takes it in.
_CLUSTER_ADMIN = {"role_kind": "ClusterRole", "role_name": "cluster-admin"}
_CLUSTER_ADMIN_LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}

_RBAC = object_of({"role_kind": Keyword(64), "role_name": Keyword(256), "subjects": Keywords(), "wildcard": if_true})


def rbac_of(event: AuditEvent, request: JsonValue, response: JsonValue) -> JsonObject:
    """The block `rbac` of an audit event; empty where it is not about the rights of a role or a binding.

    What was asked for counts: whoever changes one label of a binding to `cluster-admin` grants nothing. The response
    tells what the request leaves to be known: which role a binding has whose subjects are patched, and what stands
    where a JSON patch changes a part or copies from elsewhere. It is read alone where there is no request.
    """
    ref = event.objectRef or NO_OBJECT
    if event.verb not in _VERBS or ref.subresource:
        return {}
    after = as_object(response)
    if isinstance(request, list):
        asked = patched_members(request, after)
    else:
        asked = after if request is None else as_object(request)
    if ref.resource in _BINDINGS:
        block = _binding(asked, after)
    elif ref.resource in _ROLES:
        block = _role(_ROLES[ref.resource], ref, asked)
    else:
        return {}
    return as_object(_RBAC({name: value for name, value in block.items() if value}))


def _binding(asked: JsonObject, after: JsonObject) -> JsonObject:
    if "subjects" not in asked and "roleRef" not in asked:
        return {}
    # It cannot be changed, so what came of the request says it wholly; a merge patch may name a part of it.
    role = {**as_object(asked.get("roleRef")), **as_object(after.get("roleRef"))}
    named: JsonObject = {"role_kind": as_keyword(role.get("kind")), "role_name": as_keyword(role.get("name"))}
    subjects = as_texts(_subject(subject) for subject in as_objects(asked.get("subjects")))
    return {**named, "subjects": subjects, "wildcard": named == _CLUSTER_ADMIN}


def _role(kind: str, ref: ObjectRef, asked: JsonObject) -> JsonObject:
    name = ref.name or as_object(asked.get("metadata")).get("name")
    aggregated = as_objects(as_object(asked.get("aggregationRule")).get("clusterRoleSelectors"))
    is_wide = any(map(_is_wide, as_objects(asked.get("rules")))) or any(map(_takes_in_cluster_admin, aggregated))
    return {"role_kind": kind, "role_name": as_keyword(name), "wildcard": is_wide}


def _is_wide(rule: JsonObject) -> bool:
    # `*/*` would be every subresource; to the authorizer it is none, but who writes it asks for everything.
    granted = [item for name in ("verbs", "resources") if isinstance(items := rule.get(name), list) for item in items]
    if "*" in granted or "*/*" in granted:
        return True
    urls = rule.get("nonResourceURLs")
    # An asterisk at the end stands for any ending.
    return isinstance(urls, list) and any(
        isinstance(url, str) and url.endswith("*") and url.rstrip("*") in ("", "/") for url in urls
    )


def _takes_in_cluster_admin(selector: JsonObject) -> bool:
    """Whether a selector of an aggregation selects `cluster-admin`, as an empty one does."""
    labels = as_object(selector.get("matchLabels"))
    return labels.items() <= _CLUSTER_ADMIN_LABELS.items() and all(
        map(_matches_cluster_admin, as_objects(selector.get("matchExpressions")))
    )


def _matches_cluster_admin(expression: JsonObject) -> bool:
    label = _CLUSTER_ADMIN_LABELS.get(str(expression.get("key")))
    values = expression.get("values")
    is_one_of = label is not None and isinstance(values, list) and label in values
    match expression.get("operator"):
        case "In":
            return is_one_of
        case "NotIn":
            return not is_one_of
        case "Exists":
            return label is not None
        case "DoesNotExist":
            return label is None
    return False


def _subject(subject: JsonObject) -> JsonValue:
    """`User:ada`, `Group:ops`, `ServiceAccount:namespace/name`; None for what names nobody, as a patch's directives."""
    kind, name, namespace = (as_keyword(subject.get(member)) for member in ("kind", "name", "namespace"))
    if not name:
        return None
    # A user's namespace means nothing, and the API server lets it be written.
    place = f"{namespace}/{name}" if namespace and kind not in ("User", "Group") else name
    return f"{kind}:{place}" if kind else place
