"""Who did it: one block for audit events and authenticator lines, so that one query follows an identity.

Sources: Kubernetes, "Authenticating" (reserved user names and groups); aws-iam-authenticator, pkg/server (the `uid` and
`extra` it gives a user); AWS, "IAM identifiers" (ARNs and unique ids).
"""

import re
from collections.abc import Mapping

from forwarder.field_shapes import first_keyword
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
_SERVICE_ACCOUNT = re.compile(r"system:serviceaccount:(?P<namespace>[^:]+):(?P<name>[^:]+)")
_NODE_PREFIX = "system:node:"


def audit_actor(user: JsonObject, impersonated: JsonObject, source_ips: JsonValue) -> JsonObject:
    """The actor of an audit event, from its members, fitted already: its user, also where that acts as another."""
    extra = as_object(user.get("extra"))
    username = as_keyword(user.get("username"))
    arn = first_keyword(extra.get("arn"))
    iam_arn = first_keyword(extra.get("canonicalArn")) or arn
    uid = as_keyword(user.get("uid")) or ""
    return _actor(
        username=username,
        groups=as_keywords(user.get("groups")),
        kind=_kind(username or "", is_iam=bool(iam_arn) or uid.startswith("aws-iam-authenticator:")),
        iam_arn=iam_arn,
        iam_account=_uid_part(uid, "account") or _account(iam_arn),
        iam_principal=first_keyword(extra.get("principalId")) or _uid_part(uid, "principal"),
        session_name=first_keyword(extra.get("sessionName")) or _session(arn),
        access_key_id=first_keyword(extra.get("accessKeyId")),
        source_ip=first_keyword(source_ips),
        impersonates=as_keyword(impersonated.get("username")),
    )


def authenticator_actor(pairs: Mapping[str, str], groups: list[JsonValue]) -> JsonObject:
    """The actor of an authenticator line; it has no source address, since the line's `client` is the API server."""
    username, arn, uid = pairs.get("username"), pairs.get("arn"), pairs.get("uid", "")
    if not (username or arn):
        return {}
    return _actor(
        username=username,
        groups=groups,
        kind=_kind(username or "", is_iam=True),
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
    account = _SERVICE_ACCOUNT.fullmatch(username) if isinstance(username, str) else None
    if account is not None:
        members |= account.groupdict()
    if isinstance(arn, str):
        members["iam_arn"] = iam_identity(arn)
    return {name: value for name, value in members.items() if value}


def _kind(username: str, *, is_iam: bool) -> str | None:
    if username == "system:anonymous":
        return ANONYMOUS
    if _SERVICE_ACCOUNT.fullmatch(username):
        return SERVICE_ACCOUNT
    if username.startswith(_NODE_PREFIX):
        return NODE
    if username.startswith(("system:", "eks:")):
        return COMPONENT
    if is_iam:
        return IAM
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
