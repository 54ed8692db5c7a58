"""A batch of records to documents: pure, no input or output."""

from collections.abc import Iterable, Iterator

from forwarder.control_plane import AUDIT, classify
from forwarder.documents import Document, DocumentWriter
from forwarder.parsers.audit import split_event_list
from forwarder.subscription import LogBatch, LogEvent


def documents_of(batch: LogBatch) -> Iterator[Document]:
    """One document for every record, in the batch's order; of an audit EventList one for each of its events."""
    events = _events_of_lists(batch.events) if classify(batch.log_stream).log_type == AUDIT else batch.events
    writer = DocumentWriter(batch)
    return (writer.document(position, event) for position, event in enumerate(events))


def _events_of_lists(events: Iterable[LogEvent]) -> Iterator[LogEvent]:
    for event in events:
        records = split_event_list(event.message)
        if records == [event.message]:
            yield event
            continue
        for number, record in enumerate(records):
            yield LogEvent(event.event_id and f"{event.event_id}-{number}", event.timestamp, record)
