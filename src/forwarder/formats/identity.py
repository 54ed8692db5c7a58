"""Whose identity it is: one block `actor` for audit events and authenticator lines, so that one query follows both.

Sources: aws-iam-authenticator, pkg/server (the `uid` it gives a user); AWS, "IAM identifiers" (ARNs and unique ids).
"""

import re

from forwarder.field_shapes import Keyword, Keywords, object_of
from forwarder.json_values import JsonObject, JsonValue, as_object

IAM = "iam"
SERVICE_ACCOUNT = "service_account"
NODE = "node"
COMPONENT = "component"
ANONYMOUS = "anonymous"
USER = "user"

_ASSUMED_ROLE = re.compile(
    r"arn:(?P<partition>[^:]+):sts::(?P<account>\d*):assumed-role/(?P<role>.+)/(?P<session>[^/]+)"
)
_ARN_ACCOUNT = re.compile(r"arn:[^:]+:(?:iam|sts)::(?P<account>\d+):")
# The second is its name of before 2019.
AUTHENTICATORS = ("aws-iam-authenticator:", "heptio-authenticator-aws:")
_AUTHENTICATOR_UID = re.compile(rf"(?:{'|'.join(AUTHENTICATORS)})(?P<account>\d*):(?P<principal>\w+)")
SERVICE_ACCOUNT_NAME = re.compile(r"system:serviceaccount:(?P<namespace>[^:]+):(?P<name>[^:]+)")
NODE_PREFIX = "system:node:"
EVERYBODY = frozenset({"system:authenticated"})
_NODES = "system:nodes"
_NODE_GROUPS = EVERYBODY | {_NODES, "system:bootstrappers", "system:node-proxier"}
# Roles of EKS itself, in an account of AWS, and the name that each has in a cluster.
_EKS_ROLES = {
    "eks:addon-manager": re.compile(r"AWSWesleyClusterManagerLambda-Add-AddonManagerRole-\w+"),
    "eks:fargate-manager": re.compile(r"AWSWesleyClusterManagerLambda-FargateManagerRole-\w+"),
    "eks:node-manager": re.compile(r"AWSWesleyClusterManagerLambda-NodeManagerRole-\w+"),
}
_ROLE = re.compile(r"arn:[^:]+:(?:iam::(?P<of_role>\d+):role|sts::(?P<of_session>\d+):assumed-role)/(?P<role>[^/]+).*")

_ACTOR = object_of(
    {
        "username": Keyword(),
        "groups": Keywords(),
        "kind": Keyword(32),
        "namespace": Keyword(),
        "name": Keyword(),
        "iam_arn": Keyword(),
        "iam_account": Keyword(32),
        "iam_principal": Keyword(),
        "session_name": Keyword(),
        "access_key_id": Keyword(128),
        "source_ip": Keyword(64),
        "impersonates": Keyword(),
    }
)


def actor_of(**members: JsonValue) -> JsonObject:
    """The block of these members, fitted to the index template; of a service account its namespace and name too."""
    username, arn = members.get("username"), members.get("iam_arn")
    if members.get("kind") == SERVICE_ACCOUNT and (account := SERVICE_ACCOUNT_NAME.fullmatch(str(username))):
        members |= account.groupdict()
    if isinstance(arn, str):
        members["iam_arn"] = iam_identity(arn)
    return as_object(_ACTOR({name: value for name, value in members.items() if value}))


def iam_kind(username: str, groups: list[JsonValue], arn: str | None, owner: str) -> str:
    """What an IAM identity is: it has any name that `aws-auth` gives it, so its groups and its role must fit that."""
    if username.startswith(NODE_PREFIX) and _NODES in groups and _NODE_GROUPS.issuperset(map(str, groups)):
        return NODE
    name, role = _EKS_ROLES.get(username), _ROLE.fullmatch(arn or "")
    if name is None or role is None or name.fullmatch(role["role"]) is None:
        return IAM
    account = role["of_role"] or role["of_session"]
    return COMPONENT if account != owner and EVERYBODY.issuperset(map(str, groups)) else IAM


def iam_identity(arn: str) -> str:
    """The IAM role behind a session's ARN; any other ARN as it is. A role's path is not part of a session's ARN."""
    session = _ASSUMED_ROLE.fullmatch(arn)
    return f"arn:{session['partition']}:iam::{session['account']}:role/{session['role']}" if session else arn


def uid_part(uid: str, part: str) -> str | None:
    """The `account` or the `principal` in the uid that the authenticator gives a user."""
    match = _AUTHENTICATOR_UID.fullmatch(uid)
    return match[part] if match else None


def account_of(arn: str | None) -> str | None:
    """The AWS account of an ARN of IAM or STS."""
    match = _ARN_ACCOUNT.match(arn or "")
    return match["account"] if match else None


def session_of(arn: str | None) -> str | None:
    """The session's name in the ARN of an assumed role."""
    match = _ASSUMED_ROLE.fullmatch(arn or "")
    return match["session"] if match else None
