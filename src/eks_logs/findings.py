"""What a check of the whole chain finds: a finding for each link, as text or JSON, and an exit code."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a check ended; a skipped one could not be made and says nothing of its link."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


_LABELS = {Status.OK: "ok", Status.WARN: "warn", Status.FAIL: "FAIL", Status.SKIPPED: "skip"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        name: the link of the chain, one word.
        status: how the check ended.
        message: what was found.
        mend: what to do about it, a command where there is one; None where there is nothing to do.
    """

    name: str
    status: Status
    message: str
    mend: str | None = None


def ok(name: str, message: str) -> Finding:
    """The link holds."""
    return Finding(name, Status.OK, message)


def warn(name: str, message: str, mend: str) -> Finding:
    """The link holds, but somebody should look at it."""
    return Finding(name, Status.WARN, message, mend)


def fail(name: str, message: str, mend: str) -> Finding:
    """The link is broken: records do not arrive."""
    return Finding(name, Status.FAIL, message, mend)


def skipped(name: str, message: str, mend: str | None = None) -> Finding:
    """The link could not be looked at."""
    return Finding(name, Status.SKIPPED, message, mend)


def as_text(findings: Sequence[Finding]) -> str:
    """One line for each finding: status, name, message, and what to do."""
    width = max((len(finding.name) for finding in findings), default=0)
    return "\n".join(_line(finding, width) for finding in findings)


def as_json(findings: Sequence[Finding]) -> str:
    """`{"exit_code": 0, "findings": [{"name", "status", "message", "mend"}]}`."""
    return json.dumps({"exit_code": exit_code(findings), "findings": [asdict(one) for one in findings]}, indent=2)


def exit_code(findings: Sequence[Finding]) -> int:
    """1 where a link is broken, or where none could be looked at; else 0."""
    statuses = {finding.status for finding in findings}
    return int(Status.FAIL in statuses or statuses <= {Status.SKIPPED})


def _line(finding: Finding, width: int) -> str:
    said = finding.message if finding.mend is None else f"{finding.message}; mend: {finding.mend}"
    return f"{_LABELS[finding.status]:4}  {finding.name:{width}}  {' '.join(said.split())}"
