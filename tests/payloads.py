"""Subscription events as a test needs them: envelopes around records, encoded as CloudWatch Logs encodes them."""

import base64
import gzip
import json
from typing import Any

from forwarder.subscription import LogBatch, LogEvent

TIMESTAMP = 1_795_165_951_123  # 2026-11-20T09:12:31.123Z
STREAMS = {
    "api": "kube-apiserver-0123456789abcdef",
    "audit": "kube-apiserver-audit-0123456789abcdef",
    "authenticator": "authenticator-0123456789abcdef",
    "controllerManager": "kube-controller-manager-0123456789abcdef",
    "scheduler": "kube-scheduler-0123456789abcdef",
}


def envelope(messages: list[str], log_stream: str, **changes: Any) -> dict[str, Any]:
    """The JSON of a DATA_MESSAGE with these records; `changes` replace members."""
    events = [
        {"id": f"{log_stream}-{position}", "timestamp": TIMESTAMP + position, "message": message}
        for position, message in enumerate(messages)
    ]
    return {
        "messageType": "DATA_MESSAGE",
        "owner": "111122223333",
        "logGroup": "/aws/eks/shop-test/cluster",
        "logStream": log_stream,
        "subscriptionFilters": ["eks-control-plane-logs"],
        "logEvents": events,
        **changes,
    }


def lambda_event(message: object) -> dict[str, Any]:
    """What Lambda hands to the function for such JSON."""
    return wrapped(gzip.compress(json.dumps(message).encode()))


def wrapped(compressed: bytes) -> dict[str, Any]:
    """The Lambda event around compressed bytes."""
    return {"awslogs": {"data": base64.b64encode(compressed).decode()}}


def answer(records: int, stored: int, duplicate: int = 0, dead_letters: int = 0) -> dict[str, int]:
    """What the function answers."""
    return {"records": records, "stored": stored, "duplicate": duplicate, "dead_letters": dead_letters}


def batch(messages: list[str], log_stream: str) -> LogBatch:
    """A LogBatch of these records."""
    events = tuple(LogEvent(f"id-{position}", TIMESTAMP, message) for position, message in enumerate(messages))
    return LogBatch("111122223333", "/aws/eks/shop-test/cluster", log_stream, events)
