"""The command `replay`, run as an operator runs it: what the bucket holds, into the real OpenSearch."""

import io
import json
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from opensearchpy import OpenSearch
from rich.console import Console

from eks_logs.errors import NotAllowed, NotReachable
from eks_logs.replay import bucket as s3_bucket
from eks_logs.replay.contents import ContentReader
from eks_logs.replay.duplicates import SKIP_OPTION
from eks_logs.replay.objects import BucketObject, ObjectKind, object_of
from eks_logs.replay.replayer import ObjectResult, Replayer, Status, check_reachable
from eks_logs.replay.report import ProgressReport
from forwarder.delivery.bulk import BulkAnswer
from forwarder.delivery.dead_letters import Invocation, dead_letters_of
from forwarder.delivery.outcomes import Outcome, Verdict
from forwarder.documents import Document, document_of
from forwarder.index_names import Index
from local.child_process import free_port
from local.operators_tool import operator_environment
from local.rig import Identity, Rig
from local.s3 import S3Server
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
        refused = [Outcome(document(name), Verdict.REJECTED, 400, "mapper_parsing_exception") for name in ids]
        made = dead_letters_of(refused, Index(index or self.name), Invocation(f"request-{next(NUMBERS)}", "7", time))
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


def test_the_function_s_own_rights_suffice_to_send_and_only_the_period_is_replayed(
    bucket: Bucket, server: OpenSearch
) -> None:
    early = bucket.letters("early", time=TIME - timedelta(days=2))
    late = bucket.event(["late"], time=TIME + timedelta(days=1))
    bucket.letters("a")
    signed = signing(bucket.rig.function_identity)
    period = ("--since", "2026-11-20", "--until", "2026-11-21T12:00Z")
    refused = bucket.replay(*period, "--region", bucket.rig.region, **signed)
    assert refused.returncode == 1
    assert "may also read the stack's indices" in refused.stderr
    assert SKIP_OPTION in refused.stderr
    assert stored(server, bucket.name) == Counter()
    done = bucket.replay(*period, SKIP_OPTION, "--region", bucket.rig.region, **signed)
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
    bucket.letters("b", index=f"{bucket.name}-2026.11")
    done = bucket.replay()
    assert (done.returncode, done.stderr) == (1, "")
    assert f"left {refused}: 1 of 1 documents are not stored" in done.stdout
    assert "1 refused (400): mapper_parsing_exception in field [log_type]" in done.stdout
    assert f"left {broken}: is not whole gzip" in done.stdout
    assert "left notes\N{REPLACEMENT CHARACTER}[31m.txt: is neither" in done.stdout
    assert done.stdout.endswith("1 objects removed, 3 left; documents: 1 stored, 0 already there, 1 refused\n")
    assert bucket.keys() == {refused, broken, foreign}
    assert stored(server, f"{bucket.name}-2026.11") == Counter(["b"])


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
    done = bucket.replay(SKIP_OPTION, "--region", bucket.rig.region, **signing(bucket.rig.stranger_identity))
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


def replayer(bucket: Bucket, client: Any, *, keep: bool = False, event_ids: bool = True) -> Replayer:
    reader = ContentReader(Index(bucket.name, event_ids=event_ids), 1_000_000)
    return Replayer(s3_bucket.Bucket(bucket.s3, bucket.name), reader, client, keep=keep)


def test_an_object_stays_that_is_interrupted_after_its_first_index(bucket: Bucket) -> None:
    key = bucket.put(*two_indices(bucket))
    created = BulkAnswer(200, {"items": [{"create": {"status": 201}}]})
    with pytest.raises(KeyboardInterrupt):
        replayer(bucket, Answers(created, KeyboardInterrupt())).replay(object_of(key, TIME))
    assert bucket.keys() == {key}


def two_indices(bucket: Bucket) -> tuple[str, bytes]:
    """The key and body of dead letters for two indices."""
    parts = [bucket.letters("a"), bucket.letters("b", index=f"{bucket.name}-2026.11.20")]
    bodies = [bucket.s3.get_object(Bucket=bucket.name, Key=key)["Body"].read() for key in parts]
    for key in parts:
        bucket.s3.delete_object(Bucket=bucket.name, Key=key)
    return parts[0], b"".join(bodies)


