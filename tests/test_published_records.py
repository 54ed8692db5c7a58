"""Every published record goes through the function into the real index: none refused, each found by its id."""

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import OpenSearch

from forwarder.sources import control_plane_stream
from local.lambda_runtime import TREE, LambdaRuntime
from local.rig import Rig
from tests.payloads import STREAMS, answer, envelope, lambda_event

CORPUS = TREE.parent / "shared" / "corpus"
INDEX = "eks-control-plane-logs-published"
STREAM_OF_FILE = (
    ("audit/", STREAMS["audit"]),
    ("authenticator/", STREAMS["authenticator"]),
    ("klog/kube-apiserver", STREAMS["api"]),
    ("klog/kube-scheduler", STREAMS["scheduler"]),
    ("klog/", STREAMS["controllerManager"]),
)

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the folder of published records is not beside this tree")


def record_files() -> list[Path]:
    return sorted(path for folder in ("audit", "authenticator", "klog") for path in (CORPUS / folder).glob("*"))


def stream_of(path: Path) -> str:
    name = str(path.relative_to(CORPUS))
    return next(stream for beginning, stream in STREAM_OF_FILE if name.startswith(beginning))


def event_of(path: Path) -> tuple[list[str], dict[str, Any]]:
    messages = path.read_text().splitlines()
    ids = [f"{path.stem}-{position}" for position in range(len(messages))]
    events = [
        {"id": event_id, "timestamp": 1_795_165_951_123, "message": message}
        for event_id, message in zip(ids, messages, strict=True)
    ]
    return ids, lambda_event(envelope([], stream_of(path), logEvents=events))


@pytest.fixture(scope="module")
def function(prepared: Rig) -> Iterator[LambdaRuntime]:
    with prepared.lambda_runtime({"INDEX_NAME": INDEX}) as runtime:
        yield runtime


@pytest.mark.parametrize("path", record_files(), ids=lambda path: path.name)
def test_every_record_is_stored_and_found(function: LambdaRuntime, server: OpenSearch, path: Path) -> None:
    ids, event = event_of(path)
    assert function.invoke(event).payload == answer(len(ids), len(ids))
    server.indices.refresh(index=INDEX)
    query = {"terms": {"@id": ids}}
    hits = server.search(index=INDEX, body={"size": 1000, "query": query, "_source": ["@id", "parse_error"]})["hits"]
    assert sorted(hit["_source"]["@id"] for hit in hits["hits"]) == sorted(ids)
    assert [hit["_source"] for hit in hits["hits"] if "parse_error" in hit["_source"]] == []


@pytest.mark.parametrize(
    "name", ["aws-lambda-go_cloudwatch-logs-event", "powertools_cloudWatchLogEventWithPolicyLevel"]
)
def test_published_subscription_events_are_read(function: LambdaRuntime, name: str) -> None:
    answer = function.invoke((CORPUS / "cwl-events" / f"{name}.json").read_bytes()).payload
    # The two share their made-up ids, so whichever comes second is there already.
    assert answer["records"] == answer["stored"] + answer["duplicate"] > 0


def test_a_published_event_without_ids_is_stored_once(function: LambdaRuntime) -> None:
    event = (CORPUS / "cwl-events" / "datadog_rds_enhanced_monitoring_awslogs.json").read_bytes()
    assert function.invoke(event).payload == answer(1, 1)
    assert function.invoke(event).payload == answer(1, 0, 1)


def test_the_published_control_message_has_nothing_to_do(function: LambdaRuntime) -> None:
    data = json.loads((CORPUS / "cwl-events" / "dynatrace_control_message_data_string.json").read_text())
    assert json.loads(gzip.decompress(base64.b64decode(data)))["messageType"] == "CONTROL_MESSAGE"
    assert function.invoke({"awslogs": {"data": data}}).payload == answer(0, 0)


def test_published_stream_names_are_all_known() -> None:
    names = (CORPUS / "log-streams" / "eks-log-stream-names.log").read_text().split()
    assert [name for name in names if control_plane_stream(name)[0] == "unknown"] == []
