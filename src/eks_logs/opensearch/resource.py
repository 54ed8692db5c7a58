"""What every resource in OpenSearch has in common: how it is read, compared, planned, checked and taken away.

A further kind of resource is a class of this kind, its JSON beside it, and a line in registry.py.
"""

import json
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

from eks_logs.errors import Conflict, SetupError
from eks_logs.findings import Finding
from eks_logs.opensearch.client import Client
from eks_logs.opensearch.indices import ExistingIndex
from eks_logs.opensearch.target import Target
from eks_logs.plan import Json, Step, diff_of

_CONFLICT_SECONDS = 60
_LONGEST_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Current:
    """What the server holds of one resource.

    Attributes:
        body: None where there is nothing.
        id: Where the server gave it one.
        seq_no: What a change must name, where the API has it, with `primary_term`.
        others: Resources of the same kind that others made, by name, where they matter.
    """

    body: Json | None = None
    id: str = ""
    seq_no: int | None = None
    primary_term: int | None = None
    others: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """What was read from a server, and an error where it could not be read.

    Attributes:
        current: By kind of resource; none of what Serverless does not have.
        mapped: Who else has the function's role in OpenSearch, and so writes with what is there.
        indices: Those whose names or aliases begin like ours.
        settings: Of the cluster; empty on Serverless.
        shards: How many there are in the cluster, and on how many data nodes; none on Serverless.
        clusters: Other clusters that have records in our indices; None where there are no records, or nobody looked.
        today: In UTC.
    """

    current: Mapping[str, Current | SetupError]
    mapped: tuple[str, ...] = ()
    indices: tuple[ExistingIndex, ...] | SetupError = ()
    settings: Json | SetupError = field(default_factory=dict)
    shards: tuple[int, int] | SetupError = (0, 0)
    clusters: tuple[str, ...] | None = None
    today: date = date.min


class Resource(ABC):
    """One kind of resource; each method but `read` and `execute` is pure.

    Attributes:
        kind: As titles have it.
        link: What a check calls it.
        on_serverless: Whether OpenSearch Serverless has it.
        is_optional: Whether a server may lack its API.
        is_grant: Whether it lets the function write: that goes first when all goes.
        without: What is said where the server does not have it.
    """

    kind: ClassVar[str]
    link: ClassVar[str]
    on_serverless: ClassVar[bool] = False
    is_optional: ClassVar[bool] = False
    is_grant: ClassVar[bool] = False
    without: ClassVar[str] = ""

    @abstractmethod
    def name(self, target: Target) -> str:
        """What it is called."""

    @abstractmethod
    def path(self, target: Target) -> str:
        """Where it is in the REST API."""

    @abstractmethod
    def desired(self, target: Target, current: Current) -> Json | None:
        """What it should hold; None where it is not asked for."""

    @abstractmethod
    def read(self, client: Client, target: Target) -> Current:
        """What the server holds.

        Raises:
            NotThere: it has nothing of that name.
            SetupError: it could not be read.
        """

    def comparable(self, body: Json) -> Any:
        """What of a body counts when two are compared; it is also what a diff shows."""
        return canonical(body)

    def refusal(self, target: Target, current: Current) -> str | None:
        """Why it must not be changed: it is another's, or the server's own. None where it may."""
        return None

    def request(self, target: Target, current: Current, desired: Json) -> tuple[str, str, Any]:
        """Method, path and body of the request that makes it so."""
        return "PUT", self.path(target), desired

    def step(self, target: Target, current: Current) -> Step | None:
        """The change from what is there to what should be; None if nothing differs."""
        desired = self.desired(target, current)
        if desired is None:
            return None
        before, after = None if current.body is None else self.comparable(current.body), self.comparable(desired)
        if before == after:
            return None
        method, path, body = self.request(target, current, desired)
        title = f"{'create' if current.body is None else 'change'} {self.kind} {self.name(target)}"
        return Step(self.kind, title, method, path, body, diff_of(before, after))

    def is_ours(self, target: Target, current: Current) -> bool:
        """Whether this tool made it."""
        return True

    def users(self, state: State) -> tuple[str, ...]:
        """Who else uses it."""
        return state.mapped

    def chosen(self, target: Target, current: Current) -> Iterable[str]:
        """The options that change what is there, such as `--retention-days 30 (90 now)`."""
        return ()

    def removal(self, target: Target, current: Current, state: State) -> Step | None:
        """The step that takes it away; None while others use it."""
        if current.body is None or self.users(state) or not self.is_ours(target, current):
            return None
        shown = diff_of(self.comparable(current.body), {})
        return Step(self.kind, f"delete {self.kind} {self.name(target)}", "DELETE", self.path(target), None, shown)

    def execute(self, client: Client, step: Step, target: Target) -> None:
        """Make one change."""
        client.send(step)

    def holds(self, target: Target) -> str:
        """What a check says where it is as it should be."""
        return f"{self.kind} {self.name(target)} is as it should be"

    def differs(self, target: Target, current: Current) -> str:
        """What a check says where it is not."""
        return f"{self.kind} {self.name(target)} {'is missing' if current.body is None else 'was changed'}"

    def findings(self, target: Target, current: Current, state: State) -> Iterable[Finding]:
        """What of others stands in its way."""
        return ()

    def notes(self, target: Target, state: State, step: Step | None) -> Iterable[str]:
        """What else to say of it in a plan."""
        return ()


def canonical(value: Any) -> Any:
    """JSON with every scalar as text, since the server gives settings back as strings; empty parts do not count."""
    if isinstance(value, Mapping):
        parts = {name: canonical(part) for name, part in value.items()}
        return {name: part for name, part in parts.items() if part not in ({}, [])}
    if isinstance(value, list):
        return [canonical(part) for part in value]
    return json.dumps(value) if isinstance(value, bool) else str(value)


def despite_conflicts(write: Callable[[], bool]) -> None:
    """Write until it is done, a minute at most.

    The security plugin keeps all resources of a kind in one document, and answers 409 where two change it at once.

    Args:
        write: Reads what is there now, writes, and says whether it is done.

    Raises:
        Conflict: it was still refused after a minute.
    """
    start, pause = time.monotonic(), 0.05
    while True:
        try:
            if write():
                return
        except Conflict:
            if time.monotonic() - start > _CONFLICT_SECONDS:
                raise
        if time.monotonic() - start > _CONFLICT_SECONDS:
            raise Conflict("others change the same thing again and again; run again when they have done")
        time.sleep(random.SystemRandom().uniform(pause / 2, pause * 2))  # apart from the others
        pause = min(2 * pause, _LONGEST_PAUSE)
