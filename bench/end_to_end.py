"""Into a real OpenSearch: the function's delivery beside what the function that people copy today does.

The baseline, as that function: one uncompressed request of everything, op `index`, JSON merged at the root, into an
index without a template. Both go through the same endpoint, in turn, each into an index of its own: one that has the
records of the runs before, new ones each time, as in operation; and a new one, as after each rotation. How large the
indices are is told of the records that both have: the baseline loses the largest.
"""

import base64
import json
import statistics
import time
import zlib
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
import requests
from opensearchpy import OpenSearch
from requests_aws4auth import AWS4Auth

from bench.cpu import LIMIT, requests_of
from bench.payloads import AUDIT, Payload, payload
from forwarder.deflate import gzip
from forwarder.delivery.backoff import deadline_in
from forwarder.delivery.bulk import Limits
from forwarder.delivery.client import OpenSearchClient, Signature
from forwarder.delivery.sender import Sender
from forwarder.index_names import Index
from forwarder.pipeline import documents_of
from forwarder.subscription import read_subscription
from local.forwarding import master_client
from local.operators_tool import run_setup
from local.rig import Rig, open_rig, tell

OURS = "eks-control-plane-logs-bench"
THEIRS = "baseline-logs"
_MINUTE = 60_000
# The first runs teach the server's Java machine more than they tell of either way.
_WARM_UP = 10
RUNS = 7
_REST = 0.4
_SIZED = 3
_STORED = (200, 201)
_MASTER = ("admin", "admin")
Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """One way of sending the same records.

    Attributes:
        name: Of the way.
        wall: Milliseconds from the event to the last answer, the median of RUNS, into an index in use.
        wall_new: The same into a new index.
        records: How many were sent, in all runs.
        stored: Documents in the index afterwards.
        sent_bytes: Of the requests' bodies of one run, as they went over the wire.
        record_bytes: Of an index in one segment, for each of the records that both ways stored.
    """

    name: str
    wall: float
    wall_new: float
    records: int
    stored: int
    sent_bytes: int
    record_bytes: float


@dataclass(frozen=True)
class _Ground:
    """Where both are measured."""

    rig: Rig
    server: OpenSearch


def end_to_end(kind: str = AUDIT, records: int = 4000) -> tuple[Sent, Sent]:
    """The function's delivery and the baseline's, of so many audit events."""
    with open_rig() as rig:
        run_setup(rig, tell)
        ground = _Ground(rig, master_client(rig))
        ours, theirs = _Ours(ground, OURS), _Theirs(ground, THEIRS)
        for run in range(_WARM_UP + RUNS):
            new = payload(kind, records, seed=run)
            ours.run(new)
            theirs.run(new)
        for run in range(RUNS):
            new = payload(kind, records, seed=_WARM_UP + RUNS + run)
            ours.run_anew(new)
            theirs.run_anew(new)
        our_bytes, their_bytes = _record_bytes(ground, kind, records)
        return ours.sent(our_bytes), theirs.sent(their_bytes)


def _record_bytes(ground: _Ground, kind: str, records: int) -> tuple[float, float]:
    """What a record takes in an index of each, of the records that the baseline stores."""
    ours, theirs = _Ours(ground, f"{OURS}-same"), _Theirs(ground, f"{THEIRS}-same")
    for run in range(_SIZED):
        new = payload(kind, records, seed=_WARM_UP + 2 * RUNS + run)
        theirs.run(new)
        ours.wanted = theirs.stored_ids
        ours.run(new)
    return ours.merged_record_bytes(), theirs.merged_record_bytes()


