"""What a log format is, and the words that documents of every format have in common."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

# How a request ended: the field `outcome`.
ALLOWED = "allowed"
DENIED = "denied"
FAILED = "failed"

Written: TypeAlias = tuple[Mapping[str, object], object]
"""What a document says of a record: members (`severity` and `message` at least), and an object with more of them that
msgspec encodes as they stand, or None."""

Write: TypeAlias = Callable[[str, int], Written]
"""Writes a record, given its text without secrets and its own time in ms since 1970."""


class Format(NamedTuple):
    """How the records of a log type become documents.

    Attributes:
        writer_for: what writes the records of an AWS account, given its id; it may remember what they repeat.
        split: the records that one record consists of; None for a record that is one. No function: all are.
    """

    writer_for: Callable[[str], Write]
    split: Callable[[str], list[str] | None] | None = None