def test_an_object_that_somebody_else_removes_meanwhile_is_no_failure(bucket: Bucket) -> None:
    gone = BucketObject("dead-letters/2026/11/21/091231-gone.ndjson.gz", ObjectKind.DEAD_LETTERS, TIME)
    assert replayer(bucket, Answers(KeyboardInterrupt())).replay(gone) == ObjectResult(gone, Status.GONE)


def test_every_page_of_a_large_bucket_is_listed(bucket: Bucket) -> None:
    keys = {bucket.put(f"notes-{number}.txt", b"") for number in range(5)}
    listed = list(s3_bucket.Bucket(bucket.s3, bucket.name, page_size=2).keys())
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


def test_a_terminal_shows_a_bar_and_only_what_is_noteworthy() -> None:
    screen = io.StringIO()
    found = object_of("notes.txt", TIME)
    with ProgressReport(Console(file=screen, force_terminal=True, width=100), 4) as report:
        report.add(ObjectResult(found, Status.DELETED, stored=5))
        report.add(ObjectResult(found, Status.LEFT, reason="[b]broken\x1b[31m[/b]"))
        report.add(ObjectResult(found, Status.DELETED, stored=2, without_fields={"too deep": 2}))
    text = screen.getvalue()
    assert "3/4" in text
    assert "objects, 7 documents" in text
    assert "left notes.txt: [b]broken\N{REPLACEMENT CHARACTER}[31m[/b]" in text
    assert text.count("deleted") == 1
    assert "deleted notes.txt: 2 stored, 0 already there; 2 stored without their fields: 2 too deep" in text


def test_a_letter_that_names_another_index_is_left_and_said(bucket: Bucket, server: OpenSearch) -> None:
    theirs = f"{bucket.name}-of-another-team"
    foreign = bucket.letters("a", "b", index=theirs)
    mixed = bucket.put(f"dead-letters/2026/11/21/101010-mixed-{next(NUMBERS)}.ndjson.gz", b"")
    bodies = [bucket.s3.get_object(Bucket=bucket.name, Key=foreign)["Body"].read()]
    good = bucket.letters("good", index=f"{bucket.name}-2026.w47")
    bodies.append(bucket.s3.get_object(Bucket=bucket.name, Key=good)["Body"].read())
    bucket.s3.delete_object(Bucket=bucket.name, Key=good)
    bucket.put(mixed, b"".join(bodies))
    done = bucket.replay()
    assert (done.returncode, done.stderr) == (1, "")
    words = (
        f"2 dead letters name an index that is not the stack's and stays unsent: {theirs}; name its own with --index"
    )
    assert f"left {foreign}: {words}" in done.stdout
    assert f"left {mixed}: {words}" in done.stdout
    assert bucket.keys() == {foreign, mixed}
    assert not server.indices.exists(index=theirs)
    assert stored(server, f"{bucket.name}-2026.w47") == Counter(["good"])
    dry = json.loads(bucket.replay("--dry-run", "--json").stdout)
    assert [(one["key"], one["status"], one["records"], one["not_ours"]) for one in dry["objects"]] == [
        (foreign, "left", 0, {theirs: 2}),
        (mixed, "left", 1, {theirs: 2}),
    ]


@pytest.fixture
def refusing_klog(bucket: Bucket, server: OpenSearch) -> Iterator[None]:
    """An index template of somebody else's that refuses `klog`, and takes the documents without it."""
    mappings = {"dynamic": False, "properties": {"klog": {"type": "keyword"}, "@id": {"type": "keyword"}}}
    body = {"index_patterns": [bucket.name], "priority": 902, "template": {"mappings": mappings}}
    server.indices.put_index_template(name="refusing-klog", body=body)
    yield
    server.indices.delete_index_template(name="refusing-klog")


