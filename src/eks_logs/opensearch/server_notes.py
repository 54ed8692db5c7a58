"""What an operator should know of a plan: the steps that a server does not have, and what takes their place."""

import json
import shlex
from collections.abc import Iterator, Sequence

from eks_logs.opensearch.ism_policy import dated
from eks_logs.opensearch.target import ROLE, Wanted


def serverless_notes(wanted: Wanted) -> Iterator[str]:
    """What OpenSearch Serverless has instead of roles and Index State Management."""
    if wanted.role is not None:
        return
    policy = shlex.quote(json.dumps(_data_access_policy(wanted), separators=(",", ":")))
    yield (
        f"role {ROLE} and its rolesmapping do not exist on OpenSearch Serverless; a data access policy takes their "
        f"place (name your collection in it): aws opensearchserverless create-access-policy --type data --name {ROLE} "
        f"--policy {policy}"
    )
    if wanted.policy is not None:
        yield (
            "retention: OpenSearch Serverless has no Index State Management; a data lifecycle policy takes its place: "
            "aws opensearchserverless create-lifecycle-policy --type retention"
        )


def _data_access_policy(wanted: Wanted) -> list[dict[str, object]]:
    """AWS, "Data access control for Amazon OpenSearch Serverless", policy syntax."""
    rule = {
        "ResourceType": "index",
        "Resource": [f"index/<collection>/{pattern}" for pattern in wanted.template["index_patterns"]],
        "Permission": ["aoss:CreateIndex", "aoss:WriteDocument"],
    }
    return [{"Rules": [rule], "Principal": [wanted.iam_role_arn]}]


def no_ism_note() -> str:
    """What to say where retention was asked for and the server cannot do it."""
    return "retention: this server has no Index State Management (ISM), so nothing deletes old indices; do it yourself"


def older_indices_note(wanted: Wanted, indices: Sequence[str], *, replaced: bool) -> str:
    """What to say of indices that a new policy does not hold for.

    A policy's template is for indices made after it, and indices keep the policy that they were given (OpenSearch
    documentation, "Policies" and "ISM API").
    """
    verb, names = "change_policy" if replaced else "add", dated(wanted.index)
    return (
        f"retention: this holds for new indices; for the {len(indices)} that are there, too: "
        f'POST /_plugins/_ism/{verb}/{names} {{"policy_id":"{wanted.index}"}}'
    )
