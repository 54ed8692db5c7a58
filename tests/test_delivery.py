"""Sending until everything is stored: recorded answers, and a clock that only the test moves."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import orjson
import pytest
from opensearchpy import OpenSearch

from forwarder.delivery.backoff import Backoff, Deadline, pause_before
from forwarder.delivery.bulk import BulkAnswer, Limits
from forwarder.delivery.outcomes import Delivery, Verdict
from forwarder.delivery.sender import Sender, failure_of
from forwarder.documents import SLIM, Document, document_of
from forwarder.errors import AccessRefused, NotStored, Unreachable
from forwarder.index_names import Index
from forwarder.json_values import JsonObject, JsonValue
from local.rig import Rig
from tests.payloads import STREAMS, answer, envelope, lambda_event

REFUSED: JsonObject = {
    "status": 400,
    "error": {"type": "mapper_parsing_exception", "reason": "failed to parse field [verb] of type [keyword]: SECRET"},
}
BUSY: JsonObject = {"status": 429, "error": {"type": "rejected_execution_exception", "reason": "queue full"}}
FORBIDDEN: JsonObject = {"status": 403, "error": {"type": "security_exception", "reason": "no permissions"}}
TOO_LARGE = BulkAnswer(413, None)
NO_ROOM = BulkAnswer(429, None)
TIME = "2026-11-20T09:12:31.123Z"
UNREACHABLE = BulkAnswer(None, "no connection: refused")
ONE_BY_ONE = Limits(request_bytes=10_000, in_flight=1, answer_seconds=30)
Server = Callable[[list[JsonObject]], BulkAnswer]


def document(name: str) -> Document:
    source: JsonObject = {
        "@timestamp": TIME,
        "@id": name,
        "@message": "whole",
        "log_type": "audit",
        "message": "line",
        "verb": "get",
    }
    return document_of(name, source)


def items(*results: JsonObject) -> BulkAnswer:
    created: list[JsonValue] = [{"create": result} for result in results]
    return BulkAnswer(200, {"took": 1, "items": created})


class Played:
    """A server that a function plays, and a clock that moves by what is slept and by a second for each request."""

    def __init__(self, serve: Server, seconds: float = 60) -> None:
        self._serve = serve
        self.now = 0.0
        self.sources: list[list[JsonObject]] = []
        self.pauses: list[float] = []
        self.deadline = Deadline(seconds, lambda: self.now, self._sleep, lambda: 1.0)

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def bulk(self, body: bytes, longest_wait: float) -> BulkAnswer:
        assert longest_wait > 0
        self.now += 1
        lines = [orjson.loads(line) for line in body.splitlines()]
        self.sources.append(lines[1::2])
        return self._serve(lines[1::2])

    def deliver(self, *names: str) -> Delivery:
        return Sender(self, Index("logs"), ONE_BY_ONE, self.deadline).deliver(map(document, names))


def each(judge: Callable[[JsonObject], JsonObject]) -> Server:
    return lambda sources: items(*(judge(source) for source in sources))


def stored(_: JsonObject) -> JsonObject:
    return {"status": 201}


def failing_at_first(times: int, answer: BulkAnswer, then: Server) -> Server:
    left = [answer] * times
    return lambda sources: left.pop() if left else then(sources)


def test_stored_and_already_there_is_success() -> None:
    played = Played(each(lambda source: {"status": 201 if source["@id"] == "a" else 409}))
    delivery = played.deliver("a", "b")
    assert failure_of(delivery) is None
    assert (delivery.count(Verdict.STORED), delivery.count(Verdict.DUPLICATE), delivery.sent_again) == (1, 1, 0)


@pytest.mark.parametrize("answer", [UNREACHABLE, BulkAnswer(503, "busy"), BulkAnswer(200, "?")])
def test_a_request_that_fails_for_now_is_sent_again_after_growing_pauses(answer: BulkAnswer) -> None:
    played = Played(failing_at_first(4, answer, each(stored)))
    delivery = played.deliver("a", "b")
    assert failure_of(delivery) is None
    assert played.pauses == [0.5, 1, 2, 4]
    assert delivery.sent_again == 4


def test_a_request_that_the_server_has_no_room_for_is_sent_again_in_halves() -> None:
    played = Played(lambda sources: NO_ROOM if len(sources) > 2 else items(*map(stored, sources)))
    delivery = played.deliver(*"abcde")
    assert failure_of(delivery) is None
    assert [len(sources) for sources in played.sources] == [5, 2, 3, 1, 2]
    assert played.pauses == [0.5, 0.5]
    assert delivery.pushed_back == ("429: HTTP 429",)


@pytest.mark.parametrize("status", [400, 403, 429])
def test_where_requests_are_too_many_they_do_not_become_more(status: int) -> None:
    played = Played(failing_at_first(2, BulkAnswer(status, {"message": "Rate exceeded"}), each(stored)))
    assert failure_of(played.deliver(*"abcde")) is None
    assert [len(sources) for sources in played.sources] == [5, 5, 5]
    assert played.pauses == [0.5, 1]


def test_the_pause_that_a_server_asks_for_is_kept() -> None:
    played = Played(failing_at_first(1, BulkAnswer(503, None, retry_after=7), each(stored)))
    assert failure_of(played.deliver("a")) is None
    assert played.pauses == [7]


def test_where_the_server_asks_for_more_than_is_left_lambda_waits_instead() -> None:
    played = Played(lambda _: BulkAnswer(429, None, retry_after=100))
    assert isinstance(failure_of(played.deliver("a")), NotStored)
    assert (played.pauses, len(played.sources)) == ([], 1)


def test_a_document_that_is_held_up_holds_up_no_other() -> None:
    blocked: JsonObject = {"status": 403, "error": {"type": "cluster_block_exception", "reason": "index [old] blocked"}}
    played = Played(each(lambda source: blocked if source["@id"] == "a" else {"status": 201}), seconds=10)
    delivery = Sender(played, Index("logs"), replace(ONE_BY_ONE, request_bytes=200), played.deadline).deliver(
        map(document, "abcd")
    )
    assert delivery.count(Verdict.STORED) == 3
    assert [outcome.document.document_id for outcome in delivery.unstored] == ["a"]


def test_a_server_that_is_too_slow_is_named_as_the_reason() -> None:
    played = Played(each(stored), seconds=2.5)
    delivery = Sender(played, Index("logs"), replace(ONE_BY_ONE, request_bytes=200), played.deadline).deliver(
        map(document, "abcd")
    )
    failure = failure_of(delivery)
    assert isinstance(failure, NotStored)
    assert delivery.count(Verdict.STORED) == 2
    assert "FunctionTimeout" in str(failure)


class Rendezvous:
    """A server that answers only once so many requests are there side by side, and counts the most it ever had."""

    def __init__(self, meet: int) -> None:
        self._barrier = threading.Barrier(meet)
        self._lock = threading.Lock()
        self._here = 0
        self.most = 0

    def bulk(self, body: bytes, longest_wait: float) -> BulkAnswer:
        with self._lock:
            self._here += 1
            self.most = max(self.most, self._here)
        self._barrier.wait(longest_wait)
        with self._lock:
            self._here -= 1
        return items(*map(stored, [{}] * (len(body.splitlines()) // 2)))


def real_deadline(seconds: float) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic, time.sleep, lambda: 1.0)


@pytest.mark.parametrize("in_flight", [1, 2, 4])
def test_requests_go_side_by_side(in_flight: int) -> None:
    server = Rendezvous(in_flight)
    limits = Limits(request_bytes=200, in_flight=in_flight, answer_seconds=10)
    delivery = Sender(server, Index("logs"), limits, real_deadline(30)).deliver(map(document, "abcdefgh"))
    assert failure_of(delivery) is None
    assert (delivery.count(Verdict.STORED), server.most) == (8, in_flight)


def test_a_server_that_pushes_back_gets_one_request_at_a_time_and_then_more_again() -> None:
    backoff = Backoff(3, Deadline(60, lambda: 0.0, lambda _: None, lambda: 1.0))
    backoff.server_pushed_back(None)
    backoff.server_pushed_back(None)
    assert (backoff.width, backoff.pause_is_due) == (1, True)
    assert backoff.pause()
    assert (backoff.paused, backoff.pause_is_due) == (0.5, False)
    backoff.server_took_it()
    assert backoff.width == 2
    backoff.server_took_it()
    backoff.server_took_it()
    assert backoff.width == 3


def test_what_the_server_takes_beside_a_push_back_does_not_end_the_pause() -> None:
    backoff = Backoff(3, Deadline(60, lambda: 0.0, lambda _: None, lambda: 1.0))
    backoff.server_pushed_back(None)
    backoff.server_took_it()
    assert (backoff.width, backoff.pause_is_due) == (1, True)
    assert backoff.pause()
    backoff.server_pushed_back(None)
    assert backoff.pause()
    assert backoff.paused == 0.5 + 1


class RefusingA:
    """A server that asks for a pause before it takes a, and takes b only after it has said so."""

    def __init__(self) -> None:
        self._said = threading.Event()
        self.asked = 0

    def bulk(self, body: bytes, longest_wait: float) -> BulkAnswer:
        if b'"_id":"a"' in body:
            self.asked += 1
            self._said.set()
            return BulkAnswer(429, None, retry_after=100)
        self._said.wait(longest_wait)
        time.sleep(0.1)
        return items({"status": 201})


def test_one_that_is_taken_meanwhile_does_not_hide_why_another_is_not() -> None:
    server = RefusingA()
    limits = Limits(request_bytes=200, in_flight=2, answer_seconds=10)
    delivery = Sender(server, Index("logs"), limits, real_deadline(5)).deliver(map(document, "ab"))
    assert (delivery.count(Verdict.STORED), server.asked) == (1, 1)
    assert "1 later (429)" in str(failure_of(delivery))


def test_an_answer_that_never_ends_is_given_up() -> None:
    released = threading.Event()

    class Endless:
        def bulk(self, body: bytes, longest_wait: float) -> BulkAnswer:
            assert body
            assert longest_wait == 0.5
            released.wait(60)
            return items({"status": 201})

    limits = Limits(request_bytes=10_000, in_flight=2, answer_seconds=0.5)
    started = time.monotonic()
    failure = failure_of(Sender(Endless(), Index("logs"), limits, real_deadline(3)).deliver([document("a")]))
    released.set()
    assert time.monotonic() - started < 6
    assert isinstance(failure, Unreachable)
    assert "no whole answer in time" in str(failure)


def test_a_mistake_of_ours_in_a_thread_is_not_swallowed() -> None:
    class Broken:
        def bulk(self, body: bytes, longest_wait: float) -> BulkAnswer:
            raise LookupError(f"{len(body)} {longest_wait}")

    with pytest.raises(LookupError):
        Sender(Broken(), Index("logs"), ONE_BY_ONE, real_deadline(3)).deliver([document("a")])


def test_only_the_items_that_were_too_many_are_sent_again() -> None:
    answers = [BUSY]

    def judge(source: JsonObject) -> JsonObject:
        return answers.pop() if source["@id"] == "b" and answers else {"status": 201}

    played = Played(each(judge))
    assert failure_of(played.deliver("a", "b", "c")) is None
    assert [[source["@id"] for source in sources] for sources in played.sources] == [["a", "b", "c"], ["b"]]


def test_when_the_time_is_over_what_is_left_fails_and_nothing_more_is_sent() -> None:
    played = Played(lambda _: UNREACHABLE, seconds=10)
    delivery = Sender(played, Index("logs"), replace(ONE_BY_ONE, request_bytes=100), played.deadline).deliver(
        document(name) for name in "abcd"
    )
    failure = failure_of(delivery)
    assert isinstance(failure, Unreachable)
    assert "4 of 4 documents are not stored" in str(failure)
    assert played.now <= 10
    assert {source["@id"] for sources in played.sources for source in sources} == {"a"}


def test_a_refused_document_is_stored_slim_under_its_id() -> None:
    played = Played(each(lambda source: REFUSED if source["@id"] == "b" and "verb" in source else {"status": 201}))
    delivery = played.deliver("a", "b")
    assert failure_of(delivery) is None
    assert (delivery.slim, delivery.count(Verdict.STORED)) == (1, 2)
    assert [reason.partition(": ")[0] for reason in delivery.refusals] == [SLIM]
    assert played.sources[1] == [
        {
            "@timestamp": TIME,
            "@id": "b",
            "@message": "whole",
            "log_type": "audit",
            "message": "line",
            "parse_error": "stored without its fields: mapper_parsing_exception in field [verb]",
        }
    ]


@pytest.mark.parametrize("is_fixed", [True, False])
def test_a_slim_document_that_is_held_up_is_tried_with_its_fields_again(is_fixed: object) -> None:
    answers = [BUSY, REFUSED]

    def judge(source: JsonObject) -> JsonObject:
        if answers:
            return answers.pop()
        return {"status": 201} if is_fixed or "verb" not in source else REFUSED

    played = Played(each(judge))
    delivery = played.deliver("a")
    assert failure_of(delivery) is None
    assert ["verb" in sources[0] for sources in played.sources] == [True, False, True, *([] if is_fixed else [False])]
    assert delivery.slim == (0 if is_fixed else 1)


def test_a_document_refused_twice_fails_with_its_reason_and_no_content() -> None:
    failure = failure_of(
        Played(each(lambda source: REFUSED if source["@id"] == "b" else {"status": 201})).deliver(*"ab")
    )
    assert isinstance(failure, NotStored)
    assert "1 of 2 documents are not stored (stored 1, already there 0)" in str(failure)
    assert "1 refused (400): mapper_parsing_exception in field [verb]" in str(failure)
    assert "SECRET" not in str(failure)


def test_a_request_that_is_too_large_is_halved_until_it_passes() -> None:
    played = Played(lambda sources: TOO_LARGE if len(sources) > 2 else items(*map(stored, sources)))
    delivery = played.deliver(*"abcdefg")
    assert failure_of(delivery) is None
    assert delivery.count(Verdict.STORED) == 7
    assert played.pauses == []


def test_a_document_too_large_alone_is_sent_slim() -> None:
    played = Played(lambda sources: TOO_LARGE if "verb" in sources[0] else items({"status": 201}))
    assert failure_of(played.deliver("a")) is None
    assert len(played.sources) == 2


@pytest.mark.parametrize(
    "answer",
    [items(FORBIDDEN, FORBIDDEN), BulkAnswer(403, {"message": "no"}), BulkAnswer(400, {})],
)
def test_a_wrong_set_up_ends_it_at_once_and_names_the_command(answer: BulkAnswer) -> None:
    played = Played(lambda _: answer)
    delivery = Sender(played, Index("logs"), replace(ONE_BY_ONE, request_bytes=350), played.deadline).deliver(
        document(name) for name in "abcdef"
    )
    failure = failure_of(delivery)
    assert isinstance(failure, AccessRefused)
    assert "eks-logs apply" in str(failure)
    assert "6 of 6 documents" in str(failure)
    assert len(played.sources) == 1


def test_a_collection_that_takes_no_ids_is_told_from_missing_rights() -> None:
    reason = "Document ID is not supported in create/index operation request"
    no_ids: JsonObject = {"status": 400, "error": {"type": "illegal_argument_exception", "reason": reason}}
    played = Played(each(lambda _: no_ids))
    failure = failure_of(played.deliver("a", "b"))
    assert isinstance(failure, AccessRefused)
    assert f"2 set-up (400): illegal_argument_exception: {reason}" in str(failure)
    assert "DOCUMENT_IDS=generated" in str(failure)
    assert "eks_logs" not in str(failure)
    assert len(played.sources) == 1


def test_pauses_grow_to_an_end_and_never_vanish() -> None:
    pauses = [pause_before(attempt, 1.0) for attempt in range(1, 12)]
    assert pauses == sorted(pauses)
    assert max(pauses) == 20
    assert pause_before(1, 0.0) == 0.25
    assert pause_before(10**6, 0.5) == 15


def function_event(name: str) -> dict[str, object]:
    event = {"kind": "Event", "verb": "get", "stage": "ResponseComplete", "user": {"username": name}}
    return lambda_event(envelope([json.dumps(event)], STREAMS["audit"]))


def test_an_index_that_is_read_only_for_a_while_gets_everything_in_the_end(prepared: Rig, server: OpenSearch) -> None:
    index = "eks-control-plane-logs-read-only"
    server.indices.create(index=index)
    server.indices.put_settings(index=index, body={"index.blocks.write": True})
    lift = {"index": index, "body": {"index.blocks.write": None}}
    opened = threading.Timer(3, server.indices.put_settings, kwargs=lift)
    opened.start()
    with prepared.lambda_runtime({"INDEX_NAME": index, "AWS_LAMBDA_FUNCTION_TIMEOUT": "60"}) as function:
        started = time.monotonic()
        invocation = function.invoke(function_event("a"))
    opened.join()
    assert invocation.payload == answer(1, 1)
    assert time.monotonic() - started > 2
    assert '"sent_again":0' not in invocation.log.replace(" ", "")


def test_a_mapping_of_somebody_else_gets_slim_documents(prepared: Rig, server: OpenSearch) -> None:
    index = "eks-control-plane-logs-theirs"
    mappings = {"dynamic": False, "properties": {"verb": {"type": "long"}}}
    foreign = {"index_patterns": [index], "priority": 900, "template": {"mappings": mappings}}
    server.indices.put_index_template(name="theirs", body=foreign)
    try:
        with prepared.lambda_runtime({"INDEX_NAME": index}) as function:
            assert function.invoke(function_event("a")).payload == answer(1, 1)
    finally:
        server.indices.delete_index_template(name="theirs")
    server.indices.refresh(index=index)
    (hit,) = server.search(index=index, body={})["hits"]["hits"]
    assert hit["_source"]["parse_error"] == "stored without its fields: mapper_parsing_exception in field [verb]"
    assert json.loads(hit["_source"]["@message"])["user"] == {"username": "a"}
