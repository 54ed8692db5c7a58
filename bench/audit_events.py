"""Audit events as an EKS cluster writes them, composed: few identities, bodies as the policy says.

What a batch repeats is what makes its cost. In published batches of real events, 100 events that follow each other come
from 19 users with 20 different annotations, about 71 different objects; so here each payload has a cluster of its own,
whose identities act on its objects again and again.

Which events have bodies: AWS, "Auditing and logging" (EKS Best Practices Guide), which names the reference policy of
Kubernetes, cluster/gce/gci/configure-helper.sh: kubelets' reports the request, other writes to groups it knows the
request and the response, reads and writes to groups it does not know (leases, endpoint slices, custom resources) none.
"""

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

_ACCOUNT = "111122223333"
APPS = ("checkout", "catalog", "carts", "orders", "assets", "payments", "search", "ui")
KUBELET = "kubelet/v1.31.4 (linux/arm64) kubernetes/a1b2c3d"
_NODES = 8
_PODS = 160
_CONTROLLERS = (
    *("replicaset", "deployment", "endpointslice", "job", "cronjob", "horizontal-pod-autoscaler", "node"),
    *("namespace", "resourcequota", "service-account", "statefulset", "daemon-set"),
)
_ADD_ONS = ("coredns", "aws-node", "kube-proxy", "ebs-csi-controller-sa", "karpenter", "metrics-server", "argocd")
_PEOPLE = ("ada", "grace", "ci")
_METADATA = "Metadata"
_REQUEST = "Request"
_BODIES = "RequestResponse"
# Of the policy's groups those that occur here; the first is the core group.
_KNOWN_GROUPS = ("", "apps")
_READS = ("get", "list", "watch")

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class _Identity:
    """Who acts: its `user`, where it comes from, with which program, and by which right."""

    user: Json
    address: str
    agent: str
    reason: str


@dataclass(frozen=True)
class _Call:
    """What is done: the object, and how to write its body."""

    verb: str
    ref: Json
    body: Callable[[random.Random, str], Json] | None = None