@pytest.mark.usefixtures("refusing_klog")
@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_stored_without_its_fields_is_named(bucket: Bucket, as_json: bool) -> None:  # noqa: FBT001 - a parameter
    key = bucket.event(
        ["I1120 09:12:31.000000       1 a.go:1] one", "plain", "I1120 09:12:31.000000       1 a.go:1] two"]
    )
    done = bucket.replay(*(["--json"] if as_json else []))
    assert (done.returncode, done.stderr) == (0, "")
    if as_json:
        content = json.loads(done.stdout)
        ((reason, number),) = content["objects"][0]["without_fields"].items()
        assert (reason.startswith("mapper_parsing_exception"), number) == (True, 2)
        assert content["totals"] == {
            "removed": 1,
            "left": 0,
            "stored": 3,
            "already_there": 0,
            "without_fields": 2,
            "refused": 0,
        }
        return
    line, total = done.stdout.splitlines()
    assert line.startswith(f"deleted {key}: 3 stored, 0 already there; 2 stored without their fields: 2 mapper_parsing")
    assert "in field [klog]" in line
    assert "0 refused; 2 stored without their fields: 2 mapper_parsing_exception in field [klog]" in total


def test_a_replay_for_programs_is_one_json_text(bucket: Bucket, server: OpenSearch) -> None:
    nothing = json.loads(bucket.replay("--json").stdout)
    assert (nothing["objects"], nothing["totals"]["removed"]) == ([], 0)
    assert json.loads(bucket.replay("--json", "--dry-run").stdout) == {"dry_run": True, "objects": []}
    letters, event, odd = bucket.letters("a", "b"), bucket.event(["one"]), bucket.put("notes\x1b.txt", b"")
    server.create(index=bucket.name, id="a", body=document("a").source)
    dry = bucket.replay("--json", "--dry-run")
    assert (dry.returncode, dry.stderr) == (1, "")
    assert {one["key"]: (one["kind"], one["status"], one["records"]) for one in json.loads(dry.stdout)["objects"]} == {
        letters: ("dead letters", "would replay", 2),
        event: ("failed event", "would replay", 1),
        odd: ("unknown object", "left", 0),
    }
    done = bucket.replay("--json")
    assert (done.returncode, done.stderr) == (1, "")
    content = json.loads(done.stdout)
    by_key = {one["key"]: one for one in content["objects"]}
    assert (by_key[letters]["status"], by_key[letters]["stored"], by_key[letters]["already_there"]) == ("deleted", 1, 1)
    assert (by_key[odd]["status"], "not the function's" in by_key[odd]["reason"]) == ("left", True)
    assert (content["totals"]["removed"], content["totals"]["left"], content["totals"]["stored"]) == (2, 1, 2)


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("http://search-logs.eu-west-1.es.amazonaws.com", "would send the password in clear; give --endpoint https://"),
        ("http://u:secret@127.0.0.1.example.com", "must hold no user and no password"),
        ("search-logs", "has no https:// in front; give --endpoint https://search-logs"),
        ("ftp://127.0.0.1", "is not an https:// address"),
        ("http://[::1", "is not an https:// address"),
    ],
)
def test_nothing_is_sent_in_clear(bucket: Bucket, endpoint: str, words: str) -> None:
    bucket.letters("a")
    bucket.letters("b")
    done = bucket.replay(endpoint=endpoint)
    assert_ended_at_once(bucket, done, words)
    assert "secret" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_itself_may_be_spoken_to_in_clear(bucket: Bucket, host: str) -> None:
    assert bucket.replay("--dry-run", endpoint=f"http://{host}:{free_port()}").stdout == "nothing to replay\n"


