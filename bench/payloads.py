"""Payloads as CloudWatch Logs sends them, of any size, composed after the shapes that an EKS cluster writes."""

import base64
import json
import random
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass

# CloudWatch Logs gives ids of 56 digits.
_FIRST_ID = 39 * 10**54
_IDS_OF_A_SEED = 10**6
TIMESTAMP = 1_795_165_951_123  # 2026-11-20T09:12:31.123Z

_NAMES = ("checkout", "catalog", "carts", "orders", "assets", "payments", "search", "ui")
_NODES = tuple(f"ip-10-0-{third}-{fourth}.eu-west-1.compute.internal" for third in (11, 12, 13) for fourth in (7, 81))
_KUBELET = "kubelet/v1.31.4 (linux/arm64) kubernetes/a1b2c3d"
_CONTROLLER = "kube-controller-manager/v1.31.4 (linux/arm64) kubernetes/a1b2c3d/system:serviceaccount"
_STREAM_OF = {
    "audit": "kube-apiserver-audit-0123456789abcdef0123456789abcdef",
    "audit-metadata": "kube-apiserver-audit-0123456789abcdef0123456789abcdef",
    "api": "kube-apiserver-0123456789abcdef0123456789abcdef",
    "authenticator": "authenticator-0123456789abcdef0123456789abcdef",
    "controllerManager": "kube-controller-manager-0123456789abcdef0123456789abcdef",
    "scheduler": "kube-scheduler-0123456789abcdef0123456789abcdef",
}
KINDS = tuple(_STREAM_OF)


@dataclass(frozen=True)
class Payload:
    """A Lambda event's `awslogs.data`, and what is in it.

    Attributes:
        kind: One of KINDS.
        records: How many.
        data: base64 of gzip of the JSON.
        json_bytes: How large that JSON is.
    """

    kind: str
    records: int
    data: str
    json_bytes: int

    @property
    def event(self) -> dict[str, dict[str, str]]:
        """What Lambda hands to the function."""
        return {"awslogs": {"data": self.data}}


def payload(kind: str, records: int, seed: int = 7) -> Payload:
    """A payload of so many records of a kind; the same arguments give the same payload, another seed other records."""
    source = random.Random(f"{kind}-{seed}")  # noqa: S311 - it has to be the same every time
    write = _WRITERS[kind]
    return _encoded(kind, [write(source) for _ in range(records)], _FIRST_ID + seed * _IDS_OF_A_SEED)


