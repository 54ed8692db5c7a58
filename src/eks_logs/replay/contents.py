"""What the stack's bucket holds, and which documents to send again from it; no input or output.

Two kinds of objects:

- dead letters, `dead-letters/YYYY/MM/DD/HHMMSS-<request id>.ndjson.gz`: documents that OpenSearch refused, as
  forwarder.dead_letters writes them;
- failed events, `aws/lambda/async/<function>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>`: the whole event of an invocation
  that failed for good, inside the record that Lambda makes of it (AWS Lambda Developer Guide, "Capturing records of
  Lambda asynchronous invocations").
"""

import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum

from eks_logs.errors import UnreadableObject
from forwarder.control_plane import UNKNOWN
from forwarder.dead_letters import PREFIX as DEAD_LETTERS_PREFIX
from forwarder.documents import LONGEST_ID, Document, document_of
from forwarder.errors import PayloadError, PayloadTooLarge
from forwarder.index_names import NONE, Index, is_index_name
from forwarder.json_values import JsonObject, JsonValue, as_keyword, as_object, read_json
from forwarder.pipeline import documents_of
from forwarder.subscription import read_subscription

# Lambda puts failed events there, by function and day.
FAILED_EVENTS_PREFIX = "aws/lambda/async"
# Where objects go that are replayed and kept all the same.
REPLAYED_PREFIX = "replayed/"


class Kind(Enum):
    """What an object is, by its key."""

    DEAD_LETTERS = "dead letters"
    FAILED_EVENT = "failed event"
    FOREIGN = "foreign object"


# The key of each kind, with the time when it was kept (UTC), and that time's format.
_KEYS = (
    (
        Kind.DEAD_LETTERS,
        re.compile(rf"{DEAD_LETTERS_PREFIX}/([0-9/]{{10}}/[0-9]{{6}})-.+\.ndjson\.gz"),
        "%Y/%m/%d/%H%M%S",
    ),
    (
        Kind.FAILED_EVENT,
        re.compile(rf"{FAILED_EVENTS_PREFIX}/[^/]+/[0-9]{{4}}/[0-9]{{2}}/[0-9]{{2}}/([0-9-]{{10}}T[0-9.]{{8}})-.+"),
        "%Y-%m-%dT%H.%M.%S",
    ),
)


