"""The role of the security plugin that lets the function send bulk requests to its indices, and nothing else."""

import json
import shlex
from collections.abc import Iterable
from typing import Any

from eks_logs.opensearch import json_file
from eks_logs.opensearch.client import Client
from eks_logs.opensearch.resource import Current, Resource, State, despite_conflicts
from eks_logs.opensearch.target import ROLE, Target
from eks_logs.plan import Json, Step

ROLE_PATH = f"/_plugins/_security/api/roles/{ROLE}"
NO_ROLES = (
    "OpenSearch Serverless has data access policies in place of roles: aws opensearchserverless list-access-policies "
    "--type data"
)

_GRANTED = ("index_patterns", "allowed_actions")
_RESTRICTIONS = ("dls", "fls", "masked_fields")


class Role(Resource):
    """One role for all stacks of a domain."""

    kind = "role"
    link = "rights"
    without = NO_ROLES

    def name(self, target: Target) -> str:
        """Its name."""
        return ROLE

    def path(self, target: Target) -> str:
        """Where it is."""
        return ROLE_PATH

    def read(self, client: Client, target: Target) -> Current:
        """What the server holds, under its name."""
        return Current(client.api.security.get_role(role=ROLE).get(ROLE))

    def desired(self, target: Target, current: Current) -> Json:
        """Least privilege on the indices of this name."""
        role = json_file("role.json")
        rights = [{**one, "index_patterns": [target.pattern]} for one in role["index_permissions"]]
        return {**role, "index_permissions": rights}

    def comparable(self, body: Json) -> Any:
        """What a role grants; restrictions that are empty count as none."""
        return {
            "cluster_permissions": sorted(body.get("cluster_permissions") or []),
            "index_permissions": [
                {name: sorted(rights.get(name) or []) for name in _GRANTED}
                | {name: rights[name] for name in _RESTRICTIONS if rights.get(name)}
                for rights in body.get("index_permissions") or []
            ],
            "tenant_permissions": list(body.get("tenant_permissions") or []),
        }

    def refusal(self, target: Target, current: Current) -> str | None:
        """The security plugin's own stay as they are."""
        return reserved(self.kind, current.body)

    def chosen(self, target: Target, current: Current) -> Iterable[str]:
        """Another index name, for which the role would no longer be for those of the others."""
        rights = (current.body or {}).get("index_permissions") or []
        patterns = [pattern for one in rights for pattern in one.get("index_patterns") or []]
        if patterns and target.pattern not in patterns:
            yield f"--index {target.index} (it is for {', '.join(patterns)} now)"

    def execute(self, client: Client, step: Step, target: Target) -> None:
        """Make one change; what is sent is the same for everybody."""

        def write() -> bool:
            client.send(step)
            return True

        despite_conflicts(write)

    def holds(self, target: Target) -> str:
        """What it allows."""
        return f"role {ROLE} allows bulk requests to {target.pattern}, and nothing else"

    def notes(self, target: Target, state: State, step: Step | None) -> Iterable[str]:
        """What OpenSearch Serverless has instead (AWS, "Data access control for Amazon OpenSearch Serverless")."""
        if not target.is_serverless:
            return
        rule = {
            "ResourceType": "index",
            "Resource": [f"index/<collection>/{target.pattern}"],
            "Permission": ["aoss:CreateIndex", "aoss:WriteDocument"],
        }
        policy = json.dumps([{"Rules": [rule], "Principal": [target.iam_role_arn]}], separators=(",", ":"))
        yield (
            f"role {ROLE} and its rolesmapping do not exist on OpenSearch Serverless; a data access policy takes their "
            f"place (put your collection's name for <collection>): aws opensearchserverless create-access-policy "
            f"--type data --name {ROLE} --policy {shlex.quote(policy)}"
        )


def reserved(kind: str, body: Json | None) -> str | None:
    """Why a resource of the security plugin itself must not be changed; None where it is none."""
    if body is None or not (body.get("reserved") or body.get("hidden")):
        return None
    return (
        f"the {kind} {ROLE} is reserved by the security plugin and cannot be changed; remove it from the plugin's "
        "configuration files first"
    )
