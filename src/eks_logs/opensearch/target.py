"""What OpenSearch should hold for the function."""

from dataclasses import dataclass
from typing import Any

from eks_logs.opensearch import resource
from eks_logs.opensearch.ism_policy import policy
from eks_logs.opensearch.server import Server
from forwarder.index_names import NONE

ROLE = "eks-control-plane-logs-writer"
TEMPLATE = "eks-control-plane-logs"
INDEX = "eks-control-plane-logs"

# Who asks for these asks for a twin in `actor.*`, or seldom. Their doc values still find them, only slower.
_SELDOM_SEARCHED = (
    *("user.uid", "user.groups", "user.extra.principalId", "user.extra.arn", "user.extra.canonicalArn"),
    *("user.extra.sessionName", "user.extra.accessKeyId", "objectRef.uid", "objectRef.resourceVersion"),
)

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
    template = _template(server)
    priority = choices.priority or template["priority"]
    return Wanted(
        role=None if server and server.is_serverless else _role(pattern_of(index)),
        template={**template, "index_patterns": [pattern_of(index)], "priority": priority},
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


def _template(server: Server | None) -> dict[str, Any]:
    """The index template as it suits a server; as the resource has it, it suits every one with a security API."""
    template = resource("index_template.json")
    if server and server.is_serverless:
        settings = template["template"]["settings"]["index"]
        template["template"]["settings"]["index"] = {
            name: value for name, value in settings.items() if name not in _NOT_ON_SERVERLESS
        }
    if server and server.finds_by_doc_values:
        properties = template["template"]["mappings"]["properties"]
        _index_once(properties)
        for path in _SELDOM_SEARCHED:
            _leave_to_doc_values(properties, path)
    return template


def _index_once(properties: dict[str, Any]) -> None:
    """Take the inverted index from the subfields `.keyword` of keywords: the field above has the same one.

    They are there for visualizations that were made on a mapping of OpenSearch's own making, and go on working; without
    it an index of audit events is a tenth smaller (bench/index_cost.py).
    """
    for field in properties.values():
        _index_once(field.get("properties", {}))
        if field.get("type") == "keyword" and "keyword" in field.get("fields", {}):
            field["fields"]["keyword"]["index"] = False


def _leave_to_doc_values(properties: dict[str, Any], path: str) -> None:
    """Take the inverted index from a keyword itself; from all of _SELDOM_SEARCHED that is a twentieth of the size."""
    *parents, name = path.split(".")
    for parent in parents:
        properties = properties[parent]["properties"]
    properties[name]["index"] = False
