"""How long indices are kept: a policy of Index State Management (ISM), which deletes whole indices.

Requests and answers: OpenSearch documentation, "ISM API" and "Policies".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eks_logs.errors import NotUsable
from forwarder.index_names import DAILY, MONTHLY, NONE, WEEKLY

_DESCRIPTION = "Amazon EKS control-plane logs: delete an index when each of its records is old enough"
_PRIORITY = 500

# An index is as old as its first record at most; its last one comes up to this many days later.
_DAYS_OF_AN_INDEX = {DAILY: 1, WEEKLY: 7, MONTHLY: 31}


@dataclass(frozen=True, slots=True)
class FoundPolicy:
    """A policy as the server has it, and what an update must name: `_seq_no` and `_primary_term`."""

    body: Mapping[str, Any]
    seq_no: int
    primary_term: int

    @property
    def is_ours(self) -> bool:
        """Whether this package made it."""
        return bool(self.body.get("description") == _DESCRIPTION)


def policy_path(index: str) -> str:
    """Where the policy of an index name is; each name has its own, so that stacks do not share one."""
    return f"/_plugins/_ism/policies/{index}"


def dated(index: str) -> str:
    """The pattern of an index name's dated indices, of this century, and of no others."""
    return f"{index}-2*"


def policy(index: str, rotation: str, days: int) -> dict[str, Any]:
    """The policy that keeps every record for at least so many days, as the API takes it.

    Raises:
        NotUsable: the index is not rotated.
    """
    if rotation == NONE:
        raise NotUsable(
            "--retention-days needs an index for each day, week or month, because ISM deletes whole indices: deploy "
            "the stack with IndexRotation daily, weekly or monthly, and say the same with --rotation"
        )
    age = {"min_index_age": f"{days + _DAYS_OF_AN_INDEX[rotation]}d"}
    return {
        "description": _DESCRIPTION,
        "default_state": "kept",
        "states": [
            {"name": "kept", "actions": [], "transitions": [{"state_name": "deleted", "conditions": age}]},
            {"name": "deleted", "actions": [{"delete": {}}], "transitions": []},
        ],
        "ism_template": [{"index_patterns": [dated(index)], "priority": _PRIORITY}],
    }


def found_policy(answer: Mapping[str, Any]) -> FoundPolicy | None:
    """The policy in an answer to GET; None where there is none."""
    if "policy" not in answer:
        return None
    return FoundPolicy(answer["policy"], answer["_seq_no"], answer["_primary_term"])


def comparable_policy(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a policy says, without what the server adds: ids, times, and how an action is tried again."""
    return {
        "description": body.get("description"),
        "default_state": body.get("default_state"),
        "states": [_comparable_state(state) for state in body.get("states") or ()],
        "ism_template": [
            {name: template.get(name) for name in ("index_patterns", "priority")}
            for template in body.get("ism_template") or ()
        ],
    }


def _comparable_state(state: Mapping[str, Any]) -> dict[str, Any]:
    actions = [
        {name: settings for name, settings in action.items() if name != "retry"}
        for action in state.get("actions") or ()
    ]
    return {"name": state.get("name"), "actions": actions, "transitions": list(state.get("transitions") or ())}
