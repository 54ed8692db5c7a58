"""Audit records as a busy cluster writes them: enough chance in them that gzip makes a ninth or a tenth of them."""

import random
from itertools import count
from typing import Any
from uuid import UUID

from local.faults import audit_record

NAMES = ("cart", "checkout", "payment", "inventory", "search", "frontend", "mailer", "ledger")
NAMESPACES = ("shop", "shop-staging", "kube-system", "monitoring", "team-a", "team-b")
AGENTS = ("kubectl/v1.33.0 (linux/amd64)", "kube-controller-manager/v1.33.1", "argocd-application-controller/v3.0.2")
VERBS = ("create", "update", "patch", "get", "list", "delete")


def busy_records(total_bytes: int, seed: int) -> list[str]:
    """Records of some 4 kB with bodies, together at least so many bytes; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - a test's data, no secret
    records: list[str] = []
    size = 0
    for number in count():
        if size >= total_bytes:
            break
        records.append(_record(number, chance))
        size += len(records[-1])
    return records


def _record(number: int, chance: random.Random) -> str:
    namespace = chance.choice(NAMESPACES)
    name = f"{chance.choice(NAMES)}-{chance.randrange(16**9):09x}-{chance.randrange(16**5):05x}"
    return audit_record(
        number,
        auditID=str(UUID(int=chance.getrandbits(128))),
        level="RequestResponse",
        stage="ResponseComplete",
        verb=chance.choice(VERBS),
        requestURI=f"/api/v1/namespaces/{namespace}/pods/{name}",
        userAgent=chance.choice(AGENTS),
        sourceIPs=[f"10.0.{chance.randrange(256)}.{chance.randrange(256)}"],
        objectRef={"resource": "pods", "namespace": namespace, "name": name, "apiVersion": "v1"},
        responseStatus={"metadata": {}, "code": 200},
        requestObject=_pod(namespace, name, chance),
        responseObject=_pod(namespace, name, chance),
    )


def _pod(namespace: str, name: str, chance: random.Random) -> dict[str, Any]:
    uid = str(UUID(int=chance.getrandbits(128)))
    labels = {"app.kubernetes.io/name": name.partition("-")[0], "pod-template-hash": name.split("-")[1]}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace, "uid": uid, "labels": labels},
        "spec": {
            "containers": [_container(container, chance) for container in ("app", "proxy", "metrics")],
            "serviceAccountName": labels["app.kubernetes.io/name"],
            "nodeName": f"ip-10-0-{chance.randrange(256)}-{chance.randrange(256)}.eu-west-1.compute.internal",
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
        },
    }


def _container(name: str, chance: random.Random) -> dict[str, Any]:
    return {
        "name": name,
        "image": f"111122223333.dkr.ecr.eu-west-1.amazonaws.com/{name}@sha256:{chance.randrange(16**64):064x}",
        "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
        "volumeMounts": [{"name": "kube-api-access", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
        "terminationMessagePath": "/dev/termination-log",
        "imagePullPolicy": "IfNotPresent",
    }
