"""What can go wrong between the function and its servers: faults as data."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from opensearchpy import OpenSearch

from local.fault_proxy import PASS, TOLD_NOBODY, Step
from local.lambda_runtime import LambdaRuntime
from local.proxied_endpoint import ProxiedEndpoint

RECORDS = 60
NO_BUCKET = "no-such-bucket"

_KILL_SECONDS = 20
# Of an invocation, 3 s are for what comes after sending.
_TWO_SECONDS_TO_SEND = {"AWS_LAMBDA_FUNCTION_TIMEOUT": "5"}
_IMPATIENT = {"OPENSEARCH_TIMEOUT_SECONDS": "1"}


@dataclass(frozen=True)
class Scene:
    """Where a fault takes place: an index and a bucket of its own, a proxy before the endpoint, and the function."""

    server: OpenSearch
    index: str
    proxy: ProxiedEndpoint
    function: LambdaRuntime


def untouched(_: Scene) -> AbstractContextManager[None]:
    """Nothing is wrong but what the proxy does."""
    return nullcontext()


def small_records() -> list[str]:
    """Audit events whose documents take a kilobyte and a half; `poisoned` minds none of them."""
    return [audit_record(number) for number in range(RECORDS)]


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        name: Of its index and bucket too.
        steps: What the proxy does.
        environment: Of the function, beside what it gets for every fault.
        refuse_seconds: For how long nobody listens at first.
        is_stranger: Whether the function's role is mapped to nothing.
        meanwhile: What else happens while the event is invoked.
        records: The event's.
        s3_hangs: Whether S3 takes connections and never answers.
    """

    name: str
    steps: tuple[Step, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    refuse_seconds: float = 0
    is_stranger: bool = False
    meanwhile: Callable[[Scene], AbstractContextManager[None]] = untouched
    records: Callable[[], list[str]] = small_records
    s3_hangs: bool = False


def audit_record(number: int, **changes: object) -> str:
    """A record of an audit log; `changes` replace members."""
    event = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": f"00000000-0000-4000-8000-{number:012}",
        "stage": "RequestReceived",
        "verb": "get",
        "user": {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]},
        "sourceIPs": ["192.0.2.17"],
        "userAgent": "kubectl/v1.33.0 (linux/amd64) kubernetes/0000000 " + "x" * 400,
        "objectRef": {"resource": "pods", "namespace": "shop", "name": f"cart-{number}", "apiVersion": "v1"},
    }
    return json.dumps(event | changes)


_ALLOWED = {"stage": "ResponseComplete", "responseStatus": {"metadata": {}, "code": 200}}
_WITH_URI = {"requestURI": "/api/v1/namespaces/shop/pods/cart"}


def records_with_poison() -> list[str]:
    """Ten that `poisoned` refuses for a field, ten that it refuses for good, and good ones between them."""
    changes: dict[int, dict[str, Any]] = {0: _ALLOWED, 1: _WITH_URI}
    return [audit_record(number, **changes.get(number % 6, {})) for number in range(RECORDS)]


def large_records() -> list[str]:
    """Twenty of 60 kB, one whose slim document passes where the whole one is too large, and one that never passes."""
    sizes = [60_000] * 20 + [600_000, 1_050_000]
    return [audit_record(number, requestObject={"data": "x" * size}) for number, size in enumerate(sizes)]


@contextmanager
def poisoned(scene: Scene) -> Iterator[None]:
    """An index template of somebody else's: no whole document with a requestURI, none with an outcome, slim or not."""
    properties = {"@id": {"type": "keyword"}, "outcome": {"type": "boolean"}, "requestURI": {"type": "long"}}
    mappings = {"dynamic": False, "properties": properties}
    body = {"index_patterns": [scene.index], "priority": 900, "template": {"mappings": mappings}}
    scene.server.indices.put_index_template(name=scene.index, body=body)
    try:
        yield
    finally:
        scene.server.indices.delete_index_template(name=scene.index)


@contextmanager
def read_only(scene: Scene) -> Iterator[None]:
    """The index takes nothing."""
    scene.server.indices.create(index=scene.index)
    scene.server.indices.put_settings(index=scene.index, body={"index.blocks.write": True})
    yield


@contextmanager
def read_only_at_first(scene: Scene) -> Iterator[None]:
    """The index takes nothing for two seconds."""
    lift = {"index": scene.index, "body": {"index.blocks.write": None}}
    with read_only(scene):
        lifted = threading.Timer(2, scene.server.indices.put_settings, kwargs=lift)
        lifted.start()
        yield
        lifted.join()


@contextmanager
def closed_at_first(scene: Scene) -> Iterator[None]:
    """The index is closed for two seconds."""
    scene.server.indices.create(index=scene.index)
    scene.server.indices.close(index=scene.index)
    opened = threading.Timer(2, scene.server.indices.open, kwargs={"index": scene.index})
    opened.start()
    yield
    opened.join()


@contextmanager
def no_more_shards_at_first(scene: Scene) -> Iterator[None]:
    """The cluster is at its limit of shards for two seconds."""
    setting = "cluster.max_shards_per_node"
    scene.server.cluster.put_settings(body={"transient": {setting: 1}})
    lift = {"body": {"transient": {setting: None}}}
    lifted = threading.Timer(2, scene.server.cluster.put_settings, kwargs=lift)
    lifted.start()
    yield
    lifted.join()


@contextmanager
def disk_full_at_first(scene: Scene) -> Iterator[None]:
    """The index has the block of a full disk for two seconds."""
    setting = "index.blocks.read_only_allow_delete"
    scene.server.indices.create(index=scene.index)
    scene.server.indices.put_settings(index=scene.index, body={setting: True})
    lift = {"index": scene.index, "body": {setting: None}}
    lifted = threading.Timer(2, scene.server.indices.put_settings, kwargs=lift)
    lifted.start()
    yield
    lifted.join()


