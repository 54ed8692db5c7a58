"""What OpenSearch should hold for the function."""

from dataclasses import dataclass
from typing import Any

from forwarder.index_names import NONE
from opensearch_setup.resources import resource
from opensearch_setup.retention import policy
from opensearch_setup.server import Server

ROLE = "eks-control-plane-logs-writer"
TEMPLATE = "eks-control-plane-logs"
INDEX = "eks-control-plane-logs"

# What OpenSearch Serverless sees to itself, or knows other values of. Shards and replicas have no effect there
# (opensearch-project/opensearch-go #374); of codecs it has default, zstd and zstd_no_dict (AWS, "Zstandard Codec
# Support in Amazon OpenSearch Serverless"); when new documents can be searched depends on the type of collection.
_NOT_ON_SERVERLESS = ("number_of_shards", "number_of_replicas", "refresh_interval", "codec")


@dataclass(frozen=True, slots=True)
class Choices:
    """What an operator may choose.

    Attributes:
        rotation: One of forwarder.index_names.ROTATIONS, as the stack has it.
        retention_days: Delete indices whose records are older; None keeps them.
        priority: Of the index template; None is the usual one.
    """

    rotation: str = NONE
    retention_days: int | None = None
    priority: int | None = None


USUAL = Choices()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted, as the API takes it; `role` is None where there is no security API, `policy` where none is asked.

    `index` and `rotation` say which indices the function writes to, `iam_role_arn` who gets the role.
    """

    role: dict[str, Any] | None
    template: dict[str, Any]
    iam_role_arn: str
    index: str
    rotation: str
    policy: dict[str, Any] | None


def wanted(index: str, iam_role_arn: str, choices: Choices = USUAL, server: Server | None = None) -> Wanted:
    """What is wanted for an index name.

    Raises:
        NotUsable: retention is asked for, and the index is not rotated.
    """
    days = choices.retention_days
    serverless = server is not None and server.is_serverless
    return Wanted(
        role=None if serverless else _role(pattern_of(index)),
        template=_template(pattern_of(index), choices.priority, serverless=serverless),
        iam_role_arn=iam_role_arn,
        index=index,
        rotation=choices.rotation,
        policy=None if days is None else policy(index, choices.rotation, days),
    )


def pattern_of(index: str) -> str:
    """Which indices role and template are for.

    It is the same for all names that begin with INDEX: several stacks of one domain share role and template, and would
    otherwise take them away from each other.
    """
    return f"{INDEX if index.startswith(INDEX) else index}*"


def _role(pattern: str) -> dict[str, Any]:
    role = resource("role.json")
    return {
        **role,
        "index_permissions": [{**rights, "index_patterns": [pattern]} for rights in role["index_permissions"]],
    }


def _template(pattern: str, priority: int | None, *, serverless: bool) -> dict[str, Any]:
    template = resource("index_template.json")
    settings = template["template"]["settings"]["index"]
    for name in _NOT_ON_SERVERLESS if serverless else ():
        settings.pop(name, None)
    return {**template, "index_patterns": [pattern], "priority": priority or template["priority"]}
