"""A real server that is too small for what eight functions send at once: it pushes back, and everything is stored."""

import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.distribution import chosen_engine
from local.forwarding import master_client, stored_by_type
from local.lambda_runtime import Invocation
from local.operators_tool import run_setup
from local.rig import NodeOptions, Rig, open_rig, tell
from tests.busy_cluster import busy_records
from tests.payloads import STREAMS, TIMESTAMP, answer, envelope, lambda_event

pytestmark = pytest.mark.opensearch

INDEX = "eks-control-plane-logs-pushed-back"
FUNCTIONS = 8
PAYLOAD_BYTES = 2_500_000
# One thread writes, one task may wait for it, and there is memory for little more than two requests.
SQUEEZED = {
    "node.processors": 1,
    "thread_pool.write.size": 1,
    "thread_pool.write.queue_size": 1,
    "indexing_pressure.memory.limit": "6mb",
}


@pytest.fixture(scope="module")
def squeezed() -> Iterator[Rig]:
    with open_rig(NodeOptions(chosen_engine(os.environ), heap="512m", settings=SQUEEZED)) as opened:
        run_setup(opened, tell)
        yield opened


def payload(number: int) -> tuple[int, dict[str, Any]]:
    """How many records an event has, and the event."""
    records = [
        {"id": f"{number}-{position}", "timestamp": TIMESTAMP + position, "message": message}
        for position, message in enumerate(busy_records(PAYLOAD_BYTES, seed=number))
    ]
    return len(records), lambda_event(envelope([], STREAMS["audit"], logEvents=records))


def forward(rig: Rig, event: dict[str, Any]) -> Invocation:
    with rig.lambda_runtime({"INDEX_NAME": INDEX, "AWS_LAMBDA_FUNCTION_TIMEOUT": "100"}) as function:
        return function.invoke(event)


def log_entry(invocation: Invocation) -> dict[str, Any]:
    *_, line = (line for line in invocation.log.splitlines() if '"level"' in line)
    entry: dict[str, Any] = json.loads(line)
    return entry


def rejections(rig: Rig) -> int:
    """How many tasks and requests the server says it has refused."""
    stats = rig.node.request("GET", "/_nodes/stats/thread_pool,indexing_pressure").json()
    (node,) = stats["nodes"].values()
    total = node["indexing_pressure"]["memory"]["total"]
    refused = sum(number for name, number in total.items() if re.search("_rejections$", name))
    return int(node["thread_pool"]["write"]["rejected"] + refused)


def test_everything_is_stored_once_by_a_server_that_refuses_much(squeezed: Rig) -> None:
    payloads = [payload(number) for number in range(FUNCTIONS)]
    with ThreadPoolExecutor(FUNCTIONS) as threads:
        invocations = list(threads.map(lambda one: forward(squeezed, one[1]), payloads))
    assert [one.payload for one in invocations] == [answer(records, records) for records, _ in payloads]
    server = master_client(squeezed)
    assert stored_by_type(server, INDEX) == {"audit": sum(records for records, _ in payloads)}
    server.close()
    reasons = [reason for one in invocations for reason in log_entry(one).get("pushed_back", [])]
    assert rejections(squeezed) > 0
    assert any(reason.startswith("429: ") for reason in reasons)
