"""The command `replay`, run as an operator runs it: what the bucket holds, into the real OpenSearch."""

import io
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from opensearchpy import OpenSearch
from rich.console import Console

from eks_logs.errors import NotAllowed, NotReachable
from eks_logs.kept_bucket import KeptBucket
from eks_logs.kept_objects import KeptObject, Kind, kept_object
from eks_logs.replay import Fate, ObjectReader, Replay, Result, check_reachable
from eks_logs.replay_report import Report
from forwarder.bulk import BulkAnswer
from forwarder.dead_letters import Invocation, letters_of
from forwarder.documents import Document, document_of
from forwarder.index_names import Index
from forwarder.outcomes import Outcome, Verdict
from local.child_process import free_port
from local.kept_bucket import S3Server
from local.operators_tool import operator_environment
from local.rig import Identity, Rig
from tests.payloads import STREAMS, envelope, lambda_event

TIME = datetime(2026, 11, 21, 9, 12, 31, tzinfo=UTC)
REGION = "eu-west-1"
NUMBERS = count()


@dataclass(frozen=True)
class Bucket:
    """A bucket of one test, the rig beside it, and an index of the same name."""

    s3: Any
    endpoint: str
    name: str
    rig: Rig

    def put(self, key: str, body: bytes) -> str:
        self.s3.put_object(Bucket=self.name, Key=key, Body=body)
        return key

    def letters(self, *ids: str, index: str = "", time: datetime = TIME) -> str:
        """Put dead letters, as the function writes them."""
        refused = [Outcome(document(name), Verdict.REFUSED, 400, "mapper_parsing_exception") for name in ids]
        made = letters_of(refused, Index(index or self.name), Invocation(f"request-{next(NUMBERS)}", "7", time))
        return self.put(made.key, made.body)

    def event(self, messages: list[str], time: datetime = TIME, **changes: Any) -> str:
        """Put the event of a failed invocation, as Lambda does."""
        record = {
            "version": "1.0",
            "timestamp": f"{time:%Y-%m-%dT%H:%M:%S.000Z}",
            "requestContext": {"requestId": "request-1", "condition": "RetriesExhausted", "approximateInvokeCount": 3},
            "requestPayload": lambda_event(envelope(messages, STREAMS["api"], **changes)),
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": {"errorType": "NotStored", "errorMessage": "3 of 3 documents are not stored"},
        }
        key = f"aws/lambda/async/forwarder/{time:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{next(NUMBERS)}"
        return self.put(key, json.dumps(record).encode())

    def keys(self) -> set[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return {found["Key"] for page in pages for found in page.get("Contents", [])}

    def command(self, *more: str, endpoint: str = "") -> list[str]:
        connection = ["--endpoint", endpoint or self.rig.edge_url, "--ca-file", str(self.rig.ca_file)]
        command = [sys.executable, "-m", "eks_logs", "replay", *connection, "--rotation", "none"]
        return [*command, "--bucket", self.name, "--index", self.name, *more]

    def environment(self) -> dict[str, str]:
        credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        return operator_environment(self.rig) | credentials | {"AWS_ENDPOINT_URL_S3": self.endpoint}

    def replay(self, *more: str, endpoint: str = "", **variables: str) -> "subprocess.CompletedProcess[str]":
        command, environment = self.command(*more, endpoint=endpoint), self.environment() | variables
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def document(name: str, log_type: str = "api") -> Document:
    return document_of(name, {"@id": name, "@timestamp": "2026-11-20T09:12:31.123Z", "log_type": log_type})


def stored(server: OpenSearch, index: str) -> Counter[str]:
    """How often each `@id` is in an index."""
    if not server.indices.exists(index=index):
        return Counter()
    server.indices.refresh(index=index)
    hits = server.search(index=index, body={"size": 1000, "_source": ["@id"]})["hits"]["hits"]
    return Counter(hit["_source"]["@id"] for hit in hits)


@pytest.fixture
def bucket(s3: S3Server, prepared: Rig) -> Bucket:
    kept = s3.new_bucket(f"eks-control-plane-logs-replay-{next(NUMBERS)}")
    return Bucket(s3.client, s3.url, kept.name, prepared)


def test_both_kinds_are_stored_once_and_removed(bucket: Bucket, server: OpenSearch) -> None:
    another = f"{bucket.name}-2026.11.20"
    server.create(index=bucket.name, id="there", body=document("there").source)
    bucket.letters("a", "there")
    bucket.letters("b", index=another)
    bucket.event(["I1120 09:12:31.000000       1 a.go:1] one", "two"])
    bucket.event([], messageType="CONTROL_MESSAGE")
    done = bucket.replay()
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[-1] == "4 objects removed, 0 left; documents: 4 stored, 1 already there, 0 refused"
    assert sum(line.startswith("deleted ") for line in lines) == 4
    assert bucket.keys() == set()
    event_ids = [f"{STREAMS['api']}-0", f"{STREAMS['api']}-1"]
    assert stored(server, bucket.name) == Counter(["there", "a", *event_ids])
    assert stored(server, another) == Counter(["b"])
    assert bucket.replay().stdout == "nothing to replay\n"


def test_kept_objects_are_moved(bucket: Bucket, server: OpenSearch) -> None:
    keys = {bucket.letters("a"), bucket.event(["one"])}
    assert bucket.replay("--keep").returncode == 0
    assert bucket.keys() == {f"replayed/{key}" for key in keys}
    assert stored(server, bucket.name).total() == 2
    assert bucket.replay("--keep").stdout == "nothing to replay\n"


def signing(identity: Identity) -> dict[str, str]:
    """The environment of somebody who signs as this role, and is no user of OpenSearch."""
    return {
        "OPENSEARCH_USERNAME": "",
        "AWS_ACCESS_KEY_ID": identity.access_key_id,
        "AWS_SECRET_ACCESS_KEY": identity.secret_access_key,
        "AWS_SESSION_TOKEN": identity.session_token or "",
    }


def test_the_function_s_own_rights_suffice_and_only_the_period_is_replayed(bucket: Bucket, server: OpenSearch) -> None:
    early = bucket.letters("early", time=TIME - timedelta(days=2))
    late = bucket.event(["late"], time=TIME + timedelta(days=1))
    bucket.letters("a")
    signed = signing(bucket.rig.function_identity)
    period = ("--since", "2026-11-20", "--until", "2026-11-21T12:00Z")
    done = bucket.replay(*period, "--region", bucket.rig.region, **signed)
    assert (done.returncode, done.stderr) == (0, "")
    assert bucket.keys() == {early, late}
    assert stored(server, bucket.name) == Counter(["a"])


def test_a_dry_run_tells_what_there_is_and_touches_nothing(bucket: Bucket, server: OpenSearch) -> None:
    letters, event, broken = bucket.letters("a", "b"), bucket.event(["one"]), bucket.put("notes.txt", b"")
    done = bucket.replay("--dry-run", endpoint=f"https://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert set(done.stdout.splitlines()) == {
        f"would replay {letters}: dead letters, 2 records; 2 refused: mapper_parsing_exception",
        f"would replay {event}: failed event, 1 records; RetriesExhausted: NotStored",
        "left notes.txt: is neither below dead-letters/ nor an event that Lambda kept: not the function's",
    }
    assert bucket.keys() == {letters, event, broken}
    assert stored(server, bucket.name) == Counter()


@pytest.fixture
def refusing(bucket: Bucket, server: OpenSearch) -> Iterator[None]:
    """An index template of somebody else's that refuses every document of log type audit, slim ones too."""
    mappings = {"dynamic": False, "properties": {"log_type": {"type": "boolean"}, "@id": {"type": "keyword"}}}
    body = {"index_patterns": [bucket.name], "priority": 901, "template": {"mappings": mappings}}
    server.indices.put_index_template(name="refusing-replay", body=body)
    yield
    server.indices.delete_index_template(name="refusing-replay")


@pytest.mark.usefixtures("refusing")
def test_what_is_still_refused_or_broken_stays_with_its_reason(bucket: Bucket, server: OpenSearch) -> None:
    refused = bucket.letters("a")
    broken = bucket.put("dead-letters/2026/11/21/000000-broken.ndjson.gz", b"\x1f\x8b\x08")
    foreign = bucket.put("notes\x1b[31m.txt", b"")
    bucket.letters("b", index=f"{bucket.name}-else")
    done = bucket.replay()
    assert (done.returncode, done.stderr) == (1, "")
    assert f"left {refused}: 1 of 1 documents are not stored" in done.stdout
    assert "1 refused (400): mapper_parsing_exception in field [log_type]" in done.stdout
    assert f"left {broken}: is not whole gzip" in done.stdout
    assert "left notes\N{REPLACEMENT CHARACTER}[31m.txt: is neither" in done.stdout
    assert done.stdout.endswith("1 objects removed, 3 left; documents: 1 stored, 0 already there, 1 refused\n")
    assert bucket.keys() == {refused, broken, foreign}
    assert stored(server, f"{bucket.name}-else") == Counter(["b"])


def test_without_ids_the_server_gives_its_own(bucket: Bucket, server: OpenSearch) -> None:
    bucket.letters("a")
    assert bucket.replay("--document-ids", "generated").returncode == 0
    assert stored(server, bucket.name) == Counter(["a"])
    assert not server.exists(index=bucket.name, id="a")


def assert_ended_at_once(bucket: Bucket, done: "subprocess.CompletedProcess[str]", words: str) -> None:
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert len(bucket.keys()) == 2


def test_where_no_object_can_succeed_it_ends_with_the_first(bucket: Bucket) -> None:
    bucket.letters("a")
    bucket.letters("b", time=TIME + timedelta(hours=1))
    assert_ended_at_once(bucket, bucket.replay(OPENSEARCH_PASSWORD="wrong"), "OpenSearch answers 401")  # noqa: S106 - wrong indeed
    nobody = bucket.replay(endpoint=f"https://127.0.0.1:{free_port()}")
    assert_ended_at_once(bucket, nobody, "Check --endpoint")
    assert nobody.stdout == ""
    assert_ended_at_once(bucket, bucket.replay("--bucket", "no-such-bucket"), "the stack's output KeptBucketName")


def test_a_caller_without_rights_is_told_after_the_first_object(bucket: Bucket) -> None:
    bucket.letters("a")
    bucket.letters("b")
    done = bucket.replay("--region", bucket.rig.region, **signing(bucket.rig.stranger_identity))
    assert_ended_at_once(bucket, done, "1 of 1 documents are not stored")
    assert "may POST to /_bulk" in done.stderr
    assert done.stdout == "0 objects removed, 0 left; documents: 0 stored, 0 already there, 0 refused\n"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Programs started here obey SIGINT, also where the tests run in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_interrupted_it_leaves_what_is_not_confirmed_and_goes_on_later(bucket: Bucket, server: OpenSearch) -> None:
    ids = {bucket.letters(f"letter-{number}"): f"letter-{number}" for number in range(60)}
    with subprocess.Popen(  # noqa: S603 - ours
        bucket.command(), env=bucket.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        first = running.stdout.readline()
        running.send_signal(signal.SIGINT)
        rest, errors = running.communicate()
    assert first.startswith("deleted ")
    assert running.returncode == 130
    assert errors == "interrupted: run it again to go on\n"
    assert "documents: " in rest.splitlines()[-1]
    left = bucket.keys()
    assert 0 < len(left) < 60
    assert {ids[key] for key in set(ids) - left} <= set(stored(server, bucket.name))
    assert bucket.replay().returncode == 0
    assert bucket.keys() == set()
    everything = stored(server, bucket.name)
    assert everything == Counter(ids.values())
    assert bucket.replay().stdout == "nothing to replay\n"
    assert stored(server, bucket.name) == everything


class Answers:
    """The wire to OpenSearch: gives these answers, one after the other; the last one again and again."""

    def __init__(self, *answers: BulkAnswer | BaseException) -> None:
        self._answers = list(answers)

    def bulk(self, body: bytes, longest_wait: float) -> BulkAnswer:
        assert body
        assert longest_wait
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def replay_of(bucket: Bucket, client: Answers) -> Replay:
    reader = ObjectReader(KeptBucket(bucket.s3, bucket.name), Index(bucket.name), 1_000_000)
    return Replay(reader, client, keep=False)


def test_an_object_stays_that_is_interrupted_after_its_first_index(bucket: Bucket) -> None:
    key = bucket.put(*two_indices(bucket))
    created = BulkAnswer(200, {"items": [{"create": {"status": 201}}]})
    with pytest.raises(KeyboardInterrupt):
        replay_of(bucket, Answers(created, KeyboardInterrupt())).replay(kept_object(key, TIME))
    assert bucket.keys() == {key}


def two_indices(bucket: Bucket) -> tuple[str, bytes]:
    """The key and body of dead letters for two indices."""
    parts = [bucket.letters(name, index=f"{bucket.name}-{name}") for name in "ab"]
    bodies = [bucket.s3.get_object(Bucket=bucket.name, Key=key)["Body"].read() for key in parts]
    for key in parts:
        bucket.s3.delete_object(Bucket=bucket.name, Key=key)
    return parts[0], b"".join(bodies)


def test_an_object_that_somebody_else_removes_meanwhile_is_no_failure(bucket: Bucket) -> None:
    gone = KeptObject("dead-letters/2026/11/21/091231-gone.ndjson.gz", Kind.DEAD_LETTERS, TIME)
    assert replay_of(bucket, Answers(KeyboardInterrupt())).replay(gone) == Result(gone, Fate.GONE)


def test_every_page_of_a_large_bucket_is_listed(bucket: Bucket) -> None:
    keys = {bucket.put(f"notes-{number}.txt", b"") for number in range(5)}
    listed = list(KeptBucket(bucket.s3, bucket.name, page_size=2).keys())
    assert {key for key, _ in listed} == keys
    assert all(time.tzinfo for _, time in listed)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (BulkAnswer(400, {"error": {"type": "parse_exception"}}), None),
        (BulkAnswer(503, None), None),
        (BulkAnswer(None, "no connection"), NotReachable),
        (BulkAnswer(200, None), NotReachable),
        (BulkAnswer(403, {"message": "no"}), NotAllowed),
    ],
)
def test_what_answers_before_the_first_object_decides_whether_to_begin(
    answer: BulkAnswer, error: type[Exception] | None
) -> None:
    if error is None:
        check_reachable(Answers(answer))
        return
    with pytest.raises(error):
        check_reachable(Answers(answer))


def test_a_terminal_shows_a_bar_and_only_what_is_left() -> None:
    screen = io.StringIO()
    kept = kept_object("notes.txt", TIME)
    with Report(Console(file=screen, force_terminal=True, width=100), 3) as report:
        report.add(Result(kept, Fate.DELETED, stored=5))
        report.add(Result(kept, Fate.LEFT, reason="[b]broken[/b]"))
    shown = screen.getvalue()
    assert "2/3" in shown
    assert "objects, 5 documents" in shown
    assert "left notes.txt: [b]broken[/b]" in shown
    assert "deleted" not in shown
