"""The look-up of documents that are stored already, against a server that answers as told."""

from collections.abc import Iterator
from typing import Any

import pytest
from requests.auth import HTTPBasicAuth

from eks_logs.errors import DuplicatesUnknown, NotAllowed, NotOpenSearch, Rejected, SetupError
from eks_logs.opensearch.client import Client
from eks_logs.replay.contents import Batch
from eks_logs.replay.duplicates import SKIP_OPTION, DuplicateCheck
from forwarder.documents import document_of
from forwarder.index_names import Index
from tests.wire_server import WireServer, wire_server

INDEX = Index("logs", "daily")
BATCH = Batch(INDEX, (document_of("a", {"@timestamp": "2026-11-20T09:12:31.123Z"}),))
MGET = ("POST", "/_mget")
# The indices of the other rotations, in the order in which they are asked for.
OTHERS = ("logs", "logs-2026.11", "logs-2026.w47")


@pytest.fixture
def wire() -> Iterator[WireServer]:
    with wire_server() as wire:
        yield wire


def answers(*one_each: dict[str, Any]) -> tuple[int, Any]:
    """The answer of `_mget`, by which the document is in no other index than is said."""
    nowhere = {"_id": "a", "found": False}
    return 200, {"docs": [nowhere | one | {"_index": name} for name, one in zip(OTHERS, one_each, strict=True)]}


def error(kind: str) -> dict[str, Any]:
    return {"error": {"type": kind, "reason": "whatever"}}


NOWHERE = answers({}, {}, {})
NO_INDEX = error("index_not_found_exception")


def check(wire: WireServer, slept: list[float] | None = None) -> dict[str, str]:
    sleep = [] if slept is None else slept
    return DuplicateCheck(Client(wire.url, HTTPBasicAuth("u", "p")), INDEX, sleep.append).stored_elsewhere(BATCH)


def test_each_other_rotation_is_asked_for(wire: WireServer) -> None:
    wire.answers[MGET] = answers(NO_INDEX, {}, {"found": True})
    assert check(wire) == {"a": "logs-2026.w47"}
    ((_, _, body),) = wire.asked
    assert [(one["_index"], one["_id"]) for one in body["docs"]] == [(name, "a") for name in OTHERS]


def test_an_alias_of_several_indices_is_searched(wire: WireServer) -> None:
    wire.answers[MGET] = answers(error("illegal_argument_exception"), NO_INDEX, NO_INDEX)
    hits = [{"_id": "a", "_index": "logs-2026"}]
    wire.answers["POST", "/logs/_search"] = 200, {"hits": {"hits": hits}, "_shards": {}}
    assert check(wire) == {"a": "logs-2026"}


def test_a_server_without_room_is_asked_again_after_growing_pauses(wire: WireServer) -> None:
    wire.answers[MGET] = (429, {"error": {"type": "rejected_execution_exception"}})
    slept: list[float] = []
    with pytest.raises(Rejected, match="429 at /_mget"):
        check(wire, slept)
    assert slept == [1.0, 2.0, 4.0, 8.0]


def test_a_server_that_has_room_again_is_believed(wire: WireServer) -> None:
    wire.answers[MGET] = (503, None)

    class Recovers(list[float]):
        def append(self, seconds: float) -> None:
            super().append(seconds)
            wire.answers[MGET] = NOWHERE

    slept = Recovers()
    assert check(wire, slept) == {}
    assert slept == [1.0]


@pytest.mark.parametrize(
    ("answer", "raised", "words"),
    [
        ((401, {"message": "who"}), NotAllowed, SKIP_OPTION),
        ((403, error("security_exception")), NotAllowed, "indices:data/read/mget"),
        (answers({}, error("security_exception"), {}), NotAllowed, "does not let the caller read logs-2026.11"),
        (answers({}, error("index_closed_exception"), {}), DuplicatesUnknown, "logs-2026.11, which cannot be read"),
        (answers({}, {"error": "whatever"}, {}), DuplicatesUnknown, SKIP_OPTION),
        ((400, {"error": "no"}), Rejected, "400 at /_mget"),
        ((302, None), NotOpenSearch, "is not OpenSearch"),
        ((200, None), NotOpenSearch, "is not OpenSearch"),
        ((200, ["a page"]), NotOpenSearch, "is not OpenSearch"),
        ((200, {"docs": "none"}), NotOpenSearch, "is not OpenSearch"),
        ((200, {"docs": [{}]}), NotOpenSearch, "is not OpenSearch"),
        ((200, {"docs": NOWHERE[1]["docs"][:2]}), NotOpenSearch, "is not OpenSearch"),
    ],
)
def test_what_is_no_answer_is_not_taken_for_not_stored(
    wire: WireServer, answer: tuple[int, Any], raised: type[SetupError], words: str
) -> None:
    wire.answers[MGET] = answer
    with pytest.raises(raised, match=words):
        check(wire)


def test_a_search_that_is_not_answered_is_not_taken_for_not_stored(wire: WireServer) -> None:
    wire.answers[MGET] = answers(error("illegal_argument_exception"), {}, {})
    wire.answers["POST", "/logs/_search"] = 200, {}
    with pytest.raises(NotOpenSearch, match="/logs/_search"):
        check(wire)