def one_large_record(size: int) -> Payload:
    """One audit event of about `size` bytes: the list of a namespace's config maps."""
    source = random.Random(size)  # noqa: S311 - it has to be the same every time
    event = json.loads(_audit_with_body(source))
    item = {"metadata": {"name": "settings", "namespace": "shop"}, "data": {"key": "a line of a file\n" * 8}}
    event["responseObject"] = {"kind": "ConfigMapList", "items": [item] * (size // len(json.dumps(item)))}
    return _encoded("audit", [_json(event)], _FIRST_ID)


def _encoded(kind: str, messages: list[str], first_id: int) -> Payload:
    events = [
        {"id": str(first_id + position), "timestamp": TIMESTAMP + position, "message": message}
        for position, message in enumerate(messages)
    ]
    text = _json(
        {
            "messageType": "DATA_MESSAGE",
            "owner": "111122223333",
            "logGroup": "/aws/eks/shop/cluster",
            "logStream": _STREAM_OF[kind],
            "subscriptionFilters": ["eks-control-plane-logs"],
            "logEvents": events,
        }
    ).encode()
    packer = zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    compressed = packer.compress(text) + packer.flush()
    return Payload(kind, len(messages), base64.b64encode(compressed).decode(), len(text))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _audit_event(source: random.Random, *, level: str) -> dict[str, object]:
    name = source.choice(_NAMES)
    verb, resource, group, subresource = source.choice(_CALLS)
    username, agent = source.choice(_USERS)
    path = f"/apis/{group}/v1" if group else "/api/v1"
    code = source.choices((200, 201, 404, 403, 409), (90, 5, 3, 1, 1))[0]
    received = f"2026-11-20T09:{source.randrange(60):02}:{source.randrange(60):02}.{source.randrange(10**6):06}Z"
    ref = {
        "resource": resource,
        "namespace": "shop",
        "name": f"{name}-{source.randrange(16**5):05x}",
        "uid": _uid(source),
        "apiGroup": group,
        "apiVersion": "v1",
        "resourceVersion": str(source.randrange(10**8)),
        "subresource": subresource,
    }
    uri = f"{path}/namespaces/shop/{resource}/{ref['name']}" + (f"/{subresource}" if subresource else "")
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": level,
        "auditID": _uid(source),
        "stage": "ResponseComplete",
        "requestURI": f"{uri}?timeout={source.randrange(30)}s",
        "verb": verb,
        "user": _user(source, username),
        "sourceIPs": [f"10.0.{source.randrange(255)}.{source.randrange(255)}"],
        "userAgent": agent,
        "objectRef": {key: value for key, value in ref.items() if value},
        "responseStatus": {"metadata": {}, "code": code},
        "requestReceivedTimestamp": received,
        "stageTimestamp": received,
        "annotations": {
            "authorization.k8s.io/decision": "forbid" if code == 403 else "allow",  # noqa: PLR2004 - forbidden
            "authorization.k8s.io/reason": 'RBAC: allowed by ClusterRoleBinding "eks:nodes" of ClusterRole "eks:nodes"',
        },
    }


_CALLS = (
    ("update", "leases", "coordination.k8s.io", None),
    ("get", "leases", "coordination.k8s.io", None),
    ("patch", "nodes", "", "status"),
    ("patch", "pods", "", "status"),
    ("get", "pods", "", None),
    ("watch", "configmaps", "", None),
    ("create", "events", "", None),
    ("update", "endpointslices", "discovery.k8s.io", None),
    ("update", "deployments", "apps", "status"),
    ("get", "configmaps", "", None),
)
_USERS = (
    *((f"system:node:{node}", _KUBELET) for node in _NODES),
    ("system:kube-controller-manager", _CONTROLLER),
    ("system:serviceaccount:kube-system:replicaset-controller", _CONTROLLER),
    ("system:serviceaccount:shop:deployer", "argocd-application-controller/v2.13.1"),
    ("ada", "kubectl/v1.31.4 (darwin/arm64) kubernetes/a1b2c3d"),
)


def _uid(source: random.Random) -> str:
    return str(uuid.UUID(int=source.getrandbits(128), version=4))


def _user(source: random.Random, username: str) -> dict[str, object]:
    if username.startswith("system:serviceaccount"):
        namespace = username.split(":")[2]
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
        extra = {"authentication.kubernetes.io/credential-id": [f"JTI={_uid(source)}"]}
        return {"username": username, "uid": _uid(source), "groups": groups, "extra": extra}
    session = f"arn:aws:sts::111122223333:assumed-role/shop-nodes/i-{source.getrandbits(64):016x}"
    return {
        "username": username,
        "uid": "aws-iam-authenticator:111122223333:AROAEXAMPLEEXAMPLE",
        "groups": ["system:bootstrappers", "system:nodes", "system:authenticated"],
        "extra": {
            "accessKeyId": [f"ASIA{source.getrandbits(80):020X}"[:20]],
            "arn": [session],
            "canonicalArn": ["arn:aws:iam::111122223333:role/shop-nodes"],
            "principalId": ["AROAEXAMPLEEXAMPLE"],
            "sessionName": [session.rpartition("/")[2]],
        },
    }


def _audit_metadata(source: random.Random) -> str:
    return _json(_audit_event(source, level="Metadata"))


def _audit_with_body(source: random.Random) -> str:
    event = _audit_event(source, level="RequestResponse")
    event["requestObject"] = {"status": _pod_status(source)}
    event["responseObject"] = _pod(source)
    return _json(event)


def _audit(source: random.Random) -> str:
    """As a cluster writes them: most without bodies."""
    return _audit_with_body(source) if source.random() < 0.15 else _audit_metadata(source)  # noqa: PLR2004 - 3 of 20


def _pod_status(source: random.Random) -> dict[str, object]:
    time = f"2026-11-20T09:{source.randrange(60):02}:{source.randrange(60):02}Z"
    conditions = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    return {
        "phase": "Running",
        "podIP": f"10.0.{source.randrange(255)}.{source.randrange(255)}",
        "hostIP": f"10.0.{source.randrange(255)}.{source.randrange(255)}",
        "startTime": time,
        "conditions": [
            {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": time} for kind in conditions
        ],
        "containerStatuses": [
            {
                "name": "app",
                "ready": True,
                "started": True,
                "restartCount": source.randrange(3),
                "image": "public.ecr.aws/shop/catalog:1.4.2",
                "imageID": f"public.ecr.aws/shop/catalog@sha256:{source.getrandbits(256):064x}",
                "containerID": f"containerd://{source.getrandbits(256):064x}",
                "state": {"running": {"startedAt": time}},
            }
        ],
    }


def _pod(source: random.Random) -> dict[str, object]:
    name = f"{source.choice(_NAMES)}-{source.randrange(16**9):09x}-{source.randrange(16**5):05x}"
    managed: dict[str, object] = {
        "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
        "f:spec": {"f:containers": {'k:{"name":"app"}': {}}},
    }
    mounts = [{"name": "token-volume", "readOnly": True, "mountPath": "/var/run/serviceaccount"}]
    limits = {"limits": {"cpu": "500m", "memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": _uid(source),
            "resourceVersion": str(source.randrange(10**8)),
            "labels": {"app": "catalog", "app.kubernetes.io/name": "catalog", "pod-template-hash": "5d4f8c7b9"},
            "managedFields": [{"manager": "kubelet", "operation": "Update", "fieldsV1": managed}],
        },
        "spec": {
            "containers": [
                {
                    "name": "app",
                    "image": "public.ecr.aws/shop/catalog:1.4.2",
                    "env": [{"name": "DB_HOST", "value": "catalog-db.shop.svc"}, {"name": "LOG", "value": "info"}],
                    "resources": limits,
                    "volumeMounts": mounts,
                    "securityContext": {"runAsNonRoot": True, "readOnlyRootFilesystem": True},
                }
            ],
            "serviceAccountName": "catalog",
            "nodeName": source.choice(_NODES),
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300}],
        },
        "status": _pod_status(source),
    }


