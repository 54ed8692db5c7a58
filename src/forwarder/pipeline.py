"""A batch of records to documents: pure, no input or output."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from forwarder.documents import Document, DocumentWriter
from forwarder.formats import format_of
from forwarder.redaction import Redactor, default_redactor
from forwarder.subscription import LogBatch, LogEvent

# Enough to spread the cost of looking at many records at once, too few to hold a batch in memory twice.
_AT_A_TIME = 100


def documents_of(batch: LogBatch, redactor: Redactor | None = None, region: str = "") -> Iterator[Document]:
    """One document for every record, in the batch's order; of an audit EventList one for each of its events.

    Args:
        batch: the records.
        redactor: takes their secrets away; by the rules that need no setting, if not given.
        region: the AWS region of the records' log group, which no record names; empty where it is not known.
    """
    split = format_of(batch.source.log_type).split
    events = batch.events if split is None else _split(batch.events, split)
    writer = DocumentWriter(batch, redactor or default_redactor(), region)
    return (document for first, some in _in_groups(events) for document in writer.documents(first, some))


def _in_groups(events: Iterable[LogEvent]) -> Iterator[tuple[int, list[LogEvent]]]:
    """So many events at a time, with the position of the first."""
    left = iter(events)
    first = 0
    while some := list(islice(left, _AT_A_TIME)):
        yield first, some
        first += len(some)


def _split(events: Iterable[LogEvent], split: Callable[[str], list[str] | None]) -> Iterator[LogEvent]:
    """The events, and instead of one that holds several records an event for each, under ids of its own."""
    for event in events:
        if type(event) is not LogEvent or (records := split(event.message)) is None:
            yield event
            continue
        for number, record in enumerate(records):
            yield LogEvent(event.event_id and f"{event.event_id}-{number}", event.timestamp, record)
