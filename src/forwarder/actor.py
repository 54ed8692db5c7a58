"""Who did it: one block for audit events and authenticator lines, so that one query follows an identity.

Sources: Kubernetes, "Authenticating" (reserved user names and groups) and audit.k8s.io/v1 (which of `sourceIPs` a
client can write); aws-iam-authenticator, pkg/server (the `uid` and `extra` it gives a user); AWS, "IAM identifiers"
(ARNs and unique ids).
"""

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache

from forwarder.field_shapes import Keyword, Keywords, first_keyword, object_of
from forwarder.json_values import JsonObject, JsonValue, as_keyword, as_keywords, as_object

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
_AUTHENTICATORS = ("aws-iam-authenticator:", "heptio-authenticator-aws:")
_AUTHENTICATOR_UID = re.compile(rf"(?:{'|'.join(_AUTHENTICATORS)})(?P<account>\d*):(?P<principal>\w+)")
_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]*)\](?::\d+)?|(?P<v4>[\d.]+):\d+")
_SERVICE_ACCOUNT = re.compile(r"system:serviceaccount:(?P<namespace>[^:]+):(?P<name>[^:]+)")
_NODE_PREFIX = "system:node:"
_EVERYBODY = frozenset({"system:authenticated"})
_NODES = "system:nodes"
_NODE_GROUPS = _EVERYBODY | {_NODES, "system:bootstrappers", "system:node-proxier"}
# EKS' own components have certificates, and no group but these.
_EKS_GROUPS = _EVERYBODY | {"system:masters"}
# A credential that is no certificate, but a token, such as an OpenID Connect provider's.
_CREDENTIAL, _TOKEN = "authentication.kubernetes.io/credential-id", "JTI="
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


def audit_actor(user: JsonObject, impersonated: JsonObject, source_ips: JsonValue, owner: str = "") -> JsonObject:
    """The actor of an audit event: its user, also where that acts as another.

    Args:
        user: the event's members, fitted already, as the next two.
        impersonated: as whom the user acts.
        source_ips: where the request came from.
        owner: the AWS account of the cluster, which has no role of EKS' own.
    """
    extra = as_object(user.get("extra"))
    username = as_keyword(user.get("username"))
    arn = first_keyword(extra.get("arn"))
    iam_arn = first_keyword(extra.get("canonicalArn")) or arn
    uid, groups = as_keyword(user.get("uid")) or "", as_keywords(user.get("groups"))
    return _actor(
        username=username,
        groups=groups,
        kind=_iam_kind(username or "", groups, iam_arn, owner)
        if iam_arn or uid.startswith(_AUTHENTICATORS)
        else _kind(username or "", groups, first_keyword(extra.get(_CREDENTIAL)) or ""),
        iam_arn=iam_arn,
        iam_account=_uid_part(uid, "account") or _account(iam_arn),
        iam_principal=first_keyword(extra.get("principalId")) or _uid_part(uid, "principal"),
        session_name=first_keyword(extra.get("sessionName")) or _session(arn),
        access_key_id=first_keyword(extra.get("accessKeyId")),
        source_ip=_peer(source_ips),
        impersonates=as_keyword(impersonated.get("username")),
    )


def authenticator_actor(pairs: Mapping[str, str], groups: list[JsonValue], owner: str = "") -> JsonObject:
    """The actor of an authenticator line; it has no source address, since the line's `client` is the API server."""
    username, arn, uid = pairs.get("username"), pairs.get("arn"), pairs.get("uid", "")
    if not (username or arn):
        return {}
    return _actor(
        username=username,
        groups=groups,
        kind=_iam_kind(username or "", groups, arn, owner),
        iam_arn=pairs.get("canonicalarn") or arn,
        iam_account=pairs.get("accountid") or _uid_part(uid, "account") or _account(arn),
        iam_principal=pairs.get("userid") or _uid_part(uid, "principal"),
        session_name=pairs.get("session") or _session(arn),
        access_key_id=pairs.get("accesskeyid"),
    )


def iam_identity(arn: str) -> str:
    """The IAM role behind a session's ARN; any other ARN as it is. A role's path is not part of a session's ARN."""
    session = _ASSUMED_ROLE.fullmatch(arn)
    return f"arn:{session['partition']}:iam::{session['account']}:role/{session['role']}" if session else arn


def _actor(**members: JsonValue) -> JsonObject:
    username, arn = members.get("username"), members.get("iam_arn")
    if members.get("kind") == SERVICE_ACCOUNT and (account := _SERVICE_ACCOUNT.fullmatch(str(username))):
        members |= account.groupdict()
    if isinstance(arn, str):
        members["iam_arn"] = iam_identity(arn)
    return as_object(_ACTOR({name: value for name, value in members.items() if value}))


def _peer(source_ips: JsonValue) -> str | None:
    """The last address, from which the API server was called: a client writes the others by X-Forwarded-For."""
    last = source_ips[-1] if isinstance(source_ips, list) and source_ips else None
    return _address(last) if isinstance(last, str) else None


@lru_cache(maxsize=1000)
def _address(text: str) -> str | None:
    """An address without what a program may write around it: blanks, a port, the zone of a link-local one."""
    text = text.strip()
    if with_port := _WITH_PORT.fullmatch(text):
        text = with_port["v6"] or with_port["v4"]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _iam_kind(username: str, groups: list[JsonValue], arn: str | None, owner: str) -> str:
    """What an IAM identity is: it has any name that `aws-auth` gives it, so its groups and its role must fit that."""
    if username.startswith(_NODE_PREFIX) and _NODES in groups and _NODE_GROUPS.issuperset(map(str, groups)):
        return NODE
    name, role = _EKS_ROLES.get(username), _ROLE.fullmatch(arn or "")
    if name is None or role is None or name.fullmatch(role["role"]) is None:
        return IAM
    account = role["of_role"] or role["of_session"]
    return COMPONENT if account != owner and _EVERYBODY.issuperset(map(str, groups)) else IAM


def _kind(username: str, groups: list[JsonValue], credential: str) -> str | None:
    """Whose name it is, of one who is no IAM identity."""
    if username == "system:anonymous":
        return ANONYMOUS
    if _SERVICE_ACCOUNT.fullmatch(username):
        return SERVICE_ACCOUNT
    # A provider of identities may give such a name to anybody, but not these groups.
    if username.startswith("system:") and not credential.startswith(_TOKEN):
        return NODE if username.startswith(_NODE_PREFIX) else COMPONENT
    if username.startswith("eks:") and not credential.startswith(_TOKEN) and _EKS_GROUPS.issuperset(map(str, groups)):
        return COMPONENT
    return USER if username else None


def _uid_part(uid: str, part: str) -> str | None:
    match = _AUTHENTICATOR_UID.fullmatch(uid)
    return match[part] if match else None


def _account(arn: str | None) -> str | None:
    match = _ARN_ACCOUNT.match(arn or "")
    return match["account"] if match else None


def _session(arn: str | None) -> str | None:
    match = _ASSUMED_ROLE.fullmatch(arn or "")
    return match["session"] if match else None
