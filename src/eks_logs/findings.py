"""What a check of the whole chain finds: a finding for each link, as text or JSON, and an exit code."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a check ended; a skipped one could not be made and says nothing of its link."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


# A block that is shown on a narrow terminal is indented by what the status takes.
_INDENT = " " * 6
_NARROWEST = 30
_LABELS = {Status.OK: "ok", Status.WARN: "warn", Status.FAIL: "FAIL", Status.SKIPPED: "skip"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        name: the link of the chain, one word.
        status: how the check ended.
        message: what was found.
        remediation: what to do about it, a command where there is one; None where there is nothing to do.
    """

    name: str
    status: Status
    message: str
    remediation: str | None = None


def ok(name: str, message: str) -> Finding:
    """The link holds."""
    return Finding(name, Status.OK, message)


def warn(name: str, message: str, remediation: str) -> Finding:
    """The link holds, but somebody should look at it."""
    return Finding(name, Status.WARN, message, remediation)


def fail(name: str, message: str, remediation: str) -> Finding:
    """The link is broken: records do not arrive."""
    return Finding(name, Status.FAIL, message, remediation)


def skipped(name: str, message: str, remediation: str | None = None) -> Finding:
    """The link could not be looked at."""
    return Finding(name, Status.SKIPPED, message, remediation)


def as_text(findings: Sequence[Finding], columns: int | None = None) -> str:
    """A line for each finding: status, name, message, and what to do.

    Args:
        findings: In the order in which they are shown.
        columns: Of the terminal: what is longer than a line becomes a block, with what to type on a line of its own,
            which only the terminal wraps, so that it can be copied. None, for a file or a pipe, wraps nothing.
    """
    width = max((len(finding.name) for finding in findings), default=0)
    return "\n".join(_shown(finding, width, columns) for finding in findings)


def as_json(findings: Sequence[Finding]) -> str:
    """`{"exit_code": 0, "findings": [{"name", "status", "message", "remediation"}]}`."""
    return json.dumps({"exit_code": exit_code(findings), "findings": [asdict(one) for one in findings]}, indent=2)


def exit_code(findings: Sequence[Finding]) -> int:
    """1 where a link is broken, or where none could be looked at; else 0."""
    statuses = {finding.status for finding in findings}
    return int(Status.FAIL in statuses or statuses <= {Status.SKIPPED})


def _shown(finding: Finding, width: int, columns: int | None) -> str:
    head = f"{_LABELS[finding.status]:4}  {finding.name:{width}}  "
    message, fix = (" ".join((text or "").split()) for text in (finding.message, finding.remediation))
    line = f"{head}{message}; fix: {fix}" if fix else f"{head}{message}"
    if columns is None or len(line) <= columns:
        return line
    wrapped = textwrap.wrap(
        head.rstrip() + "  " + message,
        max(columns, _NARROWEST),
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join([*wrapped, f"{_INDENT}fix: {fix}"] if fix else wrapped)
