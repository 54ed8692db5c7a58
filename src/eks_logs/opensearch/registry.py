"""The resources that the function needs in OpenSearch, and what is done with all of them alike."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial
from typing import TypeVar

from eks_logs.errors import Conflict, NotProvided, NotThere, ReservedResource, SetupError
from eks_logs.findings import Finding, fail, ok, skipped
from eks_logs.opensearch import records
from eks_logs.opensearch.client import Client
from eks_logs.opensearch.conflicts import as_warnings, check_creation, check_room, index_conflicts
from eks_logs.opensearch.index_template import IndexTemplate
from eks_logs.opensearch.indices import belongs_to, read_indices
from eks_logs.opensearch.ism_policy import IsmPolicy
from eks_logs.opensearch.records import IndexRecords
from eks_logs.opensearch.resource import Current, Resource, State
from eks_logs.opensearch.role import Role
from eks_logs.opensearch.role_mapping import RoleMapping, others
from eks_logs.opensearch.target import Target
from eks_logs.plan import Plan, Step

RESOURCES: tuple[Resource, ...] = (
    Role(),
    RoleMapping(),
    IndexTemplate(),
    IsmPolicy(),
)
"""In the order in which they are made: each needs those before it."""

_MOST_NAMED = 3

Read = TypeVar("Read")


def read(client: Client, target: Target, today: date, *, with_clusters: bool = False) -> State:
    """Read everything that a plan compares and a check judges; nothing is raised.

    Args:
        client: The domain, as the caller may use it.
        target: What it should hold.
        today: In UTC.
        with_clusters: Whether to see which other clusters have records in our indices.
    """
    current = {
        one.kind: attempt(partial(_read, one, client, target))
        for one in RESOURCES
        if one.on_serverless or not target.is_serverless
    }
    mapping = current.get(RoleMapping.kind)
    clusters = attempt(partial(records.other_clusters, client, target)) if with_clusters else None
    return State(
        current=current,
        mapped=others(mapping.body, target) if isinstance(mapping, Current) else (),
        indices=attempt(lambda: read_indices(client, target.index)),
        settings={} if target.is_serverless else attempt(lambda: dict(client.cluster_settings())),
        shards=(0, 0) if target.is_serverless else attempt(client.shards),
        clusters=None if isinstance(clusters, SetupError) else clusters,
        today=today,
    )


def _read(resource: Resource, client: Client, target: Target) -> Current:
    try:
        return resource.read(client, target)
    except NotThere:
        return Current()


def attempt(read: Callable[[], Read]) -> Read | SetupError:
    """What is read, or the error that kept it from being read."""
    try:
        return read()
    except SetupError as error:
        return error


def plan(state: State, target: Target) -> Plan:
    """The steps that lead to what should be, in the order to take them; none if nothing differs.

    Raises:
        SetupError: something could not be read, or cannot be changed.
    """
    steps: list[Step] = []
    findings: list[Finding] = []
    notes: list[str] = []
    for one in RESOURCES:
        current = _readable(one, state)
        step = None
        if current is not None:
            _refuse(one, target, current)
            step = one.step(target, current)
            findings += [*one.findings(target, current, state), *_shared(one, target, current, state, step)]
        steps += [step] if step else []
        notes += one.notes(target, state, step)
    if isinstance(state.indices, SetupError):
        raise state.indices
    findings += index_conflicts(state.indices, target)
    if isinstance(state.settings, dict) and not target.is_serverless:
        creation = check_creation(state.settings, state.indices, target, state.today)
        room = check_room(state.settings, state.shards, state.indices, target, state.today)
        findings += as_warnings(one for one in (creation, *room) if one.remediation)
    return Plan(tuple(steps), tuple(findings), tuple(notes))


def _readable(resource: Resource, state: State) -> Current | None:
    """What there is of a resource; None where the server does not have the like.

    Raises:
        SetupError: it could not be read.
    """
    current = state.current.get(resource.kind)
    if isinstance(current, NotProvided) and resource.is_optional:
        return None
    if isinstance(current, SetupError):
        raise current
    return current


def _shared(resource: Resource, target: Target, current: Current, state: State, step: Step | None) -> Iterator[Finding]:
    """A change that one operator's options would make for everybody else, too."""
    users, chosen = resource.users(state), tuple(resource.chosen(target, current))
    if step is None or not users or not chosen or target.change_shared:
        return
    yield fail(
        "shared",
        f"{resource.kind} {resource.name(target)} is used by others, too ({_named(users)}), and {' and '.join(chosen)} "
        "would change it for all of them",
        "leave the option away, take an IndexName of your own, or add --change-shared if all agree",
    )