def test_two_replays_at_once_do_no_harm(bucket: Bucket, server: OpenSearch) -> None:
    names = {f"letter-{number}" for number in range(30)}
    for name in names:
        bucket.letters(name)
    bucket.event([f"record {number}" for number in range(50)])
    arguments = [bucket.command(), bucket.command("--keep"), bucket.command("--json")]
    running = [
        subprocess.Popen(command, env=bucket.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603 - ours
        for command in arguments
    ]
    ended = [(process.communicate(), process.returncode) for process in running]
    assert [(errors, status) for (_, errors), status in ended] == [("", 0)] * 3
    left = bucket.keys()
    assert {key for key in left if not key.startswith("replayed/")} == set()
    found = stored(server, bucket.name)
    assert set(found.values()) == {1}
    assert set(found) == names | {f"{STREAMS['api']}-{number}" for number in range(50)}


class Meanwhile:
    """The wire to OpenSearch, which stores everything; and what another replay does while it answers."""

    def __init__(self, does: Callable[[], object]) -> None:
        self._does = does
        self.stored: list[str] = []

    def bulk(self, body: bytes, longest_wait: float) -> BulkAnswer:
        assert longest_wait
        self._does()
        lines = [json.loads(line) for line in body.splitlines()]
        self.stored += [line["@id"] for line in lines[1::2]]
        return BulkAnswer(200, {"items": [{"create": {"status": 201}} for _ in lines[::2]]})


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("other_keeps", [False, True])
def test_an_object_that_another_replay_removed_while_this_one_sent_it(
    bucket: Bucket, *, keep: bool, other_keeps: bool
) -> None:
    key = bucket.letters("a")
    another = s3_bucket.Bucket(bucket.s3, bucket.name)
    does = (lambda: another.move(key)) if other_keeps else (lambda: another.delete(key))
    result = replayer(bucket, Meanwhile(does), keep=keep).replay(object_of(key, TIME))
    assert result.stored == 1
    assert result.status is (Status.GONE if keep else Status.DELETED)
    assert bucket.keys() == ({f"replayed/{key}"} if other_keeps else set())


def test_an_object_copied_twice_is_there_once(bucket: Bucket) -> None:
    key = bucket.letters("a")
    body = bucket.s3.get_object(Bucket=bucket.name, Key=key)["Body"].read()
    bucket.put(f"replayed/{key}", body)
    result = replayer(bucket, Meanwhile(lambda: None), keep=True).replay(object_of(key, TIME))
    assert result.status is Status.MOVED
    assert bucket.keys() == {f"replayed/{key}"}


def test_without_ids_only_one_of_two_replays_sends_an_object(bucket: Bucket) -> None:
    found = object_of(bucket.letters("a"), TIME)
    inner = Meanwhile(lambda: None)
    results: list[ObjectResult] = []
    outer = Meanwhile(lambda: results.append(replayer(bucket, inner, event_ids=False).replay(found)))
    assert replayer(bucket, outer, event_ids=False).replay(found).status is Status.DELETED
    assert [(result.status, result.stored) for result in results] == [(Status.LEFT, 0)]
    assert f"another replay is sending it; if none runs any more, delete replaying/{found.key}" in results[0].reason
    assert (outer.stored, inner.stored) == (["a"], [])
    assert bucket.keys() == set()
    assert replayer(bucket, inner, event_ids=False).replay(found).status is Status.GONE
    assert bucket.keys() == set()


def test_without_ids_several_replays_store_each_document_once(bucket: Bucket, server: OpenSearch) -> None:
    names = {bucket.letters(f"letter-{number}"): f"letter-{number}" for number in range(20)}
    command = bucket.command("--document-ids", "generated")
    running = [
        subprocess.Popen(command, env=bucket.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603 - ours
        for _ in range(3)
    ]
    assert [process.communicate()[1] for process in running] == [""] * 3
    assert bucket.keys() == set()
    assert stored(server, bucket.name) == Counter(names.values())


ROTATED = {"none": "", "daily": "-2026.11.20", "weekly": "-2026.w47", "monthly": "-2026.11"}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("none", "daily"),
        ("daily", "none"),
        ("weekly", "monthly"),
        ("monthly", "daily"),
        ("none", "weekly"),
        ("daily", "daily"),
    ],
)
def test_a_changed_rotation_is_seen_before_records_are_stored_twice(
    bucket: Bucket, server: OpenSearch, before: str, now: str
) -> None:
    former, present = f"{bucket.name}{ROTATED[before]}", f"{bucket.name}{ROTATED[now]}"
    known = f"{STREAMS['api']}-1"
    # Not refreshed: a search would not see it for 30 s.
    server.create(index=former, id=known, body=document(known).source)
    bucket.event(["zero", "one", "two"])
    done = bucket.replay("--rotation", now)
    assert (done.returncode, done.stderr) == (0, "")
    assert ": 2 stored, 1 already there" in done.stdout
    assert (f"; of another rotation: 1 in {former}" in done.stdout) is (before != now)
    assert bucket.keys() == set()
    everything = stored(server, f"{bucket.name}*")
    assert everything == Counter({f"{STREAMS['api']}-{number}": 1 for number in range(3)})
    assert set(stored(server, present)) == set(everything) - (set() if before == now else {known})


