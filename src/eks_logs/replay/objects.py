"""The objects of the stack's bucket by their keys; no input or output.

- dead letters, `dead-letters/YYYY/MM/DD/HHMMSS-<request id>.ndjson.gz`: documents that OpenSearch refused, as
  forwarder.delivery.dead_letters writes them;
- failed events, `aws/lambda/async/<function>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>`: the whole event of an invocation
  that failed for good, inside the record that Lambda makes of it (AWS Lambda Developer Guide, "Capturing records of
  Lambda asynchronous invocations").
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum

from forwarder.delivery.dead_letters import PREFIX as DEAD_LETTERS_PREFIX

# Lambda puts failed events there, by function and day.
FAILED_EVENTS_PREFIX = "aws/lambda/async"
# Where `--keep` moves objects to.
REPLAYED_PREFIX = "replayed/"
# Where an object is said to be in work, while documents without ids are sent from it.
IN_PROGRESS_PREFIX = "replaying/"


class ObjectKind(Enum):
    """What an object is, by its key."""

    DEAD_LETTERS = "dead letters"
    FAILED_EVENT = "failed event"
    UNKNOWN = "unknown object"


# The key of each kind, with the time when it was written (UTC), and that time's format.
_KEYS = (
    (
        ObjectKind.DEAD_LETTERS,
        re.compile(rf"{DEAD_LETTERS_PREFIX}/(?P<time>[0-9/]{{10}}/[0-9]{{6}})-.+\.ndjson\.gz"),
        "%Y/%m/%d/%H%M%S",
    ),
    (
        ObjectKind.FAILED_EVENT,
        re.compile(
            rf"{FAILED_EVENTS_PREFIX}/(?P<function>[^/]+)/[0-9]{{4}}/[0-9]{{2}}/[0-9]{{2}}"
            r"/(?P<time>[0-9-]{10}T[0-9.]{8})-.+"
        ),
        "%Y-%m-%dT%H.%M.%S",
    ),
)


@dataclass(frozen=True, slots=True)
class BucketObject:
    """One object of the bucket.

    Attributes:
        key: its key.
        kind: what it is.
        written_at: when, by its key, or by S3 where the key has no time.
        function: of a failed event, the name of the function that failed.
    """

    key: str
    kind: ObjectKind
    written_at: datetime
    function: str = ""


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
    beginning = beginning_of(text)
    try:
        date.fromisoformat(text)
    except ValueError:
        return beginning
    return beginning + timedelta(days=1)


def object_of(key: str, last_modified: datetime) -> BucketObject:
    """What a key says of its object."""
    for kind, pattern, time_format in _KEYS:
        if match := pattern.fullmatch(key):
            try:
                written_at = datetime.strptime(match["time"], time_format).replace(tzinfo=UTC)
            except ValueError:
                written_at = last_modified
            return BucketObject(key, kind, written_at, match.groupdict().get("function", ""))
    return BucketObject(key, ObjectKind.UNKNOWN, last_modified)


def select(listed: Iterable[tuple[str, datetime]], period: Period) -> list[BucketObject]:
    """The objects of a period, the oldest first, of a bucket's keys and the times when they were last modified.

    Not among them: what replay itself put there, and the empty objects that S3's console makes for folders.
    """
    objects = (
        object_of(key, last_modified)
        for key, last_modified in listed
        if not key.startswith((REPLAYED_PREFIX, IN_PROGRESS_PREFIX)) and not key.endswith("/")
    )
    return sorted(
        (found for found in objects if period.holds(found.written_at)), key=lambda found: (found.written_at, found.key)
    )


def shown(text: str) -> str:
    """A key, or what else somebody wrote, without characters that a terminal would obey."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
