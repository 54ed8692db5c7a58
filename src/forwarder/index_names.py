"""Which index a document goes to: one for all, or one for each day, week or month of the event's own time.

By the event's time, not the clock's, so that a record that is delivered again after midnight meets its own document.
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

NONE = "none"
DAILY = "daily"
WEEKLY = "weekly"
MONTHLY = "monthly"
ROTATIONS = (NONE, DAILY, WEEKLY, MONTHLY)

# OpenSearch, "Create index", naming restrictions, and MetadataCreateIndexService: at most 255 bytes of UTF-8.
_NAME = re.compile(r"(?![-_+.])[^\s\"*\\<>|,/?:#]{1,255}")
_LONGEST_BYTES = 255
_FORMATS = {DAILY: "%Y.%m.%d", WEEKLY: "%G.w%V", MONTHLY: "%Y.%m"}


def is_index_name(text: str) -> bool:
    """Whether an index can have this name; one that begins with a dot belongs to the server, and is none here."""
    # Behind the first test there is nothing that UTF-8 cannot write.
    is_plain = text.isprintable() and text == text.lower() and _NAME.fullmatch(text) is not None
    return is_plain and len(text.encode()) <= _LONGEST_BYTES


@dataclass(frozen=True, slots=True)
class Index:
    """An index, or the family of indices that `rotation` (one of ROTATIONS) makes of its name.

    `event_ids` says whether documents are created under their events' ids, so that none is stored twice, or get ids
    from the server: time-series collections of OpenSearch Serverless refuse any other.
    """

    name: str
    rotation: str = NONE
    event_ids: bool = True

    def of(self, timestamp: str) -> str:
        """The index for an event's `@timestamp` (ISO 8601, UTC): `<name>-2026.11.20`, `-2026.w47` or `-2026.11`."""
        if self.rotation == NONE:
            return self.name
        return f"{self.name}-{_period(timestamp[:10], _FORMATS[self.rotation])}"


@lru_cache(maxsize=100)
def _period(day: str, form: str) -> str:
    """Remembered: the documents of a batch are nearly all of one day."""
    return f"{date.fromisoformat(day):{form}}"
