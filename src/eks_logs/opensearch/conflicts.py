"""What of others, or of the server's making, stands in the way of the records: pure comparisons."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any

from eks_logs.errors import SetupError
from eks_logs.findings import Finding, Status, fail, ok, warn
from eks_logs.opensearch.indices import ExistingIndex, belongs_to
from eks_logs.opensearch.target import Target
from eks_logs.plan import Json
from forwarder.index_names import NONE

_NEARLY_FULL = 0.9


def template_conflicts(templates: Mapping[str, Mapping[str, Any]], target: Target, priority: int) -> Iterator[Finding]:
    """Index templates of others that keep ours out.

    OpenSearch refuses two of equal priority that match one name, and uses of two for an index the one of higher
    priority, alone (documentation, "Index templates").

    Args:
        templates: All composable index templates of others, by name.
        target: For which indices ours is.
        priority: Of ours.
    """
    for name, template in sorted(templates.items()):
        theirs, patterns = int(template.get("priority") or 0), patterns_of(template)
        if theirs == priority and any(overlap(one, target.pattern) for one in patterns):
            why = f"has the same priority, {theirs}, which OpenSearch refuses"
        elif theirs > priority and any(overlap(one, target.written) for one in patterns):
            why = f"has a higher priority, {theirs}, and so ours has no effect"
        else:
            continue
        yield fail(
            "template",
            f"the index template {name} ({', '.join(patterns)}) is for our index, too, and {why}",
            f"have its owner narrow its patterns or lower its priority, or give ours --template-priority {theirs + 1}",
        )


def patterns_of(template: Mapping[str, Any]) -> tuple[str, ...]:
    """For which indices a template is; it may be said as one text."""
    patterns = template.get("index_patterns") or ()
    return (patterns,) if isinstance(patterns, str) else tuple(patterns)


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


def index_conflicts(indices: tuple[ExistingIndex, ...], target: Target, today: date | None = None) -> Iterator[Finding]:
    """What is wrong with the indices that the function writes to.

    Args:
        indices: Those whose names or aliases begin like ours.
        target: Which of them are written to.
        today: In UTC, where it is to be known whether records of now are refused: a broken link is then a failure.
    """
    now = {target.written_on(today), target.written_on(today + timedelta(days=1))} if today else set()
    for index in indices:
        if target.index in index.aliases and target.rotation == NONE:
            yield _alias_finding(index, target)
        elif belongs_to(index.name, target.index) and (index.name == target.index) == (target.rotation == NONE):
            if index.refuses:
                yield _blocked_finding(index, is_current=index.name in now)
            if not index.is_mapped:
                yield _mapping_finding(index, target, is_current=index.name in now)


def _alias_finding(index: ExistingIndex, target: Target) -> Finding:
    message = f"{target.index} is an alias, of {index.name}"
    remediation = (
        f"deploy the stack with another IndexName, or take the alias away, in Dev Tools: "
        f"DELETE /{index.name}/_alias/{target.index}"
    )
    if overlap(target.pattern, index.name) and index.is_mapped:
        return warn("index", f"{message}, which has our mapping: what is written goes there", remediation)
    return fail("index", f"{message}, for which neither our rights nor our mapping are", remediation)


def _mapping_finding(index: ExistingIndex, target: Target, *, is_current: bool) -> Finding:
    differs = f"dynamic is {index.dynamic or 'true'}, @log_stream is {index.log_stream or 'not mapped'}"
    message = (
        f"index {index.name} has a mapping of its own ({differs}), which the server made before the template was "
        "there: it refuses records that do not fit, and a template changes no index that exists"
    )
    if target.rotation == NONE:
        remediation = (
            f"deploy the stack with IndexRotation=daily, or another IndexName, such as {target.index}-v2; or copy the "
            "records into a new index with POST /_reindex, delete this one and copy them back"
        )
    else:
        remediation = (
            f"if its records may go, in Dev Tools: DELETE /{index.name}; else copy them away with POST /_reindex "
            "first. The next index has our mapping"
        )
    return (fail if is_current else warn)("index", message, remediation)


def _blocked_finding(index: ExistingIndex, *, is_current: bool) -> Finding:
    reasons = ", ".join(index.refuses)
    closed = "closed" in index.refuses
    request = f"POST /{index.name}/_open" if closed else f'PUT /{index.name}/_settings {{"{index.refuses[-1]}":null}}'
    remediation = f"see why (a full disk blocks indices by itself), then in Dev Tools: {request}"
    return (fail if is_current else warn)("index", f"index {index.name} takes no records ({reasons})", remediation)


def check_creation(settings: Json, indices: Iterable[ExistingIndex], target: Target, today: date) -> Finding:
    """The server makes the index that records of today go to, or has it."""
    name = target.written_on(today)
    for block in ("cluster.blocks.read_only", "cluster.blocks.read_only_allow_delete"):
        if str(settings.get(block)).lower() == "true":
            request = f'PUT /_cluster/settings {{"persistent":{{"{block}":null}},"transient":{{"{block}":null}}}}'
            return fail("creation", f"the whole cluster takes no records ({block})", f"in Dev Tools: {request}")
    if may_be_created(name, settings.get("action.auto_create_index", "true")):
        return ok("creation", f"the server makes index {name} when a record comes")
    allowed = settings.get("action.auto_create_index")
    message = f"the server makes no index {name} by itself: action.auto_create_index is {allowed}"
    remediation = (
        f'in Dev Tools: PUT /_cluster/settings {{"persistent":{{"action.auto_create_index":"+{target.pattern}"}}}}'
    )
    if isinstance(allowed, str) and allowed.lower() != "false":
        remediation = remediation.replace(f"+{target.pattern}", f"+{target.pattern},{allowed}")
    if not any(index.name == name or name in index.aliases for index in indices):
        return fail("creation", f"{message}, and every record for it is refused", remediation)
    if target.rotation == NONE:
        return ok("creation", f"index {name} is there")
    return warn("creation", f"{message}; this one is there, and the next will not be", remediation)


def check_room(
    settings: Json,
    shards: tuple[int, int] | SetupError,
    indices: Iterable[ExistingIndex],
    target: Target,
    today: date,
) -> Iterator[Finding]:
    """There may be more shards, else the next index cannot be made; nothing is said where there is plenty of room.

    Source: OpenSearch, ShardLimitValidator, `cluster.max_shards_per_node`.
    """
    if isinstance(shards, SetupError):
        return
    there, nodes = shards
    limit = int(settings.get("cluster.max_shards_per_node") or 0) * nodes
    if limit <= 0 or there < limit * _NEARLY_FULL:
        return
    message = f"the cluster has {there} shards of at most {limit}: no index can be made beyond that"
    remediation = (
        "delete old indices (--retention-days), rotate weekly or monthly (IndexRotation), or add data nodes; "
        "GET /_cat/indices?v in Dev Tools shows whose they are"
    )
    name = target.written_on(today)
    is_there = any(index.name == name or name in index.aliases for index in indices)
    yield (warn if is_there or there < limit else fail)("creation", message, remediation)


def may_be_created(index: str, setting: object) -> bool:
    """What `action.auto_create_index` says of a name: the first pattern that matches decides, and none forbids.

    Source: OpenSearch, AutoCreateIndex.
    """
    text = ",".join(map(str, setting)) if isinstance(setting, list) else str(setting)
    if text.strip().lower() in ("true", "false"):
        return text.strip().lower() == "true"
    for one in filter(None, (part.strip() for part in text.split(","))):
        if overlap(one.lstrip("+-"), index):
            return not one.startswith("-")
    return False


def as_warnings(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The same, where something else can be done all the same."""
    for one in findings:
        yield warn(one.name, one.message, one.remediation or "") if one.status is Status.FAIL else one
