"""What a request would run: lifted from the bodies of pods and of everything that makes pods.

The bodies themselves are not searchable (their shape differs for every kind); these few fields answer the questions
that security asks, whatever the kind. Source: Kubernetes API reference, PodSpec, SecurityContext, Volume.
"""

from forwarder.audit_event import NO_OBJECT, AuditEvent
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


def workload_of(event: AuditEvent, body: JsonObject) -> JsonObject:
    """The block `workload` of an audit event; empty where the request changes nothing that runs pods, or has no body.

    What was asked for counts, not what came of it: the response is read only where the request is absent or a JSON
    patch, so that whoever changes one label of a privileged Deployment did not create it.
    """
    ref = event.objectRef or NO_OBJECT
    kind, path = _POD_SPEC_OF.get(str(ref.resource), (None, ()))
    if kind is None or event.verb not in _VERBS or ref.subresource not in _SUBRESOURCES:
        return {}
    lifted = _lift(_at(body, path))
    return {"kind": kind, **lifted} if lifted else {}


def requested_body(request: JsonValue, response: JsonValue) -> JsonObject:
    """The request's body; the response's where there is no request or it is a list of changes (JSON patch)."""
    return request if isinstance(request, dict) else as_object(response)


def _lift(pod_spec: JsonObject) -> JsonObject:
    containers = [container for name in _CONTAINERS for container in as_objects(pod_spec.get(name))]
    contexts = [as_object(container.get("securityContext")) for container in containers]
    block: JsonObject = {
        "images": as_texts(container.get("image") for container in containers),
        "privileged": any(context.get("privileged") is True for context in contexts),
        **{name: pod_spec.get(member) is True for name, member in _HOST_NAMESPACES.items()},
        "host_paths": as_texts(
            as_object(volume.get("hostPath")).get("path") for volume in as_objects(pod_spec.get("volumes"))
        ),
        "capabilities_added": as_texts(capability for context in contexts for capability in _added(context)),
        "service_account": _text(pod_spec.get("serviceAccountName")) or _text(pod_spec.get("serviceAccount")),
    }
    return {name: value for name, value in block.items() if value}


def _added(context: JsonObject) -> list[JsonValue]:
    added = as_object(context.get("capabilities")).get("add")
    return added if isinstance(added, list) else []


def _at(value: JsonObject, path: tuple[str, ...]) -> JsonObject:
    for name in path:
        value = as_object(value.get(name))
    return value


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None