def _named(users: tuple[str, ...]) -> str:
    more = len(users) - _MOST_NAMED
    return ", ".join(users[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def plan_removal(
    state: State, target: Target, counted: Iterable[IndexRecords] = (), *, with_indices: bool = False
) -> Plan:
    """The steps that take away what `plan` made for this index and this IAM role; nothing else.

    What others use stays: other stacks' functions write with it. So do records, unless they are to go.

    Args:
        state: What is there.
        target: Whose it is.
        counted: What our indices hold.
        with_indices: Whether the cluster's records are to go.

    Raises:
        SetupError: something could not be read, or cannot be changed.
    """
    steps: list[Step] = []
    notes: list[str] = []
    for one in sorted(RESOURCES, key=lambda one: not one.is_grant):
        current = _readable(one, state)
        if current is None or current.body is None:
            continue
        if one.is_ours(target, current):
            _refuse(one, target, current)
        step = one.removal(target, current, state)
        steps += [step] if step else []
        notes += _of_removal(one, target, state, step, with_indices=with_indices)
    if with_indices and target.cluster:
        steps += records.removal_steps(counted, target.cluster, is_shared=bool(state.mapped))
    indices = () if isinstance(state.indices, SetupError) else state.indices
    there = [one.name for one in indices if belongs_to(one.name, target.index)]
    if there and not with_indices:
        notes.append(
            f"{len(there)} indices stay with their records, {there[0]} first: --delete-indices deletes those of this "
            "cluster"
        )
    return Plan(tuple(steps), notes=tuple(notes))


def _of_removal(one: Resource, target: Target, state: State, step: Step | None, *, with_indices: bool) -> Iterator[str]:
    """Why it stays, or what is to be known of its going."""
    if users := one.users(state):
        by_hand = f"; when nobody needs it, in Dev Tools: DELETE {one.path(target)}" if one.is_optional else ""
        yield f"{one.kind} {one.name(target)} stays: others use it ({_named(users)}){by_hand}"
    elif step is None:
        yield f"{one.kind} {one.name(target)} stays: this command did not make it"
    elif one.is_optional and not with_indices:
        yield (
            "indices that the policy manages are deleted when they are due all the same; to keep them, in Dev Tools: "
            f"POST /_plugins/_ism/remove/{target.dated}"
        )


def _refuse(resource: Resource, target: Target, current: Current) -> None:
    reason = resource.refusal(target, current)
    if reason is not None:
        raise ReservedResource(reason)


def execute(client: Client, step: Step, target: Target, say: Callable[[str], None]) -> None:
    """Take one step; `say` gets a line on what is waited for.

    Raises:
        Conflict: others came to use what was to be deleted.
        SetupError: it is refused.
    """
    if step.resource == records.KIND:
        records.remove(client, step, target.cluster, say)
        return
    resource = next(one for one in RESOURCES if one.kind == step.resource)
    if step.method == "DELETE" and not resource.is_grant and not target.is_serverless:
        now = read(client, target, date.min, with_clusters=True)
        if users := resource.users(now):
            raise Conflict(
                f"others came to use {resource.kind} {resource.name(target)} ({_named(users)}): it stays; run again"
            )
    resource.execute(client, step, target)


def check(state: State, target: Target, apply: str) -> Iterator[Finding]:
    """A finding for each resource; `apply` is the command that makes it as it should be."""
    for one in RESOURCES:
        current = state.current.get(one.kind)
        if current is None:
            if one.without:
                yield skipped(one.link, one.without)
        elif isinstance(current, SetupError):
            if not one.is_optional or one.desired(target, Current()) is not None:
                yield skipped(one.link, str(current))
        elif one.desired(target, current) is not None:
            if one.step(target, current) is None:
                yield ok(one.link, one.holds(target))
            else:
                yield fail(one.link, one.differs(target, current), apply)
            yield from one.findings(target, current, state)