class _Way:
    """A way of sending, measured again and again."""

    name = ""

    def __init__(self, ground: _Ground, index: str) -> None:
        self._ground = ground
        self._index = index
        self._walls: list[float] = []
        self._walls_new: list[float] = []
        self._records = 0
        self._last: Payload | None = None

    def run(self, new: Payload) -> None:
        """Measure once."""
        self._walls.append(self._timed(new))
        self._records += new.records
        self._last = new

    def run_anew(self, new: Payload) -> None:
        """Measure once, into an index that was not there."""
        used, self._index = self._index, f"{self._index}-new"
        self._ground.server.indices.delete(index=self._index, ignore_unavailable=True)
        self._walls_new.append(self._timed(new))
        self._index = used

    def _timed(self, new: Payload) -> float:
        """Milliseconds, begun when the server has done what the run before left it."""
        time.sleep(_REST)
        start = time.perf_counter()
        self._send(new)
        return (time.perf_counter() - start) * 1000

    def _send(self, new: Payload) -> None:
        """Send everything and wait for the answer."""
        raise NotImplementedError

    def _bytes_sent(self, last: Payload) -> int:
        """What went over the wire for a payload."""
        raise NotImplementedError

    def sent(self, record_bytes: float) -> Sent:
        """What was measured, and what the index holds now."""
        wall = statistics.median(self._walls[_WARM_UP:])
        sent_bytes = self._bytes_sent(self._last) if self._last else 0
        wall_new = statistics.median(self._walls_new)
        return Sent(self.name, wall, wall_new, self._records, self._stored()["docs"]["count"], sent_bytes, record_bytes)

    def merged_record_bytes(self) -> float:
        """Bytes of the index for each record, in one segment."""
        self._ground.server.indices.forcemerge(index=self._index, max_num_segments=1)
        stored = self._stored()
        size: int = stored["store"]["size_in_bytes"]
        return size / int(stored["docs"]["count"])

    def _stored(self) -> Json:
        indices = self._ground.server.indices
        indices.refresh(index=self._index)
        stored: Json = indices.stats(index=self._index)["_all"]["primaries"]
        return stored


class _Ours(_Way):
    name = "this function"
    wanted: frozenset[str] | None = None

    def __init__(self, ground: _Ground, index: str) -> None:
        super().__init__(ground, index)
        identity = ground.rig.function_identity
        signing = AWS4Auth(
            identity.access_key_id,
            identity.secret_access_key,
            ground.rig.region,
            "es",
            session_token=identity.session_token,
        )
        self._client = OpenSearchClient(ground.rig.edge_url, Signature(signing), str(ground.rig.ca_file))

    def _send(self, new: Payload) -> None:
        documents = documents_of(read_subscription(new.event, LIMIT))
        if (wanted := self.wanted) is not None:
            documents = (document for document in documents if document.document_id in wanted)
        sender = Sender(self._client, Index(self._index), Limits(2_000_000, 3, 30), deadline_in(_MINUTE))
        delivery = sender.deliver(documents)
        if delivery.unstored:
            raise RuntimeError(f"{len(delivery.unstored)} documents are not stored: {delivery.unstored[0].reason}")

    def _bytes_sent(self, last: Payload) -> int:
        return sum(len(gzip(request.body)) for request in requests_of(last))


class _Theirs(_Way):
    name = "the baseline"
    stored_ids: frozenset[str] = frozenset()

    def _send(self, new: Payload) -> None:
        body = self._body(new)
        answer = requests.post(
            f"{self._ground.rig.edge_url}/_bulk",
            data=body,
            headers={"content-type": "application/x-ndjson"},
            auth=_MASTER,
            verify=str(self._ground.rig.ca_file),
            timeout=120,
        )
        answer.raise_for_status()
        results = (item["index"] for item in orjson.loads(answer.content)["items"])
        self.stored_ids = frozenset(result["_id"] for result in results if result["status"] in _STORED)

    def _body(self, new: Payload) -> bytes:
        text = zlib.decompress(base64.b64decode(new.data), zlib.MAX_WBITS | 16)
        message = json.loads(text)
        return b"".join(_baseline_lines(message, self._index))

    def _bytes_sent(self, last: Payload) -> int:
        return len(self._body(last))


def _baseline_lines(message: Json, index: str) -> list[bytes]:
    """What that function sends for the records of a message."""
    lines: list[bytes] = []
    for event in message["logEvents"]:
        record = json.loads(event["message"]) if event["message"].startswith("{") else {}
        source = record | {
            "@id": event["id"],
            "@timestamp": event["timestamp"],
            "@message": event["message"],
            "@owner": message["owner"],
            "@log_group": message["logGroup"],
            "@log_stream": message["logStream"],
        }
        lines.append(orjson.dumps({"index": {"_index": index, "_id": event["id"]}}) + b"\n")
        lines.append(orjson.dumps(source) + b"\n")
    return lines
