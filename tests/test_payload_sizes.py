"""What is as large as CloudWatch Logs and Lambda allow is stored, and there is memory left."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

from opensearchpy import OpenSearch

from local.faults import audit_record
from local.lambda_runtime import LambdaRuntime
from local.rig import Rig
from tests.busy_cluster import busy_records
from tests.payloads import STREAMS, answer, envelope, lambda_event, wrapped

INDEX = "eks-control-plane-logs-sizes"
# A function of 256 MB, the least that the stack allows, without what Lambda's own programs take in it.
LARGEST_MEMORY = 220 * 1024


def peak_memory(function: LambdaRuntime) -> int:
    """The most memory that the function's process ever had, in KiB (proc_pid_status(5))."""
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{function.process_id}/status").read_text())
    assert peak is not None
    return int(peak[1])


def found(server: OpenSearch, query: dict[str, Any]) -> dict[str, Any]:
    """What a query finds; the index is deleted after it."""
    server.indices.refresh(index=INDEX)
    hits: dict[str, Any] = server.search(index=INDEX, body={"query": query, "track_total_hits": True, "size": 1})[
        "hits"
    ]
    server.indices.delete(index=INDEX)
    return hits


def test_the_largest_payload_is_stored_and_fits_into_the_smallest_function(prepared: Rig, server: OpenSearch) -> None:
    records = busy_records(10_000_000, seed=1)
    message = json.dumps(envelope(records, STREAMS["audit"])).encode()
    compressed = gzip.compress(message)
    assert len(message) > 10_000_000
    assert 900_000 < len(compressed) < 1_100_000
    with prepared.lambda_runtime({"INDEX_NAME": INDEX}) as function:
        invocation = function.invoke(wrapped(compressed))
        memory = peak_memory(function)
    assert invocation.payload == answer(len(records), len(records))
    assert found(server, {"match_all": {}})["total"]["value"] == len(records)
    assert memory < LARGEST_MEMORY


def test_a_record_of_a_megabyte_is_stored_and_found(prepared: Rig, server: OpenSearch) -> None:
    whole = audit_record(0, requestObject={"data": "needle " + "0123456789abcdef " * 61_700})
    record = whole[:1_048_576]
    assert len(record) == 1_048_576
    with prepared.lambda_runtime({"INDEX_NAME": INDEX}) as function:
        assert function.invoke(lambda_event(envelope([record], STREAMS["audit"]))).payload == answer(1, 1)
    (hit,) = found(server, {"match": {"@message": "needle"}})["hits"]
    assert hit["_source"]["@message"] == record
