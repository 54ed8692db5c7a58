"""Forwarding the files of events/ with the function, and counting what arrived."""

import base64
import gzip
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opensearchpy import OpenSearch

from forwarder.sources import source_of
from local.lambda_runtime import TREE, Invocation, LambdaRuntime
from local.rig import Rig

EVENTS = TREE / "events"


@dataclass(frozen=True)
class Forwarded:
    """One event file and what came of it.

    Attributes:
        file: Its name.
        log_type: By its log stream.
        records: How many it holds; none for a control message.
        invocation: What the function answered.
    """

    file: str
    log_type: str
    records: int
    invocation: Invocation

    def said(self, name: str) -> int:
        """A count of the function's answer; 0 where it failed."""
        answer = self.invocation.payload
        return int(answer[name]) if isinstance(answer, Mapping) and name in answer else 0


def forward_events(function: LambdaRuntime) -> list[Forwarded]:
    """Invoke the function with every file of events/, one after the other."""
    return [_forward(function, file) for file in sorted(EVENTS.glob("*.json"))]


def _forward(function: LambdaRuntime, file: Path) -> Forwarded:
    event = file.read_bytes()
    message = subscription_message(event)
    records = len(message["logEvents"]) if message["messageType"] == "DATA_MESSAGE" else 0
    source = source_of(message["logGroup"], message["logStream"])
    return Forwarded(file.name, source.log_type, records, function.invoke(event))


def subscription_message(event: bytes) -> dict[str, Any]:
    """What CloudWatch Logs put into an event, read with the standard library alone."""
    message: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(json.loads(event)["awslogs"]["data"])))
    return message


def sent_by_type(forwarded: list[Forwarded]) -> Counter[str]:
    """Records by log type."""
    records: Counter[str] = Counter()
    for one in forwarded:
        records[one.log_type] += one.records
    return +records


def stored_by_type(server: OpenSearch, index: str) -> Counter[str]:
    """Documents in an index by log type."""
    server.indices.refresh(index=index)
    body = {"size": 0, "aggs": {"types": {"terms": {"field": "log_type", "size": 20}}}}
    answer: dict[str, Any] = server.search(index=index, body=body)
    return Counter({bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["types"]["buckets"]})


def master_client(rig: Rig) -> OpenSearch:
    """A client that asks the server itself, as its master user."""
    return OpenSearch(hosts=[rig.node.url], http_auth=(rig.node.username, rig.node.password))
