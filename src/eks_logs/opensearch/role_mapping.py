"""Who has the role: the function's IAM role is added to those of others, and taken out again, one by one.

Several pipelines do so at the same time. The security plugin has no compare-and-swap for its callers, and of JSON patch
it takes add, remove and replace. So each write changes one entry, is tried again on 409, and is read back.
"""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from eks_logs.errors import NotThere, Rejected
from eks_logs.opensearch import json_file
from eks_logs.opensearch.client import Client
from eks_logs.opensearch.resource import Current, Resource, State, despite_conflicts
from eks_logs.opensearch.role import NO_ROLES, reserved
from eks_logs.opensearch.target import ROLE, Target
from eks_logs.plan import Json, Step, diff_of

MAPPING_PATH = f"/_plugins/_security/api/rolesmapping/{ROLE}"

_PRINCIPALS = ("backend_roles", "and_backend_roles", "hosts", "users")
# Who saw no list yet may write a new one in this time, over that of others.
_SETTLE_SECONDS = 1.0


class RoleMapping(Resource):
    """One role mapping for all stacks of a domain."""

    kind = "rolesmapping"
    link = "mapped"
    is_grant = True
    without = NO_ROLES

    def name(self, target: Target) -> str:
        """Its name."""
        return ROLE

    def path(self, target: Target) -> str:
        """Where it is."""
        return MAPPING_PATH

    def read(self, client: Client, target: Target) -> Current:
        """What the server holds, under its name."""
        try:
            return Current(client.api.security.get_role_mapping(role=ROLE).get(ROLE))
        except NotThere:
            return Current()

    def desired(self, target: Target, current: Current) -> Json:
        """What is there, with the function's role."""
        there = {name: list((current.body or {}).get(name) or []) for name in _PRINCIPALS}
        if target.iam_role_arn not in there["backend_roles"]:
            there["backend_roles"].append(target.iam_role_arn)
        return there

    def comparable(self, body: Json) -> Any:
        """Who is mapped, in any order."""
        return {name: sorted(set(body.get(name) or [])) for name in _PRINCIPALS}

    def refusal(self, target: Target, current: Current) -> str | None:
        """The security plugin's own stay as they are."""
        return reserved(self.kind, current.body)

    def request(self, target: Target, current: Current, desired: Json) -> tuple[str, str, Any]:
        """One entry more; only where there is nothing yet, the whole."""
        role = target.iam_role_arn
        if current.body is None:
            return "PUT", MAPPING_PATH, {**json_file("role_mapping.json"), "backend_roles": [role]}
        if not current.body.get("backend_roles"):  # an empty list is not stored, and nothing can be added to it
            return "PATCH", MAPPING_PATH, [{"op": "add", "path": "/backend_roles", "value": [role]}]
        return "PATCH", MAPPING_PATH, [{"op": "add", "path": "/backend_roles/-", "value": role}]

    def removal(self, target: Target, current: Current, state: State) -> Step | None:
        """All of it, or where others are mapped our entry alone."""
        if current.body is None:
            return None
        if not others(current.body, target):
            return super().removal(target, current, state)
        roles = _roles(current)
        places = [place for place, role in enumerate(roles) if role == target.iam_role_arn]
        if not places:
            return None
        rest = {**current.body, "backend_roles": [role for role in roles if role != target.iam_role_arn]}
        return Step(
            self.kind,
            f"take the function's role out of rolesmapping {ROLE}",
            "PATCH",
            MAPPING_PATH,
            [*_guard(len(roles)), *({"op": "remove", "path": f"/backend_roles/{place}"} for place in reversed(places))],
            diff_of(self.comparable(current.body), self.comparable(rest)),
        )

    def execute(self, client: Client, step: Step, target: Target) -> None:
        """Make one change, as it has to be made by now.

        Raises:
            Conflict: others change it again and again, or took it back.
        """
        if step.method == "DELETE" or any(one["op"] == "remove" for one in step.body if step.method == "PATCH"):
            despite_conflicts(lambda: self._is_taken_out(client, target))
        else:
            despite_conflicts(lambda: self._is_added(client, target))

    def _is_added(self, client: Client, target: Target) -> bool:
        current = self.read(client, target)
        step = self.step(target, current)
        if step is None:
            return True
        client.send(step)
        if not _roles(current):
            time.sleep(_SETTLE_SECONDS)
        return self.step(target, self.read(client, target)) is None

    def _is_taken_out(self, client: Client, target: Target) -> bool:
        before = self.read(client, target)
        step = self.removal(target, before, State({}))
        if step is None:
            return True
        try:
            client.send(step)
        except Rejected:
            if self.read(client, target) != before:  # others were faster, and the places are not those that were read
                return False
            raise
        after = self.read(client, target)
        if self.removal(target, after, State({})) is None:
            return True
        # Ours is still there: one left and one came in between, and the place was another's. It gets the role back.
        for lost in sorted(set(_roles(before)) - set(_roles(after))):
            back = Target(target.index, lost, target.server)
            despite_conflicts(partial(self._is_added, client, back))
        return False

    def holds(self, target: Target) -> str:
        """Who is mapped."""
        return f"{target.iam_role_arn} is mapped to role {ROLE}"

    def differs(self, target: Target, current: Current) -> str:
        """Who is not."""
        return f"{target.iam_role_arn} is not mapped to role {ROLE}: it gets 403"


def others(body: Mapping[str, Any] | None, target: Target) -> tuple[str, ...]:
    """Who else is mapped: roles, users and hosts."""
    mapped = [entry for name in _PRINCIPALS for entry in (body or {}).get(name) or []]
    return tuple(str(entry) for entry in mapped if entry != target.iam_role_arn)


def _roles(current: Current) -> list[str]:
    return list((current.body or {}).get("backend_roles") or [])


def _guard(length: int) -> tuple[dict[str, str], ...]:
    """Operations that change nothing, and fail if the list is shorter than it was: a place is then another's by now."""
    place = f"/backend_roles/{length}"
    return ({"op": "add", "path": place, "value": "-"}, {"op": "remove", "path": place})
