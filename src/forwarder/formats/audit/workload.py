"""What a request would run: lifted from the bodies of pods and of everything that makes pods.

The bodies themselves are not searchable (their shape differs for every kind); these few fields answer the questions
that security asks, whatever the kind. Source: Kubernetes API reference, PodSpec, SecurityContext, Volume.
"""

import posixpath

from forwarder.field_shapes import Keyword, Keywords, if_true, object_of
from forwarder.formats.audit.event import NO_OBJECT, AuditEvent
from forwarder.formats.audit.json_patch import patched_members
from forwarder.json_values import JsonObject, JsonValue, as_object, as_objects, as_texts

# Resource to kind, and where its pods' specification stands.
_POD_SPEC_OF = {
    "pods": ("Pod", ("spec",)),
    "replicasets": ("ReplicaSet", ("spec", "template", "spec")),
    "deployments": ("Deployment", ("spec", "template", "spec")),
    "daemonsets": ("DaemonSet", ("spec", "template", "spec")),
    "statefulsets": ("StatefulSet", ("spec", "template", "spec")),
    "replicationcontrollers": ("ReplicationController", ("spec", "template", "spec")),
    "jobs": ("Job", ("spec", "template", "spec")),
    "cronjobs": ("CronJob", ("spec", "jobTemplate", "spec", "template", "spec")),
}
_VERBS = ("create", "update", "patch")
_SUBRESOURCES = (None, "ephemeralcontainers")
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_HOST_NAMESPACES = {"host_network": "hostNetwork", "host_pid": "hostPID", "host_ipc": "hostIPC"}


_WORKLOAD = object_of(
    {
        "kind": Keyword(64),
        "images": Keywords(),
        "privileged": if_true,
        **dict.fromkeys(_HOST_NAMESPACES, if_true),
        "host_paths": Keywords(),
        "capabilities_added": Keywords(64),
        "service_account": Keyword(256),
    }
)


def workload_of(event: AuditEvent, request: JsonValue, response: JsonValue) -> JsonObject:
    """The block `workload` of an audit event; empty where the request changes nothing that runs pods, or has no body.

    What was asked for counts, not what came of it: the response is read only where the request is absent or a JSON
    patch, so that whoever changes one label of a privileged Deployment did not create it.
    """
    ref = event.objectRef or NO_OBJECT
    kind, path = _POD_SPEC_OF.get(str(ref.resource), (None, ()))
    if kind is None or event.verb not in _VERBS or ref.subresource not in _SUBRESOURCES:
        return {}
    body = request if isinstance(request, dict) else as_object(response)
    if isinstance(request, list) and "spec" not in body:
        # A JSON patch whose result is not known, since it was refused or responses are not recorded.
        body = patched_members(request, {})
    lifted = _lift(_at(body, path))
    return as_object(_WORKLOAD({"kind": kind, **lifted})) if lifted else {}


def _lift(pod_spec: JsonObject) -> JsonObject:
    containers = [container for name in _CONTAINERS for container in as_objects(pod_spec.get(name))]
    contexts = [as_object(container.get("securityContext")) for container in containers]
    block: JsonObject = {
        "images": as_texts(container.get("image") for container in containers),
        "privileged": any(context.get("privileged") is True for context in contexts),
        **{name: pod_spec.get(member) is True for name, member in _HOST_NAMESPACES.items()},
        "host_paths": as_texts(
            _normal(as_object(volume.get("hostPath")).get("path")) for volume in as_objects(pod_spec.get("volumes"))
        ),
        "capabilities_added": as_texts(capability for context in contexts for capability in _added(context)),
        "service_account": _text(pod_spec.get("serviceAccountName")) or _text(pod_spec.get("serviceAccount")),
    }
    return {name: value for name, value in block.items() if value}


def _normal(path: JsonValue) -> JsonValue:
    """A path without what says nothing: `/` for `//`, `/./` and `/etc/..`, so that no one can write it unsearchably."""
    if not isinstance(path, str) or not path:
        return path
    normal = posixpath.normpath(path)
    return normal[1:] if normal.startswith("//") else normal


def _added(context: JsonObject) -> list[JsonValue]:
    added = as_object(context.get("capabilities")).get("add")
    return added if isinstance(added, list) else []


def _at(value: JsonObject, path: tuple[str, ...]) -> JsonObject:
    for name in path:
        value = as_object(value.get(name))
    return value


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None
