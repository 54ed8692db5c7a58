"""What a plan is made of: steps as data, what stands in their way, and how one JSON value differs from another."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from eks_logs.findings import Finding, Status

Json: TypeAlias = Mapping[str, Any]
"""A JSON object."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change in OpenSearch: the request that makes it, and how what it sends differs from what is there.

    Attributes:
        resource: The kind of the resource in the registry that it is of.
        title: What it does, in a few words.
        body: JSON; None where nothing is sent.
        diff: Lines of a unified diff.
    """

    resource: str
    title: str
    method: str
    path: str
    body: Any
    diff: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, what stands in the way, and what else the operator should know."""

    steps: tuple[Step, ...]
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_blocked(self) -> bool:
        """Whether the steps would be refused, be of no use, or harm others."""
        return any(finding.status is Status.FAIL for finding in self.findings)


def diff_of(current: object, desired: object) -> tuple[str, ...]:
    """How one JSON value differs from another, as lines of a unified diff; None for current stands for nothing."""
    old = [] if current is None else _lines(current)
    return tuple(difflib.unified_diff(old, _lines(desired), "current", "desired", lineterm="", n=2))


def _lines(value: object) -> list[str]:
    return json.dumps(value, indent=2, sort_keys=True).splitlines()
