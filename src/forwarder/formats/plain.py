"""A line of no known format: how severe it is by its beginning, and the line itself."""

from forwarder.formats.format import Written
from forwarder.log_headers import line_severity
from forwarder.visible_text import one_line


def write(record: str, _timestamp: int) -> Written:
    """The line as it stands."""
    return {"severity": line_severity(record) or "INFO", "message": one_line(record)}, None