def test_a_letter_is_looked_for_in_the_other_rotations_too(bucket: Bucket, server: OpenSearch) -> None:
    server.create(index=f"{bucket.name}-2026.11", id="a", body=document("a").source)
    bucket.letters("a", "b")
    bucket.letters("b", index=f"{bucket.name}-2026.11.20", time=TIME + timedelta(hours=1))
    done = bucket.replay("--json")
    assert done.returncode == 0, done.stderr
    assert [one["already_in"] for one in json.loads(done.stdout)["objects"]] == [
        {f"{bucket.name}-2026.11": 1},
        {bucket.name: 1},
    ]
    assert stored(server, f"{bucket.name}*") == Counter("ab")


def test_of_a_large_event_each_record_is_looked_for(bucket: Bucket, server: OpenSearch) -> None:
    known = f"{STREAMS['api']}-1499"
    server.create(index=bucket.name, id=known, body=document(known).source)
    bucket.event([f"record {number}" for number in range(1500)])
    done = bucket.replay("--rotation", "daily")
    assert f": 1499 stored, 1 already there; of another rotation: 1 in {bucket.name}" in done.stdout


def test_letters_of_one_object_for_two_indices_are_stored_once(bucket: Bucket, server: OpenSearch) -> None:
    parts = [bucket.letters("a"), bucket.letters("a", index=f"{bucket.name}-2026.11.20")]
    bodies = [bucket.s3.get_object(Bucket=bucket.name, Key=key)["Body"].read() for key in parts]
    bucket.s3.delete_object(Bucket=bucket.name, Key=parts[1])
    bucket.put(parts[0], b"".join(bodies))
    assert bucket.replay().returncode == 0
    assert stored(server, f"{bucket.name}*") == Counter("a")


def test_an_alias_of_several_indices_is_searched(bucket: Bucket, server: OpenSearch) -> None:
    """The former index of all records, reindexed by day, and its name an alias of the days."""
    days = [f"{bucket.name}-of-day-{number}" for number in (1, 2)]
    for day, name in zip(days, "ab", strict=True):
        server.create(index=day, id=name, body=document(name).source)
        server.indices.put_alias(index=day, name=bucket.name)
        server.indices.refresh(index=day)
    bucket.letters("a", "b", "c", index=f"{bucket.name}-2026.11.20")
    done = bucket.replay("--rotation", "daily")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ": 1 stored, 2 already there" in done.stdout
    assert stored(server, f"{bucket.name}*") == Counter("abc")


def test_an_index_that_cannot_be_read_leaves_the_object(bucket: Bucket, server: OpenSearch) -> None:
    former = f"{bucket.name}-2026.11"
    server.create(index=former, id="a", body=document("a").source)
    server.indices.close(index=former)
    key = bucket.letters("a")
    done = bucket.replay()
    assert done.returncode == 1
    assert (
        f"left {key}: may be stored already in {former}, which cannot be read (index_closed_exception)" in done.stdout
    )
    assert bucket.keys() == {key}
    assert stored(server, bucket.name) == Counter()
    assert bucket.replay(SKIP_OPTION).returncode == 0
    assert stored(server, bucket.name) == Counter("a")
    server.indices.delete(index=former)


def test_an_event_is_stored_as_the_function_stores_it(bucket: Bucket, server: OpenSearch) -> None:
    """With the region of the function, and without what the operator calls a secret."""
    key = bucket.event(['I1120 09:12:31.000000       1 a.go:1] "Done" ssn="078-05-1120" card=ACME-123456'])
    assert re.fullmatch(r"aws/lambda/async/forwarder/.+", key)
    own = ("--redact-names", "ssn", "--redact-patterns", "ACME-[0-9]{6}")
    assert bucket.replay(*own, "--region", "eu-central-1").returncode == 0
    server.indices.refresh(index=bucket.name)
    (hit,) = server.search(index=bucket.name)["hits"]["hits"]
    assert hit["_source"]["region"] == "eu-central-1"
    assert not {"078-05-1120", "ACME-123456"} & set(re.findall(r"[\w-]+", json.dumps(hit["_source"])))
    assert hit["_source"]["redacted"] is True
