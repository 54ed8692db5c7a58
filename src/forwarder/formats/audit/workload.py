"""What a request would run: lifted from the bodies of pods and of everything that makes pods.

The bodies themselves are not searchable (their shape differs for every kind); these few fields answer the questions
that security asks, whatever the kind. Source: Kubernetes API reference, PodSpec, SecurityContext, Volume.
"""

import posixpath
from collections.abc import Iterator
from itertools import islice

from forwarder.field_shapes import Keyword, Keywords, if_true, object_of
from forwarder.formats.audit.event import NO_OBJECT, AuditEvent
from forwarder.formats.audit.json_patch import patched_members
from forwarder.json_values import JsonObject, JsonValue, as_keyword, as_object, as_objects, as_texts

_TEMPLATE = ("spec", "template", "spec")
# Resource to kind, and where its pods' specification stands.
_POD_SPEC_OF: dict[str | None, tuple[str, tuple[str, ...]]] = {
    "pods": ("Pod", ("spec",)),
    "podtemplates": ("PodTemplate", ("template", "spec")),
    "replicasets": ("ReplicaSet", _TEMPLATE),
    "deployments": ("Deployment", _TEMPLATE),
    "daemonsets": ("DaemonSet", _TEMPLATE),
    "statefulsets": ("StatefulSet", _TEMPLATE),
    "replicationcontrollers": ("ReplicationController", _TEMPLATE),
    "jobs": ("Job", _TEMPLATE),
    "cronjobs": ("CronJob", ("spec", "jobTemplate", "spec", "template", "spec")),
}
# The groups with a dot that Kubernetes itself has; any other is of custom resources.
OWN_GROUPS = frozenset(
    f"{name}.k8s.io"
    for name in (
        *("admissionregistration", "apiextensions", "apiregistration", "authentication", "authorization"),
        *("certificates", "coordination", "discovery", "events", "flowcontrol.apiserver", "internal.apiserver"),
        *("metrics", "networking", "node", "rbac.authorization", "resource", "scheduling", "storage"),
        "storagemigration",
    )
)
_VERBS = ("create", "update", "patch")
_SUBRESOURCES = (None, "ephemeralcontainers")
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_HOST_NAMESPACES = {"host_network": "hostNetwork", "host_pid": "hostPID", "host_ipc": "hostIPC"}
_VOLUMES = "persistentvolumes"
# Deeper than custom resources have the pods that they make (a set of sets of jobs: 11), and more than one makes.
_DEPTH_OF_POD_SPECS = 16
_MOST_POD_SPECS = 50


_WORKLOAD = object_of(
    {
        "kind": Keyword(64),
        "images": Keywords(),
        "privileged": if_true,
        "host_process": if_true,
        **dict.fromkeys(_HOST_NAMESPACES, if_true),
        "host_paths": Keywords(),
        "capabilities_added": Keywords(64),
        "service_account": Keyword(256),
    }
)


def workload_of(event: AuditEvent, request: JsonValue, response: JsonValue) -> JsonObject:
    """The block `workload` of an audit event; empty where the request changes nothing that runs pods, or has no body.

    What was asked for counts, not what came of it: the response is read only where the request is absent, or a JSON
    patch copies from elsewhere, so that whoever changes one label of a privileged Deployment did not create it.
    """
    ref = event.objectRef or NO_OBJECT
    if event.verb not in _VERBS or ref.subresource not in _SUBRESOURCES:
        return {}
    group = ref.apiGroup or ""
    if ref.resource in _POD_SPEC_OF and "." not in group:
        kind, path = _POD_SPEC_OF[ref.resource]
        specs = [_asked(request, response, path)]
        if ref.subresource is not None:
            # As it was until Kubernetes 1.22: a body of their own, with nothing around them.
            specs.append(_asked(request, response, ()))
    elif ref.resource == _VOLUMES and not group:
        kind, specs = "PersistentVolume", [{"volumes": [_asked(request, response, ("spec",))]}]
    elif "." in group and group not in OWN_GROUPS:
        body = _asked(request, response, ())
        template = _at(body, _TEMPLATE)
        specs = [template, *(spec for spec in islice(_pod_specs(body), _MOST_POD_SPECS) if spec is not template)]
        kind = as_keyword(body.get("kind")) or as_keyword(as_object(response).get("kind")) or ref.resource or ""
    else:
        return {}
    lifted = _lift(specs)
    return as_object(_WORKLOAD({"kind": kind, **lifted})) if lifted else {}


def _asked(request: JsonValue, response: JsonValue, path: tuple[str, ...]) -> JsonObject:
    """The object at a path of what was asked for."""
    if isinstance(request, list):
        return patched_members(request, _at(as_object(response), path), path, as_asked=True)
    return _at(request if isinstance(request, dict) else as_object(response), path)


def _pod_specs(value: JsonValue, depth: int = _DEPTH_OF_POD_SPECS) -> Iterator[JsonObject]:
    """What has containers, wherever a custom resource has it."""
    if depth == 0:
        return
    if isinstance(value, dict):
        if any(isinstance(value.get(name), list) for name in _CONTAINERS):
            yield value
        elif isinstance(value.get("container"), dict):
            # Of Argo's workflows.
            yield {**value, "containers": [value["container"]]}
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(member, dict | list):
            yield from _pod_specs(member, depth - 1)


def _lift(pod_specs: list[JsonObject]) -> JsonObject:
    containers = [container for spec in pod_specs for name in _CONTAINERS for container in as_objects(spec.get(name))]
    contexts = [as_object(container.get("securityContext")) for container in containers]
    of_pods = [as_object(spec.get("securityContext")) for spec in pod_specs]
    volumes = [volume for spec in pod_specs for volume in as_objects(spec.get("volumes"))]
    block: JsonObject = {
        "images": as_texts(container.get("image") for container in containers),
        "privileged": any(context.get("privileged") is True for context in contexts),
        "host_process": any(map(_is_host_process, (*contexts, *of_pods))),
        **{name: any(spec.get(member) is True for spec in pod_specs) for name, member in _HOST_NAMESPACES.items()},
        "host_paths": as_texts(
            # `local` is a disk or a directory of the node too; a volume that is claimed has it.
            _normal(as_object(volume.get(source)).get("path"))
            for volume in volumes
            for source in ("hostPath", "local")
        ),
        "capabilities_added": as_texts(capability for context in contexts for capability in _added(context)),
        "service_account": next(
            (
                name
                for spec in pod_specs
                for member in ("serviceAccountName", "serviceAccount")
                if isinstance(name := spec.get(member), str) and name
            ),
            None,
        ),
    }
    return {name: value for name, value in block.items() if value}


def _is_host_process(context: JsonObject) -> bool:
    """Whether a process of Windows runs on the node itself."""
    return as_object(context.get("windowsOptions")).get("hostProcess") is True


def _normal(path: JsonValue) -> JsonValue:
    """A path without what says nothing: `/` for `//`, `/./` and `/etc/..`, so that no one can write it unsearchably."""
    if not isinstance(path, str) or not path:
        return path
    normal = posixpath.normpath(path)
    return normal[1:] if normal.startswith("//") else normal


def _added(context: JsonObject) -> list[JsonValue]:
    """Capabilities as the Linux manual names them, without `CAP_`: runtimes take them in either case, some with it."""
    added = as_object(context.get("capabilities")).get("add")
    names = added if isinstance(added, list) else [added]
    return [name.strip().upper().removeprefix("CAP_") for name in names if isinstance(name, str)]


def _at(value: JsonValue, path: tuple[str, ...]) -> JsonObject:
    for name in path:
        value = as_object(value).get(name)
    return as_object(value)