@contextmanager
def pipeline_gone(scene: Scene) -> Iterator[None]:
    """The index wants an ingest pipeline that is not there."""
    scene.server.indices.create(index=scene.index, body={"settings": {"index.default_pipeline": "corp-audit"}})
    yield


@contextmanager
def no_auto_creation(scene: Scene) -> Iterator[None]:
    """The server makes no index of its own accord."""
    setting = "action.auto_create_index"
    scene.server.cluster.put_settings(body={"transient": {setting: "false"}})
    try:
        yield
    finally:
        scene.server.cluster.put_settings(body={"transient": {setting: None}})


@contextmanager
def alias_without_write_index(scene: Scene) -> Iterator[None]:
    """The index's name is an alias of two, and neither is to be written to."""
    indices = [f"{scene.index}-{number}" for number in (1, 2)]
    for index in indices:
        scene.server.indices.create(index=index, body={"aliases": {scene.index: {}}})
    try:
        yield
    finally:
        scene.server.indices.delete(index=",".join(indices))


@contextmanager
def killed(scene: Scene) -> Iterator[None]:
    """The function is killed while OpenSearch has a request that is not answered, and another is not there yet."""
    killer = threading.Thread(target=_kill, args=(scene,))
    killer.start()
    yield
    killer.join()


def _kill(scene: Scene) -> None:
    deadline = time.monotonic() + _KILL_SECONDS
    while time.monotonic() < deadline:
        if TOLD_NOBODY in scene.proxy.output.read_text() and "hang-before" in scene.proxy.requests():
            os.kill(scene.function.process_id, signal.SIGKILL)
            return
        time.sleep(0.02)


FAULTS = (
    Fault("none"),
    Fault("429-whole-request", (Step("429", 4),)),
    Fault("429-with-retry-after", (Step("429-retry-after", 1),)),
    Fault("429-some-items", (Step("429-items", 4),)),
    Fault("503", (Step("503", 3),)),
    Fault("503-for-good-after-2", (Step(PASS, 2), Step("503")), _TWO_SECONDS_TO_SEND),
    Fault("refused-at-first", refuse_seconds=2),
    Fault("refused-for-good", refuse_seconds=600, environment=_TWO_SECONDS_TO_SEND),
    Fault("reset-before-the-bulk", (Step(PASS, 1), Step("reset-before", 2))),
    Fault("reset-after-the-bulk", (Step(PASS, 1), Step("reset-after", 2))),
    Fault("hang", (Step(PASS, 1), Step("hang-before", 1), Step("hang-after", 1)), _IMPATIENT),
    Fault("slow-drip", (Step(PASS, 1), Step("drip", 2)), _IMPATIENT),
    Fault("truncated-answer", (Step(PASS, 1), Step("truncate", 2))),
    Fault("answer-not-json", (Step(PASS, 1), Step("page", 2))),
    Fault("413-above-1-mb", (Step("413"),), {"BULK_BYTES": "2000000"}, records=large_records),
    Fault("403-role-not-mapped", is_stranger=True),
    Fault("403-signature-expired", (Step(PASS, 2), Step("403-expired", 1))),
    Fault("read-only-at-first", meanwhile=read_only_at_first),
    Fault("read-only-for-good", meanwhile=read_only, environment=_TWO_SECONDS_TO_SEND),
    Fault("shard-limit-at-first", meanwhile=no_more_shards_at_first),
    Fault("closed-at-first", meanwhile=closed_at_first),
    Fault("shard-limit-of-the-request", (Step(PASS, 1), Step("400-shard-limit", 2))),
    Fault("disk-full-at-first", meanwhile=disk_full_at_first),
    Fault("403-throttled", (Step(PASS, 1), Step("403-throttled", 2))),
    Fault("400-not-active", (Step(PASS, 1), Step("400-not-active", 2))),
    Fault("429-no-memory", (Step("429-no-memory", 2),)),
    Fault("403-key-lost", (Step("403-key"),)),
    Fault("405", (Step("405"),)),
    Fault("pipeline-gone", meanwhile=pipeline_gone),
    Fault("pipeline-fails", (Step("pipeline"),)),
    Fault("no-auto-creation", meanwhile=no_auto_creation),
    Fault("alias-without-write-index", meanwhile=alias_without_write_index),
    Fault("early-hints", (Step("early-hints"),)),
    Fault("second-answer", (Step(PASS, 1), Step("second-answer", 2))),
    Fault("errors-false-lies", (Step("lie", 3),)),
    Fault("429-huge-retry-after", (Step("429-huge-retry-after", 1),)),
    Fault("poison-documents", meanwhile=poisoned, records=records_with_poison),
    Fault(
        "poison-and-s3-refuses",
        environment={"DEAD_LETTER_BUCKET": NO_BUCKET},
        meanwhile=poisoned,
        records=records_with_poison,
    ),
    Fault(
        "poison-and-s3-hangs",
        environment={"AWS_LAMBDA_FUNCTION_TIMEOUT": "8"},
        meanwhile=poisoned,
        records=records_with_poison,
        s3_hangs=True,
    ),
    Fault(
        "killed-in-a-bulk",
        (Step(PASS, 1), Step("hang-after", 1), Step("hang-before", 1)),
        # Two in flight, both of which hang: a third would pass before the kill, or after it.
        {"OPENSEARCH_TIMEOUT_SECONDS": "10", "BULK_REQUESTS_IN_FLIGHT": "2"},
        meanwhile=killed,
    ),
)