def _klog_header(source: random.Random, file: str) -> str:
    clock = f"09:{source.randrange(60):02}:{source.randrange(60):02}.{source.randrange(10**6):06}"
    return f"{source.choices('IWE', (90, 7, 3))[0]}1120 {clock}      11 {file}:{source.randrange(1000)}]"


def _api(source: random.Random) -> str:
    header = _klog_header(source, "httplog.go")
    uri = f"/api/v1/namespaces/shop/pods/{source.choice(_NAMES)}-{source.randrange(16**5):05x}"
    return (
        f'{header} "HTTP" verb="GET" URI="{uri}" latency="{source.random() * 100:.6f}ms" userAgent="{_KUBELET}" '
        f'audit-ID="{_uid(source)}" srcIP="10.0.1.7:{source.randrange(65535)}" resp=200'
    )


def _controller_manager(source: random.Random) -> str:
    header = _klog_header(source, "replica_set.go")
    name = source.choice(_NAMES)
    return f'{header} "Finished syncing" kind="ReplicaSet" key="shop/{name}" duration="{source.random():.6f}ms"'


def _scheduler(source: random.Random) -> str:
    header = _klog_header(source, "schedule_one.go")
    pod = f"shop/{source.choice(_NAMES)}-{source.randrange(16**5):05x}"
    return (
        f'{header} "Successfully bound pod to node" pod="{pod}" node="{source.choice(_NODES)}" '
        "evaluatedNodes=6 feasibleNodes=4"
    )


def _authenticator(source: random.Random) -> str:
    arn = "arn:aws:iam::111122223333:role/shop-nodes"
    time = f"2026-11-20T09:{source.randrange(60):02}:{source.randrange(60):02}Z"
    return (
        f'time="{time}" level=info msg="access granted" arn="{arn}" client="127.0.0.1:{source.randrange(65535)}" '
        'groups="[system:bootstrappers system:nodes]" method=POST path=/authenticate '
        f'uid="aws-iam-authenticator:111122223333:AROAEXAMPLEEXAMPLE" username="system:node:{source.choice(_NODES)}"'
    )


_WRITERS: dict[str, Callable[[random.Random], str]] = {
    "audit": _audit,
    "audit-metadata": _audit_metadata,
    "api": _api,
    "authenticator": _authenticator,
    "controllerManager": _controller_manager,
    "scheduler": _scheduler,
}
