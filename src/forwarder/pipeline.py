"""A batch of records to documents: pure, no input or output."""

from collections.abc import Iterator

from forwarder.documents import Document, DocumentWriter
from forwarder.subscription import LogBatch


def documents_of(batch: LogBatch) -> Iterator[Document]:
    """One document for every record, in the batch's order."""
    writer = DocumentWriter(batch)
    return (writer.document(position, event) for position, event in enumerate(batch.events))