class Cluster:
    """A cluster of its own for each `source` of chance."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._nodes = [f"ip-10-0-{10 + number % 3}-{7 + number}.eu-west-1.compute.internal" for number in range(_NODES)]
        self._pods = [self._pod_name() for _ in range(_PODS)]
        self._routines = [*self._of_nodes(), *self._of_controllers(), *self._of_add_ons(), *self._of_people()]

    def event(self, *, bodies: bool) -> Json:
        """One event; with the body that the policy says, or none."""
        identity, calls = self._source.choice(self._routines)
        call = self._source.choice(calls)
        return _event(self._source, identity, call, level=_level(identity, call) if bodies else _METADATA)

    def _pod_name(self) -> str:
        source = self._source
        return f"{source.choice(APPS)}-{source.getrandbits(36):09x}-{source.getrandbits(20):05x}"

    def _of_nodes(self) -> list[tuple[_Identity, list[_Call]]]:
        """Kubelets renew their lease, report their node and pods, and read what those need."""
        return [(self._node(name), self._kubelet_calls(name)) for name in self._nodes]

    def _kubelet_calls(self, node: str) -> list[_Call]:
        pods = self._source.sample(self._pods, 8)
        lease = _ref("leases", "coordination.k8s.io", "kube-node-lease", node)
        return [
            _Call("update", lease, _lease),
            _Call("get", lease),
            _Call("patch", _ref("nodes", "", None, node) | {"subresource": "status"}, _node_status),
            _Call("watch", _ref("configmaps", "", "shop", None)),
            *(_Call("get", _ref("pods", "", "shop", pod)) for pod in pods),
            *(_Call("patch", _ref("pods", "", "shop", pod) | {"subresource": "status"}, _pod) for pod in pods[:4]),
            *(_Call("create", _ref("events", "", "shop", f"{pod}.17f3a2b1"), _kubernetes_event) for pod in pods[4:]),
        ]

    def _of_controllers(self) -> list[tuple[_Identity, list[_Call]]]:
        agent = "kube-controller-manager/v1.31.4 (linux/arm64) kubernetes/a1b2c3d/system:serviceaccount:kube-system"
        return [
            (self._service_account("kube-system", f"{name}-controller", agent), self._controller_calls())
            for name in _CONTROLLERS
        ]

    def _controller_calls(self) -> list[_Call]:
        app = self._source.choice(APPS)
        slices = _ref("endpointslices", "discovery.k8s.io", "shop", f"{app}-7xk2p")
        return [
            _Call("get", slices),
            _Call("update", slices, _endpoint_slice),
            _Call("update", _ref("deployments", "apps", "shop", app) | {"subresource": "status"}, _deployment),
            _Call("update", _ref("replicasets", "apps", "shop", app) | {"subresource": "status"}, _deployment),
            _Call("create", _ref("pods", "", "shop", self._source.choice(self._pods)), _pod),
            _Call("create", _ref("events", "", "shop", f"{app}.17f3a2b1c4d5e6f7"), _kubernetes_event),
            _Call("list", _ref("replicasets", "apps", "shop", None)),
        ]

    def _of_add_ons(self) -> list[tuple[_Identity, list[_Call]]]:
        return [
            (self._service_account("kube-system", name, f"{name}/v1.12.0"), self._add_on_calls(name))
            for name in _ADD_ONS
        ]

    def _add_on_calls(self, name: str) -> list[_Call]:
        lease = _ref("leases", "coordination.k8s.io", "kube-system", name)
        application = _ref("applications", "argoproj.io", "argocd", self._source.choice(APPS))
        return [
            _Call("get", lease),
            _Call("update", lease, _lease),
            _Call("patch", application, _application),
            _Call("watch", _ref("endpoints", "", "kube-system", None)),
            _Call("get", _ref("configmaps", "", "kube-system", f"{name}-config")),
        ]

    def _of_people(self) -> list[tuple[_Identity, list[_Call]]]:
        return [(self._person(name), self._kubectl_calls()) for name in _PEOPLE]

    def _kubectl_calls(self) -> list[_Call]:
        pods, app = self._source.sample(self._pods, 4), self._source.choice(APPS)
        return [
            _Call("list", _ref("pods", "", "shop", None)),
            _Call("patch", _ref("deployments", "apps", "shop", app), _deployment),
            *(_Call("get", _ref("pods", "", "shop", pod)) for pod in pods),
            *(_Call("delete", _ref("pods", "", "shop", pod), _pod) for pod in pods),
        ]

    def _node(self, name: str) -> _Identity:
        instance = f"i-{self._source.getrandbits(64):016x}"
        user = self._iam_user(f"system:node:{name}", "shop-nodes", instance, ["system:bootstrappers", "system:nodes"])
        return _Identity(user, _address(name), KUBELET, "")

    def _person(self, name: str) -> _Identity:
        user = self._iam_user(name, "shop-developers", f"{name}@example.com", ["shop:developers"])
        address = f"203.0.113.{self._source.randrange(255)}"
        return _Identity(
            user, address, "kubectl/v1.31.4 (darwin/arm64) kubernetes/a1b2c3d", _allowed("shop-developers")
        )

    def _iam_user(self, username: str, role: str, session: str, groups: list[str]) -> Json:
        return {
            "username": username,
            "uid": f"aws-iam-authenticator:{_ACCOUNT}:AROAEXAMPLEEXAMPLE",
            "groups": [*groups, "system:authenticated"],
            "extra": {
                "accessKeyId": [f"ASIA{self._source.getrandbits(64):016X}"],
                "arn": [f"arn:aws:sts::{_ACCOUNT}:assumed-role/{role}/{session}"],
                "canonicalArn": [f"arn:aws:iam::{_ACCOUNT}:role/{role}"],
                "principalId": ["AROAEXAMPLEEXAMPLE"],
                "sessionName": [session],
            },
        }

    def _service_account(self, namespace: str, name: str, agent: str) -> _Identity:
        source = self._source
        username = f"system:serviceaccount:{namespace}:{name}"
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
        extra = {
            "authentication.kubernetes.io/credential-id": [f"JTI={uid(source)}"],
            "authentication.kubernetes.io/pod-name": [f"{name}-{source.getrandbits(20):05x}"],
            "authentication.kubernetes.io/pod-uid": [uid(source)],
        }
        user: Json = {"username": username, "uid": uid(source), "groups": groups, "extra": extra}
        return _Identity(user, f"10.0.{source.randrange(3)}.{source.randrange(255)}", agent, _allowed(name))


def uid(source: random.Random) -> str:
    """A UID as Kubernetes gives them."""
    return str(uuid.UUID(int=source.getrandbits(128), version=4))


def _address(node: str) -> str:
    return node.removeprefix("ip-").partition(".")[0].replace("-", ".")


def _allowed(role: str) -> str:
    return (
        f'RBAC: allowed by ClusterRoleBinding "{role}" of ClusterRole "{role}" to ServiceAccount "{role}/kube-system"'
    )


def _ref(resource: str, group: str, namespace: str | None, name: str | None) -> Json:
    ref = {"resource": resource, "namespace": namespace, "name": name, "apiGroup": group, "apiVersion": "v1"}
    return {key: value for key, value in ref.items() if value}


def _level(identity: _Identity, call: _Call) -> str:
    if call.ref.get("apiGroup", "") not in _KNOWN_GROUPS or call.ref["resource"] == "configmaps":
        return _METADATA
    is_report = call.ref.get("subresource") == "status" and identity.agent.startswith("kubelet/")
    return _REQUEST if is_report or call.verb in _READS else _BODIES


def _event(source: random.Random, identity: _Identity, call: _Call, *, level: str) -> Json:
    code = source.choices((200, 201, 404, 403, 409), (90, 5, 3, 1, 1))[0]
    received = time(source)
    ref = dict(call.ref)
    if call.verb in ("update", "patch"):
        ref |= {"uid": uid(source), "resourceVersion": str(source.randrange(10**8))}
    event: Json = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": level,
        "auditID": uid(source),
        "stage": "ResponseComplete",
        "requestURI": _uri(source, call),
        "verb": call.verb,
        "user": identity.user,
        "sourceIPs": [identity.address],
        "userAgent": identity.agent,
        "objectRef": ref,
        "responseStatus": {"metadata": {}, "code": code},
    }
    if level != _METADATA and call.body is not None:
        body = call.body(source, str(ref.get("name")))
        event["requestObject"] = {"status": body["status"]} if call.verb == "patch" and "status" in body else body
        if level == _BODIES:
            event["responseObject"] = body | {"metadata": body["metadata"] | _managed(body)}
    decision = "forbid" if code == 403 else "allow"  # noqa: PLR2004 - HTTP: forbidden
    annotations = {"authorization.k8s.io/decision": decision, "authorization.k8s.io/reason": identity.reason}
    return event | {"requestReceivedTimestamp": received, "stageTimestamp": received, "annotations": annotations}


def _uri(source: random.Random, call: _Call) -> str:
    ref = call.ref
    path = f"/apis/{ref['apiGroup']}/v1" if "apiGroup" in ref else "/api/v1"
    parts = (f"namespaces/{ref['namespace']}" if "namespace" in ref else None, ref["resource"])
    uri = "/".join(part for part in (path, *parts, ref.get("name"), ref.get("subresource")) if part)
    return f"{uri}?timeout={source.randrange(30)}s" if call.verb == "watch" else f"{uri}?timeout=10s"


def time(source: random.Random) -> str:
    """A time as audit events give it."""
    return f"2026-11-20T09:{source.randrange(60):02}:{source.randrange(60):02}.{source.randrange(10**6):06}Z"


def _managed(body: Json) -> Json:
    """`managedFields` of an object: the names of all its members again, as kept for each of its writers."""
    fields = _owned({name: value for name, value in body.items() if name not in ("kind", "apiVersion")}, is_struct=True)
    return {
        "managedFields": [
            {
                "manager": "kubelet",
                "operation": "Update",
                "apiVersion": "v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": fields,
            }
        ]
    }


# What Go holds as a struct; of maps and pointers, that they are there is owned too, and called ".".
_STRUCTS = frozenset({"metadata", "spec", "status", "template", "source", "involvedObject"})


def _owned(value: object, *, is_struct: bool = False) -> Json:
    if isinstance(value, dict):
        members = {f"f:{name}": _owned(member, is_struct=name in _STRUCTS) for name, member in value.items()}
        return members if is_struct else {".": {}} | members
    if isinstance(value, list):
        keyed = [item for item in value if isinstance(item, dict) and "type" in item]
        return {f'k:{{"type":"{item["type"]}"}}': _owned(item) for item in keyed}
    return {}


def _object(source: random.Random, kind: str, version: str, name: str) -> Json:
    metadata = {
        "name": name,
        "namespace": "shop",
        "uid": uid(source),
        "resourceVersion": str(source.randrange(10**8)),
        "creationTimestamp": time(source)[:19] + "Z",
    }
    return {"kind": kind, "apiVersion": version, "metadata": metadata}


def _lease(source: random.Random, name: str) -> Json:
    spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": time(source)}
    return _object(source, "Lease", "coordination.k8s.io/v1", name) | {"spec": spec}


def _conditions(source: random.Random, kinds: tuple[str, ...]) -> list[Json]:
    changed = time(source)[:19] + "Z"
    return [{"type": kind, "status": "True", "lastTransitionTime": changed, "reason": f"{kind}IsSo"} for kind in kinds]


def _node_status(source: random.Random, name: str) -> Json:
    conditions = _conditions(source, ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready"))
    resources = {"cpu": "4", "memory": "16062468Ki", "pods": "58", "ephemeral-storage": "83873772Ki"}
    info = {"kubeletVersion": "v1.31.4-eks-a1b2c3d", "osImage": "Bottlerocket OS 1.26.2", "architecture": "arm64"}
    status = {"capacity": resources, "allocatable": resources, "conditions": conditions, "nodeInfo": info}
    return _object(source, "Node", "v1", name) | {"status": status}


def _pod(source: random.Random, name: str) -> Json:
    app = name.partition("-")[0]
    image = f"{_ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/{app}:1.4.{source.randrange(20)}"
    container = {
        "name": "app",
        "image": image,
        "env": [{"name": "DB_HOST", "value": f"{app}-db.shop.svc"}, {"name": "LOG", "value": "info"}],
        "resources": {"limits": {"memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}},
        "volumeMounts": [{"name": "token-volume", "readOnly": True, "mountPath": "/var/run/serviceaccount"}],
        "securityContext": {"runAsNonRoot": True, "readOnlyRootFilesystem": True},
    }
    status = {
        "phase": "Running",
        "podIP": f"10.0.{source.randrange(255)}.{source.randrange(255)}",
        "conditions": _conditions(source, ("PodScheduled", "Initialized", "ContainersReady", "Ready")),
        "containerStatuses": [
            {
                "name": "app",
                "ready": True,
                "restartCount": source.randrange(3),
                "image": image,
                "containerID": _hash(source),
            }
        ],
    }
    pod = _object(source, "Pod", "v1", name)
    pod["metadata"]["labels"] = {"app": app, "app.kubernetes.io/name": app, "pod-template-hash": "5d4f8c7b9"}
    return pod | {"spec": {"containers": [container], "serviceAccountName": app}, "status": status}


def _hash(source: random.Random) -> str:
    return f"containerd://{source.getrandbits(256):064x}"


def _endpoint_slice(source: random.Random, name: str) -> Json:
    endpoints = [
        {"addresses": [f"10.0.11.{source.randrange(255)}"], "conditions": {"ready": True}, "nodeName": "ip-10-0-11-7"}
        for _ in range(4)
    ]
    ports = [{"name": "http", "port": 8080, "protocol": "TCP"}]
    return _object(source, "EndpointSlice", "discovery.k8s.io/v1", name) | {"endpoints": endpoints, "ports": ports}


def _deployment(source: random.Random, name: str) -> Json:
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "app", "image": f"{name}:1.4.2"}]},
    }
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": name}}, "template": template, "strategy": strategy}
    conditions = _conditions(source, ("Available", "Progressing"))
    status = {"replicas": 3, "updatedReplicas": source.randrange(4), "conditions": conditions}
    deployment = _object(source, "Deployment", "apps/v1", name)
    deployment["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": str(source.randrange(40))}
    return deployment | {"spec": spec, "status": status}


def _kubernetes_event(source: random.Random, name: str) -> Json:
    about = {"kind": "Pod", "namespace": "shop", "name": name.partition(".")[0], "uid": uid(source)}
    said = {"reason": "Started", "message": "Started container app", "type": "Normal", "count": source.randrange(1, 9)}
    return _object(source, "Event", "v1", name) | {"involvedObject": about, "source": {"component": "kubelet"}} | said


def _application(source: random.Random, name: str) -> Json:
    spec = {
        "project": "shop",
        "source": {"repoURL": "https://git.example.com/shop/deploy", "path": name, "targetRevision": "main"},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
        "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
    }
    resources = [
        {"kind": kind, "name": name, "status": "Synced", "version": "v1"} for kind in ("Service", "Deployment")
    ]
    sync = {"status": "Synced", "revision": f"{source.getrandbits(160):040x}"}
    status = {"resources": resources, "sync": sync, "health": {"status": "Healthy"}, "reconciledAt": time(source)}
    return _object(source, "Application", "argoproj.io/v1alpha1", name) | {"spec": spec, "status": status}
