"""One fault at a time: the event is invoked as Lambda does it, and then every record is looked for."""

import base64
import gzip
import json
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from opensearchpy import OpenSearch

from local.asynchronous_invocation import invoke_until_done, on_failure
from local.fault_proxy import PASS
from local.faults import Fault, Scene
from local.forwarding import master_client, subscription_message
from local.lambda_runtime import Invocation, LambdaRuntime
from local.proxied_endpoint import ProxiedEndpoint, open_fault_proxy
from local.rig import Rig
from local.s3 import FailureBucket, S3Server

_BULK_BYTES = "25000"  # six requests for the event
_TIME = 1_795_165_951_123  # ms since 1970: 2026-11-20T09:12:31.123Z


@dataclass(frozen=True)
class Whereabouts:
    """The ids of records, each as often as it is there.

    Attributes:
        indexed: In OpenSearch.
        dead_letters: In S3, refused by OpenSearch.
        kept: In S3, in an event that Lambda keeps.
    """

    indexed: Counter[str]
    dead_letters: Counter[str]
    kept: Counter[str]

    @property
    def only_kept(self) -> set[str]:
        """A part of a kept event may be stored: it will meet its own ids when the event is sent again."""
        return set(self.kept) - set(self.indexed) - set(self.dead_letters)

    def lost(self, sent: Sequence[str]) -> int:
        """How many records are nowhere."""
        return len(set(sent) - set(self.indexed) - set(self.dead_letters) - set(self.kept))

    @property
    def twice(self) -> int:
        """How many records are there more than once, the rest of kept events apart."""
        letters = Counter(dict.fromkeys(self.dead_letters.keys() & self.kept.keys(), 1))
        return sum(count - 1 for count in (self.indexed + self.dead_letters + letters).values())


@dataclass(frozen=True)
class Row:
    """What came of a fault: numbers of records, what the function said, and how long it took.

    Attributes:
        fault: Its name.
        broken: Requests that the proxy did not just pass.
        sent: Records of the event.
        stored: In OpenSearch.
        dead_letters: In S3, refused by OpenSearch.
        kept: Only in an event that Lambda keeps.
        lost: Nowhere.
        twice: More than once.
        attempts: How often the function was invoked.
        said: In its own words; those of an attempt that failed first.
        seconds: For all attempts.
    """

    fault: str
    broken: int
    sent: int
    stored: int
    dead_letters: int
    kept: int
    lost: int
    twice: int
    attempts: int
    said: str
    seconds: float


def run_fault(fault: Fault, rig: Rig, s3: S3Server, folder: Path) -> Row:
    """Let one fault happen and look where the records are.

    Args:
        fault: Which one; once for each rig and S3.
        rig: after `eks-logs apply`.
        s3: For dead letters and kept events.
        folder: An existing one, for the proxy's files.

    Raises:
        RigError: The proxy or the function could not be run.
    """
    index, server, bucket = f"eks-control-plane-logs-fault-{fault.name}", master_client(rig), s3.new_bucket(fault.name)
    identity = rig.stranger_identity if fault.is_stranger else rig.function_identity
    ids, event = event_of(fault)
    try:
        with (
            open_fault_proxy(rig, fault.steps, folder / fault.name, fault.refuse_seconds) as proxy,
            socket.create_server(("127.0.0.1", 0)) as silent,
            rig.lambda_runtime(_environment(fault, index, proxy, s3, silent), identity) as function,
            fault.meanwhile(Scene(server, index, proxy, function)),
        ):
            started = time.monotonic()
            attempts = _invoke(function, bucket, event)
            seconds = time.monotonic() - started
        return _row(fault, ids, _whereabouts(server, index, bucket), (proxy.requests(), attempts, seconds))
    finally:
        server.indices.delete(index=index, ignore_unavailable=True)
        server.close()


def _environment(
    fault: Fault, index: str, proxy: ProxiedEndpoint, s3: S3Server, silent: socket.socket
) -> dict[str, str]:
    return {
        "OPENSEARCH_ENDPOINT": proxy.url,
        "OPENSEARCH_CA_FILE": str(proxy.ca_file),
        "INDEX_NAME": index,
        "BULK_BYTES": _BULK_BYTES,
        "DEAD_LETTER_BUCKET": fault.name,
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{silent.getsockname()[1]}" if fault.s3_hangs else s3.url,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "30",
        **fault.environment,
    }


def _invoke(function: LambdaRuntime, bucket: FailureBucket, event: bytes) -> list[Invocation]:
    """Play Lambda's part."""
    attempts = invoke_until_done(function.invoke, event)
    if (error := attempts[-1].error) is not None:
        kept = on_failure(function.function, event, error, datetime.now(UTC))
        bucket.put(kept.key, kept.content)
    return attempts


def _whereabouts(server: OpenSearch, index: str, bucket: FailureBucket) -> Whereabouts:
    server.indices.refresh(index=index, ignore_unavailable=True)
    body = {"size": 10_000, "_source": ["@id"]}
    hits = server.search(index=index, body=body, ignore_unavailable=True)["hits"]["hits"]
    events = (subscription_message(json.dumps(event).encode()) for event in bucket.failed_events())
    return Whereabouts(
        Counter(hit["_source"]["@id"] for hit in hits),
        Counter(letter["id"] for letter in bucket.dead_letters()),
        Counter(record["id"] for event in events for record in event["logEvents"]),
    )


def _row(
    fault: Fault, sent: Sequence[str], there: Whereabouts, what_happened: tuple[list[str], list[Invocation], float]
) -> Row:
    requests, attempts, seconds = what_happened
    return Row(
        fault=fault.name,
        broken=sum(done != PASS for done in requests),
        sent=len(sent),
        stored=len(there.indexed),
        dead_letters=len(there.dead_letters),
        kept=len(there.only_kept),
        lost=there.lost(sent),
        twice=there.twice,
        attempts=len(attempts),
        said=_said(attempts),
        seconds=seconds,
    )


def _said(attempts: Sequence[Invocation]) -> str:
    last = words_of(attempts[-1])
    return f"{words_of(attempts[0])} Then: {last}" if len(attempts) > 1 and attempts[-1].error is None else last


def words_of(invocation: Invocation) -> str:
    """What the function said of an invocation: its error, else its log's line with reasons and counts."""
    if invocation.error is not None:
        return str(invocation.error["errorMessage"])
    lines = (json.loads(line) for line in invocation.log.splitlines() if line.startswith("{"))
    *_, entry = (line for line in lines if "level" in line)  # a new environment says its version first
    names = ("paused_seconds", "stored", "duplicate", "slim", "unreadable", "dead_letter")
    numbers = (f"{name} {entry[name]}" for name in names if entry.get(name))
    return f"{entry['message']} ({', '.join([*entry.get('pushed_back', []), *numbers])})"


def event_of(fault: Fault) -> tuple[list[str], bytes]:
    """The ids of an event's records, and the event as Lambda hands it to the function."""
    records = [
        {"id": f"{fault.name}-{number}", "timestamp": _TIME + number, "message": message}
        for number, message in enumerate(fault.records())
    ]
    message = {
        "messageType": "DATA_MESSAGE",
        "owner": "111122223333",
        "logGroup": "/aws/eks/shop-test/cluster",
        "logStream": "kube-apiserver-audit-0123456789abcdef",
        "subscriptionFilters": ["eks-control-plane-logs"],
        "logEvents": records,
    }
    data = base64.b64encode(gzip.compress(json.dumps(message).encode())).decode()
    return [str(record["id"]) for record in records], json.dumps({"awslogs": {"data": data}}).encode()
