"""What OpenSearch should hold for the function."""

from dataclasses import dataclass
from typing import Any

from opensearch_setup.resources import resource

ROLE = "eks-control-plane-logs-writer"
TEMPLATE = "eks-control-plane-logs"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The role and the index template as the API takes them, and the IAM role that gets the role."""

    role: dict[str, Any]
    template: dict[str, Any]
    iam_role_arn: str


def wanted(index: str, iam_role_arn: str) -> Wanted:
    """What is wanted for an index name (and the names that begin with it)."""
    pattern = [f"{index}*"]
    role, template = resource("role.json"), resource("index_template.json")
    role["index_permissions"] = [{**rights, "index_patterns": pattern} for rights in role["index_permissions"]]
    return Wanted(role, {**template, "index_patterns": pattern}, iam_role_arn)
