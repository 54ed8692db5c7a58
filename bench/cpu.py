"""CPU of a batch, by stage, beside a floor: what nobody can do without, in the fastest libraries."""

import base64
import gc
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import orjson
from requests import PreparedRequest, Request
from requests_aws4auth import AWS4Auth

from bench.payloads import Payload
from forwarder.deflate import gzip, inflater
from forwarder.delivery.backoff import deadline_in
from forwarder.delivery.bulk import BulkAnswer, BulkRequest, Limits, pack
from forwarder.delivery.client import Signature
from forwarder.delivery.sender import Sender
from forwarder.formats.audit.reader import AuditReader
from forwarder.index_names import Index
from forwarder.json_values import JsonObject
from forwarder.pipeline import documents_of
from forwarder.redaction import default_redactor
from forwarder.subscription import read_subscription

RUNS = 7
LIMIT = 64_000_000
INDEX = Index("eks-control-plane-logs")
_MILLISECONDS = 1000
_MINUTE = 60_000
# The fastest that writes a JSON string with many quotes in it.
_ENCODE = msgspec.json.Encoder().encode
_ACTION = orjson.dumps({"create": {"_index": INDEX.name, "_id": "0" * 56}})
_CREATED: JsonObject = {"create": {"status": 201}}


@dataclass(frozen=True)
class Cost:
    """What a payload costs; times are medians of RUNS, in ms of CPU.

    Attributes:
        payload: Which one.
        ours: From the event to the last answer of a server that answers at once.
        floor: base64, inflate, parse the envelope and every record that is JSON, serialise and compress the records.
        floor_of_sent: the same, but serialise and compress the documents that are sent.
        bulk_bytes: What is sent, uncompressed.
        sent_bytes: And compressed.
    """

    payload: Payload
    ours: float
    floor: float
    floor_of_sent: float
    bulk_bytes: int
    sent_bytes: int


class Sink:
    """A server that stores everything at once: what is left is the function's own work."""

    def __init__(self) -> None:
        self.bulk_bytes = 0
        self.sent_bytes = 0

    def bulk(self, body: bytes, longest_wait: float) -> BulkAnswer:
        """Compress and sign as the client does; `longest_wait` is not needed."""
        compressed = gzip(body)
        sign(compressed)
        self.bulk_bytes += len(body)
        self.sent_bytes += len(compressed) if longest_wait else 0
        return BulkAnswer(200, {"errors": False, "items": [_CREATED] * _documents_in(body)})


# What the server does is not measured, nor is counting what it would.
_COUNTED: dict[tuple[bytes, int], int] = {}


def _documents_in(body: bytes) -> int:
    """How many documents a request has; counted once for each that begins so and is so long."""
    key = (body[:200], len(body))
    if key not in _COUNTED:
        _COUNTED[key] = body.count(b"\n") // 2
    return _COUNTED[key]


_SIGNATURE = Signature(AWS4Auth("ASIAEXAMPLE", "not-a-secret", "eu-west-1", "es", session_token="not-a-token"))  # noqa: S106


def sign(compressed: bytes) -> PreparedRequest:
    """A signed request, not sent."""
    url = "https://search-logs.eu-west-1.es.amazonaws.com/_bulk"
    return _SIGNATURE(Request("POST", url, data=compressed, headers={"content-encoding": "gzip"}).prepare())


def deliver(payload: Payload) -> Sink:
    """The function's whole work on a payload, with a server that takes no time."""
    sink = Sink()
    documents = documents_of(read_subscription(payload.event, LIMIT))
    delivery = Sender(sink, INDEX, Limits(2_000_000, 3, 30), deadline_in(_MINUTE)).deliver(documents)
    if delivery.unstored:
        raise RuntimeError("the sink takes everything; a document it did not take is a mistake of the benchmark")
    return sink


def floor(payload: Payload) -> int:
    """What has to be done whatever the product: decode, parse, serialise, compress."""
    return len(gzip(b"\n".join(map(orjson.dumps, _parsed(payload)))))


def floor_of_sent(payload: Payload, sources: list[JsonObject]) -> int:
    """The same for who has to send these documents, and got them for nothing."""
    deque(_parsed(payload), maxlen=0)
    return len(gzip(b"\n".join(line for source in sources for line in (_ACTION, _ENCODE(source)))))


def _parsed(payload: Payload) -> Iterator[object]:
    message = orjson.loads(inflater().decompress(base64.b64decode(payload.data), LIMIT))
    records = (event["message"] for event in message["logEvents"])
    return (orjson.loads(record) if record.startswith("{") else record for record in records)


def cost(payload: Payload) -> Cost:
    """Measure a payload; the two are run in turn, so that a busy machine is as busy for both."""
    sink = deliver(payload)
    sources = [document.source for document in documents_of(read_subscription(payload.event, LIMIT))]
    work = (lambda: deliver(payload), lambda: floor(payload), lambda: floor_of_sent(payload, sources))
    runs = [[cpu_milliseconds(each) for each in work] for _ in range(RUNS)]
    ours, least, of_sent = (statistics.median(column) for column in zip(*runs, strict=True))
    return Cost(payload, ours, least, of_sent, sink.bulk_bytes, sink.sent_bytes)


def cpu_milliseconds(work: Callable[[], object]) -> float:
    """CPU time of the process while it works, all threads together."""
    gc.collect()
    start = time.process_time()
    work()
    return (time.process_time() - start) * _MILLISECONDS


def stages(payload: Payload) -> dict[str, float]:
    """Milliseconds of CPU of each stage alone, medians of RUNS, in the order of the flow."""
    batch = read_subscription(payload.event, LIMIT)
    records = [event.message for event in batch.events]
    documents = list(documents_of(batch))
    requests = list(pack(documents, INDEX, 2_000_000))
    compressed = [gzip(request.body) for request in requests]
    work: dict[str, Callable[[], object]] = {
        "decode and envelope": lambda: read_subscription(payload.event, LIMIT),
        "documents": lambda: list(documents_of(batch)),
        "· of which redaction": lambda: list(default_redactor().redact_each(records)),
        "· of which reading": lambda: _read(records),
        "encode": lambda: list(pack(documents, INDEX, 2_000_000)),
        "compress": lambda: [gzip(request.body) for request in requests],
        "sign": lambda: [sign(body) for body in compressed],
    }
    return {name: statistics.median(cpu_milliseconds(stage) for _ in range(RUNS)) for name, stage in work.items()}


def _read(records: list[str]) -> None:
    reader = AuditReader()
    for record in records:
        reader.read(record)


_PEAK = """
import gc, re, sys
from pathlib import Path
from bench.cpu import deliver
from bench.payloads import payload
gc.freeze(); gc.set_threshold(100_000)  # as in forwarder.runtime
made = payload("audit", int(sys.argv[1]))
deliver(made)
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def peak_megabytes(records: int) -> float:
    """Resident memory in MB, at its peak, of a process of its own that makes and delivers so many audit events."""
    tree = Path(__file__).parent.parent
    run = subprocess.run(  # noqa: S603 - our own interpreter and script; no shell
        [sys.executable, "-c", _PEAK, str(records)],
        env={"PYTHONPATH": f"{tree / 'src'}:{tree}"},
        stdout=subprocess.PIPE,
        check=True,
    )
    return int(run.stdout) / 1024


def requests_of(payload: Payload) -> list[BulkRequest]:
    """What is sent for a payload."""
    return list(pack(documents_of(read_subscription(payload.event, LIMIT)), INDEX, 2_000_000))
