"""The registry of log formats: one file each, and one line here.

A log type (see `forwarder.sources`) that has no line is one of a component's own log, which klog writes; there a line
of any format is stored.
"""

from functools import lru_cache

from forwarder.formats import audit, authenticator, klog
from forwarder.formats.format import Format, Write
from forwarder.sources import AUDIT, AUTHENTICATOR

FORMATS = {
    AUDIT: audit.FORMAT,
    AUTHENTICATOR: authenticator.FORMAT,
}


def format_of(log_type: str) -> Format:
    """The format of the records of a log type."""
    return FORMATS.get(log_type, klog.FORMAT)


@lru_cache(maxsize=4)
def writer_of(log_type: str, owner: str) -> Write:
    """What writes the records of a log type, of an AWS account; the same for all batches."""
    return format_of(log_type).writer_for(owner)
