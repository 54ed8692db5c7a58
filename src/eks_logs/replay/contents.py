"""What an object of the bucket holds, and which documents to send again from it; no input or output."""

import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from eks_logs.errors import UnreadableObject
from eks_logs.replay.objects import BucketObject, ObjectKind
from forwarder.delivery.dead_letters import PREFIX as DEAD_LETTERS_PREFIX
from forwarder.documents import LONGEST_ID, Document, document_of
from forwarder.errors import PayloadError, PayloadTooLarge
from forwarder.index_names import NONE, ROTATIONS, Index
from forwarder.json_values import JsonValue, as_keyword, as_object, read_json
from forwarder.pipeline import documents_of
from forwarder.redaction import Redactor
from forwarder.sources import UNKNOWN
from forwarder.subscription import milliseconds_of, read_subscription

# AWS Lambda API reference, FunctionArn.
_FUNCTION_ARN = re.compile(r"arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]{1,64}):\d{12}:function:.+")
# As forwarder.documents writes a `@timestamp`, or without the time.
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T|$)")
_REASONS_SHOWN = 3


def indices_of(index: Index, timestamp: str) -> frozenset[str]:
    """Every index that a stack may have put a record of this time (ISO 8601) into: one for each rotation.

    Raises:
        ValueError: the text does not begin with a date.
    """
    if not _DATE.match(timestamp):
        raise ValueError("does not begin with a date")
    return frozenset(replace(index, rotation=rotation).of(timestamp) for rotation in ROTATIONS)


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents for one index, or for one family of indices."""

    index: Index
    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """What an object holds.

    Attributes:
        batches: the documents to send.
        records: how many documents that is.
        reason: why they were not stored.
        not_ours: how many dead letters name which other index than one of the stack's; they are not sent.
    """

    batches: tuple[Batch, ...]
    records: int
    reason: str
    not_ours: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContentReader:
    """Reads what objects hold.

    Attributes:
        index: the stack's: events go there, and dead letters to that of its indices which they name.
        max_bytes: how much an object may inflate to.
        redactor: takes secrets out of the records of events; by the rules that need no setting, if not given.
        region: of the records of events whose object does not say it.
        function: the name of the stack's function, whose events these are; empty for any.
    """

    index: Index
    max_bytes: int
    redactor: Redactor | None = None
    region: str = ""
    function: str = ""

    def read(self, found: BucketObject, body: bytes) -> Contents:
        """What an object holds.

        Raises:
            UnreadableObject: it is not what its key says, its key says nothing, or it is another function's.
        """
        match found.kind:
            case ObjectKind.DEAD_LETTERS:
                return _dead_letters(_inflated(body, self.max_bytes), self.index)
            case ObjectKind.FAILED_EVENT:
                if self.function not in ("", found.function):
                    raise UnreadableObject(
                        f"is an event of the function {found.function}, not of the stack's, {self.function}; name "
                        "its own stack, or the bucket with --bucket to send it to this stack's index all the same"
                    )
                return self._failed_event(body)
        raise UnreadableObject(
            f"is neither below {DEAD_LETTERS_PREFIX}/ nor an event that Lambda kept: not the function's"
        )

    def _failed_event(self, body: bytes) -> Contents:
        record = as_object(_json(body))
        came = record.get("timestamp")
        now = (milliseconds_of(came) if isinstance(came, str) else None) or 0
        try:
            batch = read_subscription(record.get("requestPayload"), self.max_bytes, now)
        except PayloadTooLarge:
            raise _too_large(self.max_bytes) from None
        except PayloadError as error:
            raise UnreadableObject(f"holds no event of CloudWatch Logs at requestPayload: {error}") from None
        context = as_object(record.get("requestContext"))
        # A log group sends to functions of its own region only.
        arn = _FUNCTION_ARN.fullmatch(as_keyword(context.get("functionArn")) or "")
        documents = tuple(documents_of(batch, self.redactor, arn["region"] if arn else self.region))
        # Why Lambda gave up, and the kind of the last error; the error's text may be anybody's.
        reasons = (context.get("condition"), as_object(record.get("responsePayload")).get("errorType"))
        return Contents(
            batches=(Batch(self.index, documents),) if documents else (),
            records=len(documents),
            reason=": ".join(reason for reason in reasons if isinstance(reason, str)),
        )


def _dead_letters(text: bytes, index: Index) -> Contents:
    """The documents of each index that the letters name, as far as it is one of the stack's."""
    batches: dict[str, list[Document]] = {}
    reasons: Counter[str] = Counter()
    not_ours: Counter[str] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        letter = as_object(_json(line, f"line {number} "))
        name, document_id, source = letter.get("index"), letter.get("id"), letter.get("document")
        if not isinstance(name, str):
            raise UnreadableObject(f"line {number} names no index to write to")
        if not isinstance(document_id, str) or not 0 < len(document_id.encode()) <= LONGEST_ID:
            raise UnreadableObject(f"line {number} has no id of 1 to {LONGEST_ID} bytes")
        timestamp = as_object(source).get("@timestamp")
        try:
            ours = indices_of(index, timestamp if isinstance(timestamp, str) else "")
            document = document_of(document_id, as_object(source))
        except ValueError:
            raise UnreadableObject(f"line {number} has no document with a @timestamp") from None
        # Whoever can write to the bucket must not write with the caller's rights to whatever index there is.
        if name in ours:
            batches.setdefault(name, []).append(document)
            reasons[as_keyword(letter.get("reason")) or UNKNOWN] += 1
        else:
            not_ours[name] += 1
    if not batches and not not_ours:
        raise UnreadableObject("holds no dead letter: it is empty")
    return Contents(
        tuple(Batch(replace(index, name=name, rotation=NONE), tuple(documents)) for name, documents in batches.items()),
        records=reasons.total(),
        reason=counted(reasons),
        not_ours=not_ours,
    )


def counted(words: Mapping[str, int]) -> str:
    """The commonest, each with how often it occurs: `2 refused; 1 too large`."""
    return "; ".join(f"{number} {word}" for word, number in Counter(words).most_common(_REASONS_SHOWN))


def _json(text: bytes, where: str = "") -> JsonValue:
    try:
        return read_json(text)
    except ValueError as error:
        raise UnreadableObject(f"{where}is not JSON: {error}") from None


def _inflated(body: bytes, max_bytes: int) -> bytes:
    try:
        with gzip.open(io.BytesIO(body)) as stream:
            text = stream.read(max_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableObject(f"is not whole gzip: {error}") from None
    if len(text) > max_bytes:
        raise _too_large(max_bytes)
    return text


def _too_large(max_bytes: int) -> UnreadableObject:
    return UnreadableObject(f"inflates beyond {max_bytes} bytes; allow more with --max-object-bytes")
