"""Kubernetes audit events as a log format."""

from forwarder.formats import klog
from forwarder.formats.audit.reader import AuditReader, split_event_list
from forwarder.formats.audit.summary import AuditBlocks
from forwarder.formats.format import Format, Write, Written
from forwarder.log_headers import line_severity
from forwarder.visible_text import one_line


def writer_for(owner: str) -> Write:
    """What writes the events of an AWS account's clusters; it remembers what they repeat, also from batch to batch."""
    read, block_of = AuditReader().read, AuditBlocks(owner).of

    def write(record: str, timestamp: int) -> Written:
        audit = read(record)
        # Only the API server's own words have neither, as when it crashes.
        if audit.event.auditID is None and audit.event.kind is None and (entry := klog.read_line(record, timestamp)):
            return klog.block_of(entry), None
        if audit.error is not None:
            severity = line_severity(record) or "WARNING"
            return {"severity": severity, "message": one_line(record), "parse_error": audit.error}, None
        return block_of(audit), audit.event

    return write


FORMAT = Format(writer_for, split_event_list)
