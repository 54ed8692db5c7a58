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
from itertools import islice
from typing import Any
from urllib.parse import quote

import requests

from eks_logs.endpoint import Endpoint, said
from eks_logs.errors import DuplicatesUnknown, NotAllowed, NotOpenSearch, Rejected
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
_BUSY = frozenset(
    {
        requests.codes.too_many_requests,
        requests.codes.bad_gateway,
        requests.codes.service_unavailable,
        requests.codes.gateway_timeout,
    }
)


class DuplicateCheck:
    """Looks documents up in OpenSearch.

    Args:
        endpoint: of OpenSearch, and who asks.
        index: the stack's.
        sleep: waits for so many seconds.
    """

    def __init__(self, endpoint: Endpoint, index: Index, sleep: Callable[[float], None] = time.sleep) -> None:
        self._endpoint = endpoint
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
        answers = as_objects(self._ask("/_mget", {"docs": docs}).get("docs"))
        if [answer.get("_id") for answer in answers] != [document_id for _, document_id in wanted]:
            raise NotOpenSearch("what answers at /_mget is not OpenSearch; check --endpoint")
        return answers

    def _search(self, alias: str, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Which ids an alias' indices hold, and in which of them."""
        for some in _in_groups(iter(ids)):
            body = {"query": {"ids": {"values": some}}, "size": _MOST_HITS, "_source": False}
            hits = as_object(self._ask(f"/{quote(alias)}/_search", body).get("hits")).get("hits")
            if not isinstance(hits, list):
                raise NotOpenSearch(f"what answers at /{alias}/_search is not OpenSearch; check --endpoint")
            for hit in as_objects(hits):
                yield str(hit["_id"]), str(hit["_index"])

    def _ask(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        """What OpenSearch answers; a server without room is asked again."""
        response = self._endpoint.send("POST", path, body)
        for pause in _PAUSES:
            if response.status_code not in _BUSY:
                break
            self._sleep(pause)
            response = self._endpoint.send("POST", path, body)
        if response.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
            raise _not_allowed(f"{response.status_code} at {path}. {said(response)}")
        if not response.ok:
            raise Rejected(f"{response.status_code} at {path}: {said(response)}")
        return as_object(response.json())


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