@dataclass(frozen=True, slots=True)
class KeptObject:
    """One object of the bucket, and when it was kept: by its key, or by S3 where the key has no time."""

    key: str
    kind: Kind
    kept_at: datetime


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` on and before `until`; None is without bound."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, time: datetime) -> bool:
        """Whether the time lies in it."""
        return (self.since is None or time >= self.since) and (self.until is None or time < self.until)


def beginning_of(text: str) -> datetime:
    """The time that a date or an ISO 8601 time begins with; UTC where it names no other zone.

    Raises:
        ValueError: it is neither.
    """
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def end_of(text: str) -> datetime:
    """As beginning_of; but the end of the day, where it is a date.

    Raises:
        ValueError: it is neither a date nor a time.
    """
    return beginning_of(text) + (timedelta(days=1) if _is_date(text) else timedelta())


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def kept_object(key: str, last_modified: datetime) -> KeptObject:
    """What a key says of its object."""
    for kind, pattern, time_format in _KEYS:
        if match := pattern.fullmatch(key):
            return KeptObject(key, kind, _time(match[1], time_format) or last_modified)
    return KeptObject(key, Kind.FOREIGN, last_modified)


def _time(text: str, time_format: str) -> datetime | None:
    try:
        return datetime.strptime(text, time_format).replace(tzinfo=UTC)
    except ValueError:
        return None


def choose(listed: Iterable[tuple[str, datetime]], period: Period) -> list[KeptObject]:
    """The objects of a period, the oldest first, of a bucket's keys and the times when they were last modified.

    Neither what was replayed before counts, nor the empty objects that S3's console makes for folders.
    """
    objects = (
        kept_object(key, last_modified)
        for key, last_modified in listed
        if not key.startswith(REPLAYED_PREFIX) and not key.endswith("/")
    )
    return sorted((kept for kept in objects if period.holds(kept.kept_at)), key=lambda kept: (kept.kept_at, kept.key))


@dataclass(frozen=True, slots=True)
class Shipment:
    """Documents for one index."""

    index: Index
    documents: Iterable[Document]


@dataclass(frozen=True, slots=True)
class Contents:
    """What an object holds: the shipments to send, how many records that is, and why they were not stored."""

    shipments: tuple[Shipment, ...]
    records: int
    reason: str


def contents_of(kept: KeptObject, body: bytes, index: Index, longest: int) -> Contents:
    """Read an object.

    Args:
        kept: which.
        body: its bytes.
        index: where the documents of events go; dead letters name their index themselves.
        longest: how many bytes it may inflate to.

    Raises:
        UnreadableObject: it is not what its key says, or its key says nothing.
    """
    match kept.kind:
        case Kind.DEAD_LETTERS:
            return _letters(_inflated(body, longest), index)
        case Kind.FAILED_EVENT:
            return _event(body, index, longest)
    raise UnreadableObject(f"is neither below {DEAD_LETTERS_PREFIX}/ nor an event that Lambda kept: not the function's")


def _event(body: bytes, index: Index, longest: int) -> Contents:
    record = as_object(_json(body))
    try:
        batch = read_subscription(record.get("requestPayload"), longest)
    except PayloadTooLarge:
        raise _too_large(longest) from None
    except PayloadError as error:
        raise UnreadableObject(f"holds no event of CloudWatch Logs at requestPayload: {error}") from None
    shipments = (Shipment(index, documents_of(batch)),) if batch.events else ()
    return Contents(shipments, len(batch.events), _why_it_failed(record))


def _why_it_failed(record: JsonObject) -> str:
    """Why Lambda gave up, and the kind of the last error; its text may be anybody's."""
    condition = as_object(record.get("requestContext")).get("condition")
    error_type = as_object(record.get("responsePayload")).get("errorType")
    return ": ".join(said for said in (condition, error_type) if isinstance(said, str))


def _letters(text: bytes, index: Index) -> Contents:
    letters = [_letter(number, line) for number, line in enumerate(text.splitlines(), 1)]
    if not letters:
        raise UnreadableObject("holds no dead letter: it is empty")
    by_index: dict[str, list[Document]] = {}
    for letter in letters:
        by_index.setdefault(letter.index, []).append(letter.document)
    targets = ((replace(index, name=name, rotation=NONE), documents) for name, documents in by_index.items())
    reasons = Counter(letter.reason for letter in letters)
    return Contents(
        tuple(Shipment(target, documents) for target, documents in targets), len(letters), "; ".join(_counted(reasons))
    )


def _counted(reasons: Counter[str]) -> Iterator[str]:
    return (f"{number} {reason}" for reason, number in reasons.most_common(3))


@dataclass(frozen=True, slots=True)
class _Letter:
    index: str
    document: Document
    reason: str


def _letter(number: int, line: bytes) -> _Letter:
    letter = as_object(_json(line, f"line {number} "))
    index, document_id, source = letter.get("index"), letter.get("id"), letter.get("document")
    if not isinstance(index, str) or not is_index_name(index):
        raise UnreadableObject(f"line {number} names no index to write to")
    if not isinstance(document_id, str) or not 0 < len(document_id.encode()) <= LONGEST_ID:
        raise UnreadableObject(f"line {number} has no id of 1 to {LONGEST_ID} bytes")
    if not isinstance(source, dict) or not isinstance(source.get("@timestamp"), str):
        raise UnreadableObject(f"line {number} has no document with a @timestamp")
    return _Letter(index, document_of(document_id, source), as_keyword(letter.get("reason")) or UNKNOWN)


def _json(text: bytes, where: str = "") -> JsonValue:
    try:
        return read_json(text)
    except ValueError as error:
        raise UnreadableObject(f"{where}is not JSON: {error}") from None


def _inflated(body: bytes, longest: int) -> bytes:
    try:
        with gzip.open(io.BytesIO(body)) as stream:
            text = stream.read(longest + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableObject(f"is not whole gzip: {error}") from None
    if len(text) > longest:
        raise _too_large(longest)
    return text


def _too_large(longest: int) -> UnreadableObject:
    return UnreadableObject(f"inflates beyond {longest} bytes; allow more with --max-object-bytes")
