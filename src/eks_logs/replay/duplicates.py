"""Whether documents are stored already in another index than the one they would be sent to.

An id is unique within one index. If the stack's IndexRotation was changed since an event failed, what the function had
stored of it is in an index of the former rotation, and would be stored a second time in one of the present. So each
document is looked for in the indices of every rotation before it is sent.

Why not otherwise: Lambda's record of a failed event does not say the rotation of its time; and a search sees what is
stored only after the index' `refresh_interval`, while a get by id sees it at once (OpenSearch, "Get document",
`realtime`). Only of an alias of several indices, which has no get by id, a search is made.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

from eks_logs.errors import DuplicatesUnknown, NotAllowed, NotOpenSearch, Overloaded
from eks_logs.opensearch.client import Client
from eks_logs.replay.contents import Batch, indices_of
from forwarder.index_names import Index
from forwarder.json_values import JsonObject, JsonValue, as_object, as_objects

SKIP_OPTION = "--skip-duplicate-check"

# How many documents are asked for with one request: an answer of some 200 bytes for each.
_AT_A_TIME = 1000
# OpenSearch, `index.max_result_window`: an id may be in several indices of an alias.
_MOST_HITS = 10_000
# Seconds to wait where the server has no room now, before each further attempt.
_PAUSES = (1.0, 2.0, 4.0, 8.0)


class DuplicateCheck:
    """Looks documents up in OpenSearch.

    Args:
        client: OpenSearch, as the caller may use it.
        index: the stack's.
        sleep: waits for so many seconds.
    """

    def __init__(self, client: Client, index: Index, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._index = index
        self._sleep = sleep

    def stored_elsewhere(self, batch: Batch) -> dict[str, str]:
        """Which of a batch's documents are in another index of the stack: by id, the index.

        Raises:
            DuplicatesUnknown: OpenSearch cannot say so of one index.
            NotAllowed: the caller may not ask.
            NotReachable: there is no answer.
            NotOpenSearch: something else answered.
            Rejected: it answers with another error.
        """
        found: dict[str, str] = {}
        missing: set[str] = set()
        aliases: set[str] = set()
        wanted = (
            (name, document.document_id)
            for document in batch.documents
            for name in sorted(indices_of(self._index, document.timestamp) - {batch.index.of(document.timestamp)})
            if name not in missing | aliases
        )
        for some in _in_groups(wanted):
            for (name, document_id), answer in zip(some, self._get(some), strict=True):
                if answer.get("found") is True:
                    found[document_id] = name
                elif (error := answer.get("error")) is not None:
                    (aliases if _is_of_alias(name, as_object(error).get("type")) else missing).add(name)
        for alias in sorted(aliases):
            found |= self._search(alias, [document.document_id for document in batch.documents])
        return found

    def _get(self, wanted: Sequence[tuple[str, str]]) -> list[JsonObject]:
        """What OpenSearch has of each index and id."""
        docs = [{"_index": name, "_id": document_id, "_source": False} for name, document_id in wanted]
        answers = as_objects(self._ask(lambda: self._client.api.mget(body={"docs": docs})).get("docs"))
        if [answer.get("_id") for answer in answers] != [document_id for _, document_id in wanted]:
            raise NotOpenSearch("what answers at /_mget is not OpenSearch; check --endpoint")
        return answers

    def _search(self, alias: str, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Which ids an alias' indices hold, and in which of them."""
        for some in _in_groups(iter(ids)):
            body = {"query": {"ids": {"values": some}}, "size": _MOST_HITS, "_source": False}
            found = self._ask(partial(self._hits, alias, body))
            for hit in as_objects(as_object(found["hits"])["hits"]):
                yield str(hit["_id"]), str(hit["_index"])

    def _hits(self, alias: str, body: Mapping[str, Any]) -> JsonObject:
        return dict(self._client.search(alias, body))

    def _ask(self, question: Callable[[], JsonObject]) -> JsonObject:
        """What OpenSearch answers; a server without room is asked again."""
        for pause in _PAUSES:
            try:
                return self._once(question)
            except Overloaded:
                self._sleep(pause)
        return self._once(question)

    @staticmethod
    def _once(question: Callable[[], JsonObject]) -> JsonObject:
        try:
            return question()
        except NotAllowed as error:
            raise _not_allowed(str(error)) from None


def _in_groups(wanted: Iterator[Any]) -> Iterator[list[Any]]:
    while some := list(islice(wanted, _AT_A_TIME)):
        yield some


def _is_of_alias(name: str, error: JsonValue) -> bool:
    """Whether a name is an alias of several indices, by the error for a get; False where there is no such index.

    Raises:
        NotAllowed: the caller may not read it.
        DuplicatesUnknown: it is another error, as of a closed index.
    """
    if error == "security_exception":
        raise _not_allowed(f"OpenSearch does not let the caller read {name}")
    if error not in ("index_not_found_exception", "illegal_argument_exception"):
        raise DuplicatesUnknown(
            f"may be stored already in {name}, which cannot be read ({error}): fix that index, or add {SKIP_OPTION}"
        )
    return error == "illegal_argument_exception"


def _not_allowed(answer: str) -> NotAllowed:
    return NotAllowed(
        "the caller may not look for records that are stored already in an index of another rotation: give one that "
        "may also read the stack's indices (indices:data/read/mget), or, if IndexRotation was never changed, add "
        f"{SKIP_OPTION}. {answer}"
    )
