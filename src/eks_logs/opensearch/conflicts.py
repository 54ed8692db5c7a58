"""What of others stands in the way of the index template: pure comparisons."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from eks_logs.findings import Finding, fail, warn
from eks_logs.opensearch.ism_policy import dated
from eks_logs.opensearch.target import TEMPLATE, Wanted, pattern_of
from forwarder.index_names import NONE

# What forwarder.index_names.Index makes of a name.
_DATED = r"-\d{4}\.(w?\d\d)(\.\d\d)?"


@dataclass(frozen=True, slots=True)
class ExistingIndex:
    """An index that is there, and what of its mapping tells whether it is ours; None where that is not mapped."""

    name: str
    aliases: frozenset[str]
    dynamic: str | None
    log_stream: str | None


def belongs_to(name: str, index: str) -> bool:
    """Whether an index is the one of this name, or one of its dated ones."""
    return re.fullmatch(f"{re.escape(index)}({_DATED})?", name) is not None


def _is_written_to(name: str, wanted: Wanted) -> bool:
    return belongs_to(name, wanted.index) and (name == wanted.index) == (wanted.rotation == NONE)


def template_conflicts(templates: Mapping[str, Mapping[str, Any]], wanted: Wanted) -> Iterator[Finding]:
    """Index templates of others that keep ours out.

    OpenSearch refuses two of equal priority that match one name, and uses of two for an index the one of higher
    priority, alone (documentation, "Index templates").

    Args:
        templates: All composable index templates, by name.
        wanted: What is wanted.
    """
    priority = wanted.template["priority"]
    written = wanted.index if wanted.rotation == NONE else dated(wanted.index)
    for name, template in sorted(templates.items()):
        theirs, patterns = int(template.get("priority") or 0), _patterns(template)
        if name == TEMPLATE or theirs < priority:
            continue
        if theirs == priority and any(overlap(one, pattern_of(wanted.index)) for one in patterns):
            yield _template_finding(
                name, patterns, f"has the same priority, {theirs}, which OpenSearch refuses", theirs
            )
        elif theirs > priority and any(overlap(one, written) for one in patterns):
            yield _template_finding(
                name, patterns, f"has a higher priority, {theirs}, and so ours has no effect", theirs
            )


def _patterns(template: Mapping[str, Any]) -> tuple[str, ...]:
    patterns = template["index_patterns"]
    return (patterns,) if isinstance(patterns, str) else tuple(patterns)


def _template_finding(name: str, patterns: tuple[str, ...], why: str, priority: int) -> Finding:
    message = f"the index template {name} ({', '.join(patterns)}) is for our index, too, and {why}"
    mend = f"have its owner narrow its patterns or lower its priority, or give ours --template-priority {priority + 1}"
    return fail("template", message, mend)


@cache
def overlap(one: str, other: str) -> bool:
    """Whether there is a name that two patterns match; `*` stands for any characters, or none."""
    if not one or not other:
        return set(one + other) <= {"*"}
    if one[0] == "*":
        return overlap(one[1:], other) or overlap(one, other[1:])
    if other[0] == "*":
        return overlap(other, one)
    return one[0] == other[0] and overlap(one[1:], other[1:])


def index_conflicts(indices: tuple[ExistingIndex, ...], wanted: Wanted) -> Iterator[Finding]:
    """An alias of our index's name, and indices of ours that have another mapping than the template's."""
    for index in indices:
        if wanted.index in index.aliases and wanted.rotation == NONE:
            yield _alias_finding(index, wanted)
        elif _is_written_to(index.name, wanted) and not _is_mapped(index):
            yield _mapping_finding(index, wanted)


def _is_mapped(index: ExistingIndex) -> bool:
    return index.dynamic == "false" and index.log_stream == "text"


def _alias_finding(index: ExistingIndex, wanted: Wanted) -> Finding:
    message = f"{wanted.index} is an alias, of {index.name}"
    mend = (
        f"deploy the stack with another IndexName, or take the alias away: DELETE /{index.name}/_alias/{wanted.index}"
    )
    if overlap(pattern_of(wanted.index), index.name) and _is_mapped(index):
        return warn("index", f"{message}, which has our mapping: what is written goes there", mend)
    return fail("index", f"{message}, for which neither our rights nor our mapping are", mend)


def _mapping_finding(index: ExistingIndex, wanted: Wanted) -> Finding:
    differs = f"dynamic is {index.dynamic or 'true'}, @log_stream is {index.log_stream or 'not mapped'}"
    message = f"index {index.name} has a mapping of its own ({differs}), and a template changes no index that exists"
    mend = (
        f"deploy the stack with another IndexName, such as {wanted.index}-v2, or IndexRotation; or copy the records "
        "into a new index with POST /_reindex, delete this one and copy them back"
    )
    return warn("index", message, mend)
