"""How long indices are kept: a policy of Index State Management (ISM), which deletes whole indices.

Requests and answers: OpenSearch documentation, "ISM API" and "Policies".
"""

import json
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from eks_logs.errors import NotProvided
from eks_logs.opensearch import json_file
from eks_logs.opensearch.client import Client
from eks_logs.opensearch.indices import belongs_to
from eks_logs.opensearch.resource import Current, Resource, State
from eks_logs.opensearch.target import Target
from eks_logs.plan import Json, Step
from forwarder.index_names import DAILY, MONTHLY, WEEKLY

# An index is as old as its first record at most; its last one comes up to this many days later.
_DAYS_OF_AN_INDEX = {DAILY: 1, WEEKLY: 7, MONTHLY: 31}


class IsmPolicy(Resource):
    """One policy for each index name."""

    kind = "ISM policy"
    link = "retention"
    is_optional = True

    def name(self, target: Target) -> str:
        """That of the index, so that stacks of other indices do not share it."""
        return target.index

    def path(self, target: Target) -> str:
        """Where it is."""
        return f"/_plugins/_ism/policies/{target.index}"

    def read(self, client: Client, target: Target) -> Current:
        """What the server holds, and what an update must name."""
        found = client.api.plugins.index_management.get_policy(target.index)
        return Current(found["policy"], seq_no=found["_seq_no"], primary_term=found["_primary_term"])

    def desired(self, target: Target, current: Current) -> Json | None:
        """Every record is kept for at least so many days."""
        if target.retention_days is None:
            return None
        policy = json_file("ism_policy.json")
        policy["states"][0]["transitions"][0]["conditions"]["min_index_age"] = _age(target)
        policy["ism_template"][0]["index_patterns"] = [target.dated]
        return policy

    def comparable(self, body: Json) -> Any:
        """What a policy says, without what the server adds: ids, times, and how an action is tried again."""
        templates = body.get("ism_template") or ()
        return {
            "description": body.get("description"),
            "default_state": body.get("default_state"),
            "states": [_comparable_state(state) for state in body.get("states") or ()],
            "ism_template": [{name: one.get(name) for name in ("index_patterns", "priority")} for one in templates],
        }

    def refusal(self, target: Target, current: Current) -> str | None:
        """A policy of another's making stays as it is."""
        if target.retention_days is None or current.body is None or self.is_ours(target, current):
            return None
        return (
            f"there is an ISM policy {target.index} that this command did not make; leave --retention-days away and "
            "let that policy delete indices, or have its owner rename it"
        )

    def request(self, target: Target, current: Current, desired: Json) -> tuple[str, str, Any]:
        """An update names what it changes; somebody else's in between is not lost."""
        path = self.path(target)
        if current.body is not None:
            path = f"{path}?if_seq_no={current.seq_no}&if_primary_term={current.primary_term}"
        return "PUT", path, {"policy": desired}

    def is_ours(self, target: Target, current: Current) -> bool:
        """Known by its description."""
        return bool((current.body or {}).get("description") == json_file("ism_policy.json")["description"])

    def users(self, state: State) -> tuple[str, ...]:
        """Whose records are in our indices; where there are none yet, whoever else writes with our role."""
        if state.clusters is None:
            return state.mapped
        return tuple(f"cluster {name}" for name in state.clusters)

    def chosen(self, target: Target, current: Current) -> Iterable[str]:
        """Another time, by days or by rotation."""
        now = _age_of(current.body or {})
        if target.retention_days is not None and now is not None and now != _age(target):
            yield f"--retention-days {target.retention_days} (an index goes after {now} now)"

    def notes(self, target: Target, state: State, step: Step | None) -> Iterable[str]:
        """What has no such policy, and which indices the policy does not hold for.

        A policy's template is for indices made after it, and indices keep the policy that they were given (OpenSearch
        documentation, "Policies" and "ISM API").
        """
        if target.retention_days is None:
            return
        if target.is_serverless:
            rule = {
                "ResourceType": "index",
                "Resource": [f"index/<collection>/{target.pattern}"],
                "MinIndexRetention": f"{target.retention_days}d",
            }
            policy = shlex.quote(json.dumps({"Rules": [rule]}, separators=(",", ":")))
            yield (
                "retention: OpenSearch Serverless has no Index State Management; a data lifecycle policy takes its "
                "place (put your collection's name for <collection>): aws opensearchserverless create-lifecycle-policy "
                f"--type retention --name {target.index} --policy {policy}"
            )
            return
        current = state.current.get(self.kind)
        if isinstance(current, NotProvided):
            yield (
                "retention: this server has no Index State Management (ISM), so nothing deletes old indices; do it "
                "yourself"
            )
            return
        found = state.indices if isinstance(state.indices, tuple) else ()
        older = [one.name for one in found if one.name != target.index and belongs_to(one.name, target.index)]
        if step is not None and older:
            verb = "add" if isinstance(current, Current) and current.body is None else "change_policy"
            yield (
                f"retention: this holds for new indices; for the {len(older)} that are there, too, in Dev Tools: "
                f'POST /_plugins/_ism/{verb}/{target.dated} {{"policy_id":"{target.index}"}}'
            )


def _age(target: Target) -> str:
    return f"{(target.retention_days or 0) + _DAYS_OF_AN_INDEX[target.rotation]}d"


def _age_of(body: Json) -> str | None:
    """The age at which a policy of ours deletes an index."""
    for state in body.get("states") or ():
        for transition in state.get("transitions") or ():
            age = (transition.get("conditions") or {}).get("min_index_age")
            if age is not None:
                return str(age)
    return None


def _comparable_state(state: Mapping[str, Any]) -> dict[str, Any]:
    actions = [
        {name: settings for name, settings in action.items() if name != "retry"}
        for action in state.get("actions") or ()
    ]
    return {"name": state.get("name"), "actions": actions, "transitions": list(state.get("transitions") or ())}
