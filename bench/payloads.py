"""Payloads as CloudWatch Logs sends them, of any size, composed after the shapes that an EKS cluster writes."""

import base64
import json
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path

from bench.audit_events import APPS, KUBELET, Cluster, uid

# CloudWatch Logs gives ids of 56 digits.
_FIRST_ID = 39 * 10**54
_IDS_OF_A_SEED = 10**6
TIMESTAMP = 1_795_165_951_123  # 2026-11-20T09:12:31.123Z

_NODES = tuple(f"ip-10-0-{third}-{fourth}.eu-west-1.compute.internal" for third in (11, 12, 13) for fourth in (7, 81))
AUDIT = "audit"
AUDIT_METADATA = "audit, no bodies"
# Each from a cluster of its own: nothing but the words of Kubernetes is said twice.
AUDIT_DIFFERENT = "audit, all different"
# Real events that others published, over and over: where they are beside the tree.
AUDIT_PUBLISHED = "audit, as published"
_PUBLISHED = Path(__file__).parent.parent.parent / "shared" / "corpus" / "audit"
_AUDIT_STREAM = "kube-apiserver-audit-0123456789abcdef0123456789abcdef"
_STREAM_OF = {
    AUDIT: _AUDIT_STREAM,
    AUDIT_METADATA: _AUDIT_STREAM,
    AUDIT_DIFFERENT: _AUDIT_STREAM,
    AUDIT_PUBLISHED: _AUDIT_STREAM,
    "api": "kube-apiserver-0123456789abcdef0123456789abcdef",
    "authenticator": "authenticator-0123456789abcdef0123456789abcdef",
    "controllerManager": "kube-controller-manager-0123456789abcdef0123456789abcdef",
    "scheduler": "kube-scheduler-0123456789abcdef0123456789abcdef",
}
KINDS = tuple(kind for kind in _STREAM_OF if kind != AUDIT_PUBLISHED or _PUBLISHED.exists())


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
    write = _writer(kind, source)
    return encoded(kind, [write() for _ in range(records)], _FIRST_ID + seed * _IDS_OF_A_SEED)


def one_large_record(size: int) -> Payload:
    """One audit event of about `size` bytes: the list of a namespace's config maps."""
    source = random.Random(size)  # noqa: S311 - it has to be the same every time
    event = Cluster(source).event(bodies=False)
    item = {"metadata": {"name": "settings", "namespace": "shop"}, "data": {"key": "a line of a file\n" * 8}}
    event["responseObject"] = {"kind": "ConfigMapList", "items": [item] * (size // len(json.dumps(item)))}
    return encoded("audit", [_json(event)])


def encoded(kind: str, messages: list[str], first_id: int = _FIRST_ID) -> Payload:
    """The records in a payload, under ids that count from the first one's."""
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


def _klog_header(source: random.Random, file: str) -> str:
    clock = f"09:{source.randrange(60):02}:{source.randrange(60):02}.{source.randrange(10**6):06}"
    return f"{source.choices('IWE', (90, 7, 3))[0]}1120 {clock}      11 {file}:{source.randrange(1000)}]"


def _api(source: random.Random) -> str:
    header = _klog_header(source, "httplog.go")
    uri = f"/api/v1/namespaces/shop/pods/{source.choice(APPS)}-{source.randrange(16**5):05x}"
    return (
        f'{header} "HTTP" verb="GET" URI="{uri}" latency="{source.random() * 100:.6f}ms" userAgent="{KUBELET}" '
        f'audit-ID="{uid(source)}" srcIP="10.0.1.7:{source.randrange(65535)}" resp=200'
    )


def _controller_manager(source: random.Random) -> str:
    header = _klog_header(source, "replica_set.go")
    name = source.choice(APPS)
    return f'{header} "Finished syncing" kind="ReplicaSet" key="shop/{name}" duration="{source.random():.6f}ms"'


def _scheduler(source: random.Random) -> str:
    header = _klog_header(source, "schedule_one.go")
    pod = f"shop/{source.choice(APPS)}-{source.randrange(16**5):05x}"
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


_LINES: dict[str, Callable[[random.Random], str]] = {
    "api": _api,
    "authenticator": _authenticator,
    "controllerManager": _controller_manager,
    "scheduler": _scheduler,
}


def _writer(kind: str, source: random.Random) -> Callable[[], str]:
    if kind in _LINES:
        return lambda: _LINES[kind](source)
    if kind == AUDIT_DIFFERENT:
        return lambda: _json(Cluster(source).event(bodies=True))
    if kind == AUDIT_PUBLISHED:
        return partial(next, cycle(_published_records()))
    cluster = Cluster(source)
    return lambda: _json(cluster.event(bodies=kind == AUDIT))


def _published_records() -> list[str]:
    files = sorted(_PUBLISHED.glob("*.jsonl"))
    return [line for file in files for line in file.read_text().splitlines() if line.strip()]
