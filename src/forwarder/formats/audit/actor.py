"""Who an audit event is about.

Sources: Kubernetes, "Authenticating" (reserved user names and groups) and audit.k8s.io/v1 (which of `sourceIPs` a
client can write); aws-iam-authenticator, pkg/server (the `extra` it gives a user).
"""

import ipaddress
import re
from functools import lru_cache

from forwarder.field_shapes import first_keyword
from forwarder.formats.identity import (
    ANONYMOUS,
    AUTHENTICATORS,
    COMPONENT,
    EVERYBODY,
    NODE,
    NODE_PREFIX,
    SERVICE_ACCOUNT,
    SERVICE_ACCOUNT_NAME,
    USER,
    account_of,
    actor_of,
    iam_kind,
    session_of,
    uid_part,
)
from forwarder.json_values import JsonObject, JsonValue, as_keyword, as_keywords, as_object

_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]*)\](?::\d+)?|(?P<v4>[\d.]+):\d+")
# EKS' own components have certificates, and no group but these.
_EKS_GROUPS = EVERYBODY | {"system:masters"}
# A credential that is no certificate, but a token, such as an OpenID Connect provider's.
_CREDENTIAL, _TOKEN = "authentication.kubernetes.io/credential-id", "JTI="


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
    return actor_of(
        username=username,
        groups=groups,
        kind=iam_kind(username or "", groups, iam_arn, owner)
        if iam_arn or uid.startswith(AUTHENTICATORS)
        else _kind(username or "", groups, first_keyword(extra.get(_CREDENTIAL)) or ""),
        iam_arn=iam_arn,
        iam_account=uid_part(uid, "account") or account_of(iam_arn),
        iam_principal=first_keyword(extra.get("principalId")) or uid_part(uid, "principal"),
        session_name=first_keyword(extra.get("sessionName")) or session_of(arn),
        access_key_id=first_keyword(extra.get("accessKeyId")),
        source_ip=_peer(source_ips),
        impersonates=as_keyword(impersonated.get("username")),
    )


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


def _kind(username: str, groups: list[JsonValue], credential: str) -> str | None:
    """Whose name it is, of one who is no IAM identity."""
    if username == "system:anonymous":
        return ANONYMOUS
    if SERVICE_ACCOUNT_NAME.fullmatch(username):
        return SERVICE_ACCOUNT
    # A provider of identities may give such a name to anybody, but not these groups.
    if username.startswith("system:") and not credential.startswith(_TOKEN):
        return NODE if username.startswith(NODE_PREFIX) else COMPONENT
    if username.startswith("eks:") and not credential.startswith(_TOKEN) and _EKS_GROUPS.issuperset(map(str, groups)):
        return COMPONENT
    return USER if username else None
